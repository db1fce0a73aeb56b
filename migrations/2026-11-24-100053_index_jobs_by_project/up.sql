-- The jobs of a project in the admin's list.
create index concurrently jobs_project_created_at on jobs (project_id, created_at desc, id desc);
