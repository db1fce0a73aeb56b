drop index concurrently manifests_verified;
