drop table prompts;
drop table extractors;
drop table models;
