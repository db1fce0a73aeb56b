-- The counts of one's own jobs, which clients ask for again and again.
create index concurrently jobs_owner_status on jobs (owner_id, status);
