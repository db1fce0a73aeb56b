-- What is still to be taken out of the queue when a project is deleted.
create index concurrently jobs_project_open on jobs (project_id) where status in ('pending', 'processing');
