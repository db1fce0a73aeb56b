drop index concurrently jobs_parked;
