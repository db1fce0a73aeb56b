//! Short-lived counters, for rate limits that all replicas share.

use std::time::Duration;

use deadpool_redis::redis::{AsyncConnectionConfig, IntoConnectionInfo, Script};
use deadpool_redis::{Connection, Manager, Pool, Runtime};
use secrecy::ExposeSecret;

use crate::config::Config;
use crate::error::{Error, Result, unavailable};
use crate::keys;

const COUNT: &str = "
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}";

/// Counts in Redis. Clones share the connections.
#[derive(Clone)]
pub struct Counters {
    pool: Pool,
    prefix: String,
    count: Script,
}

/// The state of a counter's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How often it was counted in this window, this time included.
    pub count: u64,
    /// When the window ends.
    pub ends_in: Duration,
}

impl Counters {
    /// Makes the pool; connects when first used.
    ///
    /// # Errors
    /// When the settings can't be used.
    pub fn new(config: &Config) -> Result<Self> {
        let info =
            config.url.expose_secret().into_connection_info().map_err(|error| Error::Settings(Box::new(error)))?;
        let timeouts = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(config.timeout))
            .set_response_timeout(Some(config.timeout));
        let manager = Manager::new_with_config(info, timeouts).map_err(|error| Error::Settings(Box::new(error)))?;
        let pool = Pool::builder(manager)
            .max_size(8)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(config.timeout))
            .create_timeout(Some(config.timeout))
            .recycle_timeout(Some(config.timeout))
            .build()
            .map_err(|error| Error::Settings(Box::new(error)))?;
        Ok(Self { pool, prefix: config.prefix.clone(), count: Script::new(COUNT) })
    }

    /// Counts one more under a name; the first count opens a window of the given length.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn count(&self, name: &str, window: Duration) -> Result<Window> {
        let mut connection = self.connection().await?;
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        let (count, ends_in_ms): (u64, i64) = self
            .count
            .key(keys::counter(&self.prefix, name))
            .arg(window_ms)
            .invoke_async(&mut connection)
            .await
            .map_err(|error| unavailable("counting", error))?;
        Ok(Window { count, ends_in: Duration::from_millis(u64::try_from(ends_in_ms).unwrap_or(0)) })
    }

    pub(crate) async fn connection(&self) -> Result<Connection> {
        self.pool.get().await.map_err(|error| unavailable("connecting", error))
    }

    pub(crate) async fn check(&self) -> Result<()> {
        let mut connection = self.connection().await?;
        let _pong: String = deadpool_redis::redis::cmd("PING")
            .query_async(&mut connection)
            .await
            .map_err(|error| unavailable("asking for a sign of life", error))?;
        Ok(())
    }
}

impl std::fmt::Debug for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counters").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
