//! The worker's settings.

use std::sync::Arc;
use std::time::Duration;

use sluice_service::{Env, SecretBox};

/// All sections that a worker reads, and its own: `SLUICE_WORKER_*`, `SLUICE_LLM_CALLS` and `SLUICE_LLM_REPLAY`.
#[derive(Debug)]
pub struct Config {
    /// Postgres.
    pub db: sluice_db::Config,
    /// The queue.
    pub queue: sluice_queue::Config,
    /// The event bus.
    pub events: sluice_event_bus::Config,
    /// The file storage.
    pub storage: sluice_storage::Config,
    /// The sandbox.
    pub sandbox: sluice_sandbox::Config,
    /// Opens the keys of models.
    pub secrets: Arc<SecretBox>,
    /// Jobs in hand at most (`SLUICE_WORKER_CONCURRENCY`, default 16): most of them wait for a model.
    pub concurrency: usize,
    /// Attempts at a job (`SLUICE_WORKER_ATTEMPTS`, default 3).
    pub attempts: i32,
    /// The wait before the second attempt; each further one waits twice as long (`SLUICE_WORKER_RETRY_DELAY`, default 2s).
    pub retry_delay: Duration,
    /// How soon a job that waits for its budget is looked at again, at first (`SLUICE_WORKER_PARK_DELAY`, default 1m); the
    /// longer it waits the rarer, up to an hour.
    pub park_delay: Duration,
    /// How long jobs in hand may go on after SIGTERM (`SLUICE_WORKER_DRAIN_TIMEOUT`, default 30s).
    pub drain_timeout: Duration,
    /// How often lost jobs are looked for (`SLUICE_WORKER_SWEEP_INTERVAL`, default 30s).
    pub sweep_interval: Duration,
    /// The port of `/health/live` and `/health/ready` (`SLUICE_WORKER_PORT`, default 3003; 0 takes a free one).
    pub port: u16,
    /// The largest file that is read (`SLUICE_WORKER_MAX_FILE_BYTES`, default 50 MiB).
    pub max_file_bytes: u64,
    /// How long pages that nobody uses are kept (`SLUICE_WORKER_PAGE_CACHE_AGE`, default 30d).
    pub page_cache_age: Duration,
    /// How much of pages is kept at most, those without a use for longest going first (`SLUICE_WORKER_PAGE_CACHE_MIB`,
    /// default 2048).
    pub page_cache_mib: u32,
    /// How long entries of the audit log are kept (`SLUICE_AUDIT_RETENTION`, default 365d).
    pub audit_retention: Duration,
    /// How models are asked.
    pub llm: sluice_llm::Config,
    /// Calls of an attempt: the first, and those that ask for what was wrong (`SLUICE_LLM_CALLS`, default 2). What is too long
    /// for one question or one answer is asked for in parts, which are not counted here.
    pub llm_calls: i32,
    /// Answers every question of a model from the records of earlier runs, and asks none (`SLUICE_LLM_REPLAY`, default
    /// false): a run is repeated offline, at no cost. A question without a recorded answer fails its job.
    pub llm_replay: bool,
}

impl Config {
    /// Reads all sections.
    pub fn read(env: &mut Env) -> Self {
        let config = Self {
            db: sluice_db::Config::read(env),
            queue: sluice_queue::Config::read(env),
            events: sluice_event_bus::Config::read(env),
            storage: sluice_storage::Config::read(env),
            sandbox: sluice_sandbox::Config::read(env),
            secrets: Arc::new(SecretBox::read(env)),
            concurrency: env.parsed("SLUICE_WORKER_CONCURRENCY", 16),
            attempts: env.parsed("SLUICE_WORKER_ATTEMPTS", 3),
            retry_delay: env.duration("SLUICE_WORKER_RETRY_DELAY", Duration::from_secs(2)),
            park_delay: env.duration("SLUICE_WORKER_PARK_DELAY", Duration::from_secs(60)),
            drain_timeout: env.duration("SLUICE_WORKER_DRAIN_TIMEOUT", Duration::from_secs(30)),
            sweep_interval: env.duration("SLUICE_WORKER_SWEEP_INTERVAL", Duration::from_secs(30)),
            port: env.parsed("SLUICE_WORKER_PORT", 3003),
            max_file_bytes: env.parsed("SLUICE_WORKER_MAX_FILE_BYTES", 50 * 1024 * 1024),
            page_cache_age: env.duration("SLUICE_WORKER_PAGE_CACHE_AGE", Duration::from_secs(30 * 86_400)),
            page_cache_mib: env.parsed("SLUICE_WORKER_PAGE_CACHE_MIB", 2_048),
            audit_retention: env.duration("SLUICE_AUDIT_RETENTION", Duration::from_secs(365 * 86_400)),
            llm: sluice_llm::Config::read(env),
            llm_calls: env.parsed("SLUICE_LLM_CALLS", 2),
            llm_replay: env.parsed("SLUICE_LLM_REPLAY", false),
        };
        config.check(env);
        config
    }

    fn check(&self, env: &mut Env) {
        if self.concurrency == 0 {
            env.problem("SLUICE_WORKER_CONCURRENCY", "must be at least 1");
        }
        if self.attempts < 1 {
            env.problem("SLUICE_WORKER_ATTEMPTS", "must be at least 1");
        }
        if self.llm_calls < 1 {
            env.problem("SLUICE_LLM_CALLS", "must be at least 1");
        }
        // Two renewals must fit into a lock, or a live worker loses its job.
        if self.queue.lock_duration < Duration::from_secs(1) {
            env.problem("SLUICE_QUEUE_LOCK_DURATION", "must be at least 1s");
        }
    }
}
