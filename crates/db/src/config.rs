//! How to reach Postgres.

use std::time::Duration;

use secrecy::SecretString;
use sluice_service::Env;

/// The section `SLUICE_DB_*`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `postgres://user:password@host:port/database` (`SLUICE_DB_URL`).
    pub url: SecretString,
    /// Connections a process opens at most (`SLUICE_DB_POOL_SIZE`, default 16).
    pub pool_size: usize,
    /// How long to wait for a connection (`SLUICE_DB_POOL_TIMEOUT`, default 5s).
    pub pool_timeout: Duration,
    /// How long a statement may run (`SLUICE_DB_STATEMENT_TIMEOUT`, default 30s).
    pub statement_timeout: Duration,
}

impl Config {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Self {
        let url = env.required_url("SLUICE_DB_URL");
        let pool_size = env.parsed("SLUICE_DB_POOL_SIZE", 16_usize);
        if pool_size == 0 {
            env.problem("SLUICE_DB_POOL_SIZE", "must be at least 1");
        }
        Self {
            url,
            pool_size,
            pool_timeout: env.duration("SLUICE_DB_POOL_TIMEOUT", Duration::from_secs(5)),
            statement_timeout: env.duration("SLUICE_DB_STATEMENT_TIMEOUT", Duration::from_secs(30)),
        }
    }
}
