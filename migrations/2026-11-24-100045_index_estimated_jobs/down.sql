drop index concurrently jobs_estimated;
