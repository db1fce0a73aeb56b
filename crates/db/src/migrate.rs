//! Brings the database to the schema that this build knows.

use std::time::Duration;

use diesel::sql_types::Bool;
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use secrecy::ExposeSecret;

use crate::config::Config;
use crate::error::{Error, Result};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");
/// Any number will do, as long as all versions use the same: two replicas must not migrate at once.
const LOCK: i64 = 0x53_4c_55_49_43_45;
/// How often one that waits for another looks whether it is through.
const INTERVAL: Duration = Duration::from_millis(250);

/// Runs the migrations that are missing and answers their names. Others who do the same wait for each other.
///
/// # Errors
/// When the database is unavailable or a migration fails; each migration is a transaction of its own.
pub async fn run(config: &Config) -> Result<Vec<String>> {
    let mut connection = AsyncPgConnection::establish(config.url.expose_secret())
        .await
        .map_err(|error| Error::Unavailable(Box::new(error)))?;
    lock(&mut connection).await?;
    let mut harness = AsyncMigrationHarness::new(connection);
    let names = tokio::task::block_in_place(|| {
        let versions = harness.run_pending_migrations(MIGRATIONS).map_err(Error::Migrate)?;
        Ok::<_, Error>(versions.iter().map(ToString::to_string).collect())
    })?;
    Ok(names)
}

#[derive(diesel::QueryableByName)]
struct Lock {
    #[diesel(sql_type = Bool)]
    is_ours: bool,
}

/// Takes the lock, which ends with the connection, also when this process dies.
///
/// It is asked for again and again instead of being waited for: a waiting statement is a transaction that `create index
/// concurrently` would wait for in turn.
async fn lock(connection: &mut AsyncPgConnection) -> Result<()> {
    let question = format!("select pg_try_advisory_lock({LOCK}) as is_ours");
    while !diesel::sql_query(&question).get_result::<Lock>(connection).await?.is_ours {
        tokio::time::sleep(INTERVAL).await;
    }
    Ok(())
}
