drop index concurrently manifests_costs;
