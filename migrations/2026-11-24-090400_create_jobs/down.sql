drop table citations;
drop table page_cache;
drop table llm_calls;
drop table job_stages;
drop table jobs;
