#![cfg(test)]

//! The queue on a real Redis.
#![expect(clippy::disallowed_methods, reason = "tasks end with the runtime of their test")]

mod bulk;
mod cancel;
mod counters;
mod delivery;
mod faults;
mod node;

use std::time::Duration;

use sluice_core::{JobId, JobKind, JobMessage, JobMessageV1, ManifestId};
use sluice_queue::Config;
use sluice_service::Env;
use sluice_test_support::Servers;

const LONG: Duration = Duration::from_secs(60);

fn config_at(url: &str) -> Config {
    let prefix = Servers::shared().unwrap().fresh_name();
    let mut env = Env::from_pairs([
        ("SLUICE_REDIS_URL", url),
        ("SLUICE_QUEUE_PREFIX", &prefix),
        ("SLUICE_QUEUE_LOCK_DURATION", "2s"),
        ("SLUICE_QUEUE_STALLED_INTERVAL", "1s"),
    ]);
    let config = Config::read(&mut env);
    env.finish().unwrap();
    config
}

fn config() -> Config {
    config_at(&Servers::shared().unwrap().redis_url)
}

fn message(job: i32) -> JobMessage {
    JobMessage::V1(JobMessageV1 {
        job_id: JobId(job),
        manifest_id: ManifestId(job),
        kind: JobKind::Extraction,
        request_id: None,
    })
}
