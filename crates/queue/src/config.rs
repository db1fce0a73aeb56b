//! How to reach Redis, and how the queue behaves.

use std::time::Duration;

use bullmq::options::RedisConnectionOptions;
use secrecy::{ExposeSecret, SecretString};
use sluice_service::Env;

/// The section `SLUICE_REDIS_*` and `SLUICE_QUEUE_*`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `redis://[:password@]host:port[/db]` (`SLUICE_REDIS_URL`).
    pub url: SecretString,
    /// The prefix of all keys (`SLUICE_QUEUE_PREFIX`, default `bull`, which BullMQ's tools expect).
    pub prefix: String,
    /// How long a job is a worker's own without renewal (`SLUICE_QUEUE_LOCK_DURATION`, default 30s).
    pub lock_duration: Duration,
    /// How often lapsed locks are looked for (`SLUICE_QUEUE_STALLED_INTERVAL`, default 15s).
    pub stalled_interval: Duration,
    /// How long Redis may take to answer (`SLUICE_QUEUE_TIMEOUT`, default 5s).
    pub timeout: Duration,
}

impl Config {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Self {
        Self {
            url: env.required_url("SLUICE_REDIS_URL"),
            prefix: env.string("SLUICE_QUEUE_PREFIX", "bull"),
            lock_duration: env.duration("SLUICE_QUEUE_LOCK_DURATION", Duration::from_secs(30)),
            stalled_interval: env.duration("SLUICE_QUEUE_STALLED_INTERVAL", Duration::from_secs(15)),
            timeout: env.duration("SLUICE_QUEUE_TIMEOUT", Duration::from_secs(5)),
        }
    }

    pub(crate) fn connection(&self) -> RedisConnectionOptions {
        RedisConnectionOptions::new().url(self.url.expose_secret())
    }
}
