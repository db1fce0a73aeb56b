alter table models drop column capabilities;
