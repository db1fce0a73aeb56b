#![cfg(test)]

//! The store on SeaweedFS.

mod signed;
mod store;

use sluice_service::Env;
use sluice_storage::{Config, S3Store};
use sluice_test_support::{Servers, s3};

/// A bucket of its own.
async fn bucket() -> (Config, S3Store) {
    let servers = Servers::shared().unwrap();
    let mut env = Env::from_pairs([
        ("SLUICE_S3_ENDPOINT", servers.s3_url.as_str()),
        ("SLUICE_S3_BUCKET", &servers.fresh_name()),
        ("SLUICE_S3_ACCESS_KEY_ID", s3::ACCESS_KEY),
        ("SLUICE_S3_SECRET_ACCESS_KEY", s3::SECRET_KEY),
    ]);
    let config = Config::read(&mut env);
    env.finish().unwrap();
    let store = S3Store::new(&config);
    sluice_test_support::eventually(std::time::Duration::from_secs(30), || store.ensure_bucket(&[])).await.unwrap();
    (config, store)
}
