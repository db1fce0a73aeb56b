-- What is to be woken when a project's budget is raised, and what the list of manifests shows the reason of.
create index concurrently jobs_parked on jobs (project_id) where parked_nano is not null and status = 'pending';
