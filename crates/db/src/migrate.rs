//! Brings the database to the schema that this build knows.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::Bool;
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use secrecy::ExposeSecret;

use crate::config::Config;
use crate::error::{Error, Result};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");
/// Any number will do, as long as all versions use the same: two replicas must not migrate at once.
const LOCK: i64 = 0x53_4c_55_49_43_45;
/// How often one who waits asks again.
const PAUSE: Duration = Duration::from_millis(200);

/// Runs the migrations that are missing and answers their names. Others who do the same wait for each other.
///
/// # Errors
/// When the database is unavailable or a migration fails; each migration is a transaction of its own.
pub async fn run(config: &Config) -> Result<Vec<String>> {
    let mut connection = AsyncPgConnection::establish(config.url.expose_secret())
        .await
        .map_err(|error| Error::Unavailable(Box::new(error)))?;
    // The lock ends with the connection, also when this process dies.
    lock(&mut connection).await?;
    let mut harness = AsyncMigrationHarness::new(connection);
    let names = tokio::task::block_in_place(|| {
        let versions = harness.run_pending_migrations(MIGRATIONS).map_err(Error::Migrate)?;
        Ok::<_, Error>(versions.iter().map(ToString::to_string).collect())
    })?;
    Ok(names)
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Asks again and again: a query that waits inside of Postgres is a transaction, which `create index concurrently` of the
/// one who migrates would wait for in turn.
async fn lock(connection: &mut AsyncPgConnection) -> Result<()> {
    let query = format!("select pg_try_advisory_lock({LOCK}) as locked");
    loop {
        let Locked { locked } = diesel::sql_query(&query).get_result(connection).await?;
        if locked {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
