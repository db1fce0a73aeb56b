-- The newest documents that people have verified are examples in prompts.
create index concurrently manifests_verified on manifests (group_id, updated_at desc) where human_verified;
