drop index concurrently jobs_owner_created_at;
