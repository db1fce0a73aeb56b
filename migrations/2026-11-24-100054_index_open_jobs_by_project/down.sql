drop index concurrently jobs_project_open;
