drop trigger jobs_owner on jobs;
drop function set_job_owner();
alter table jobs drop column project_id, drop column owner_id;
