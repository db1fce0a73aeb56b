drop index concurrently jobs_owner_status;
