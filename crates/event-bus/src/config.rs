//! How to reach the bus.

use std::time::Duration;

use fred::prelude::*;
use fred::types::config::{Config as RedisConfig, PerformanceConfig, ReconnectPolicy};
use secrecy::{ExposeSecret, SecretString};
use sluice_service::Env;

use crate::error::{Error, Result, unavailable};

/// Messages that may wait inside this process. The library's default of 32 drops bursts without a word.
const BROADCAST_CAPACITY: usize = 16_384;

/// The section `SLUICE_EVENTS_*`; the server is that of `SLUICE_REDIS_URL`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `redis://[:password@]host:port[/db]` (`SLUICE_REDIS_URL`).
    pub url: SecretString,
    /// The prefix of all keys (`SLUICE_EVENTS_PREFIX`, default `sluice`).
    pub prefix: String,
    /// How long states and histories are kept after the last event (`SLUICE_EVENTS_RETENTION`, default 1d).
    pub retention: Duration,
    /// How many events of a manifest are kept for those who come back (`SLUICE_EVENTS_HISTORY`, default 500).
    pub history: u32,
    /// How long Redis may take to answer (`SLUICE_EVENTS_TIMEOUT`, default 5s).
    pub timeout: Duration,
}

impl Config {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Self {
        Self {
            url: env.required_url("SLUICE_REDIS_URL"),
            prefix: env.string("SLUICE_EVENTS_PREFIX", "sluice"),
            retention: env.duration("SLUICE_EVENTS_RETENTION", Duration::from_secs(86_400)),
            history: env.parsed("SLUICE_EVENTS_HISTORY", 500),
            timeout: env.duration("SLUICE_EVENTS_TIMEOUT", Duration::from_secs(5)),
        }
    }

    pub(crate) fn builder(&self) -> Result<Builder> {
        let config =
            RedisConfig::from_url(self.url.expose_secret()).map_err(|error| Error::Settings(Box::new(error)))?;
        let mut builder = Builder::from_config(config);
        let timeout = self.timeout;
        builder
            .set_policy(ReconnectPolicy::new_exponential(0, 50, 2_000, 2))
            .with_connection_config(|connection| {
                connection.connection_timeout = timeout;
                connection.internal_command_timeout = timeout;
            })
            .set_performance_config(PerformanceConfig {
                broadcast_channel_capacity: BROADCAST_CAPACITY,
                default_command_timeout: timeout,
                ..PerformanceConfig::default()
            });
        Ok(builder)
    }

    /// Waits for a client's first connection, but not for ever.
    pub(crate) async fn start(&self, client: &impl ClientLike) -> Result<()> {
        match tokio::time::timeout(self.timeout, client.init()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(unavailable("connecting", error)),
            Err(elapsed) => Err(unavailable("connecting", elapsed)),
        }
    }
}
