-- Jobs whose cost was estimated, newest first; few are.
create index concurrently jobs_estimated on jobs (created_at desc, id desc)
  where status = 'completed' and estimated_cost_nano is not null;
