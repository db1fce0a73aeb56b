//! The pool of connections.

use std::time::Duration;

use diesel_async::pooled_connection::deadpool::{self, Hook, HookError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, PoolError, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use url::Url;

use crate::config::Config;
use crate::error::{Error, Result};

/// A connection that was used so lately is not asked for a sign of life before it is used again: under load that would
/// be a query for each query.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// A connection of the pool.
pub type Connection = deadpool::Object<AsyncPgConnection>;

/// A pool of connections; clones share it.
#[derive(Clone)]
pub struct Pool {
    pool: deadpool::Pool<AsyncPgConnection>,
    timeout: Duration,
}

impl Pool {
    /// Makes a pool; opens no connection yet.
    ///
    /// # Errors
    /// When the settings can't be used.
    pub fn new(config: &Config) -> Result<Self> {
        // The pool drops a connection that has ended, without asking it; the hook asks one that may have.
        let mut settings = ManagerConfig::default();
        settings.recycling_method = RecyclingMethod::Fast;
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(session_url(config), settings);
        let pool = deadpool::Pool::builder(manager)
            .max_size(config.pool_size)
            .post_recycle(Hook::async_fn(|connection, metrics| {
                let is_fresh = metrics.last_used() < TRUSTED_FOR;
                Box::pin(async move { if is_fresh { Ok(()) } else { ask(connection).await } })
            }))
            .build()
            .map_err(Error::Pool)?;
        Ok(Self { pool, timeout: config.pool_timeout })
    }

    /// Takes a connection; it goes back when dropped.
    ///
    /// # Errors
    /// `Unavailable` when none is free or can be opened in time.
    pub async fn get(&self) -> Result<Connection> {
        match tokio::time::timeout(self.timeout, self.pool.get()).await {
            Ok(connection) => Ok(connection?),
            Err(elapsed) => Err(Error::Unavailable(Box::new(elapsed))),
        }
    }

    /// Runs a transaction in a task of its own, so that it is never left open when the caller is dropped.
    ///
    /// # Errors
    /// Whatever the transaction answers; it is rolled back then.
    pub async fn transaction<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let mut connection = self.get().await?;
        #[expect(clippy::disallowed_methods, reason = "awaited here; the task only outlives a dropped caller")]
        tokio::spawn(async move { connection.transaction(async move |c| work(c).await).await })
            .await
            .map_err(Error::Abandoned)?
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// `Unavailable` when there is none.
    pub async fn check(&self) -> Result<()> {
        let mut connection = self.get().await?;
        diesel::sql_query("select 1").execute(&mut connection).await?;
        Ok(())
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("status", &self.pool.status()).finish_non_exhaustive()
    }
}

async fn ask(connection: &mut AsyncPgConnection) -> std::result::Result<(), HookError> {
    let answer = diesel::sql_query("select 1").execute(connection).await;
    answer.map(drop).map_err(|error| HookError::Backend(PoolError::QueryError(error)))
}

/// The URL with the session's limits added, so that every connection has them from its first statement.
fn session_url(config: &Config) -> String {
    let text = config.url.expose_secret();
    let Ok(mut url) = Url::parse(text) else {
        return text.to_owned();
    };
    let statement_ms = config.statement_timeout.as_millis();
    let options = format!("-c statement_timeout={statement_ms} -c idle_in_transaction_session_timeout=60000");
    let connect_seconds = config.pool_timeout.as_secs().max(1);
    let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    // Percent-encoded by hand: the driver does not read `+` as a space.
    let mut query = url.query().map(|query| format!("{query}&")).unwrap_or_default();
    if !names.iter().any(|name| name == "options") {
        query.push_str(&format!("options={}&", options.replace(' ', "%20").replace('=', "%3D")));
    }
    if !names.iter().any(|name| name == "connect_timeout") {
        query.push_str(&format!("connect_timeout={connect_seconds}&"));
    }
    query.push_str("application_name=sluice");
    url.set_query(Some(&query));
    url.to_string()
}
