-- The history of one's own jobs.
create index concurrently jobs_owner_created_at on jobs (owner_id, created_at desc, id desc);
