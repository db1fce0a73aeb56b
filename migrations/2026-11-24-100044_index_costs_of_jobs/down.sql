drop index concurrently jobs_costs;
