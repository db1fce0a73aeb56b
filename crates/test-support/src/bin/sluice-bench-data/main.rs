//! Fills a fresh database and a fresh bucket for `cargo xtask bench`, and prints where what is, one `NAME=value` a line:
//! `sluice-bench-data POSTGRES_URL S3_URL rest`, or `... jobs MODEL_URL COUNT`.

mod jobs;
mod rest;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use diesel::sql_types::{Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sluice_access::Passwords;
use sluice_service::Env;
use sluice_storage::S3Store;
use sluice_test_support::builders::{self, Workspace};
use sluice_test_support::{eventually, postgres, s3};

const USERNAME: &str = "bench";
const PASSWORD: &str = "Correct-Horse1!";

#[derive(diesel::QueryableByName)]
struct Id {
    #[diesel(sql_type = Integer)]
    id: i32,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &'static str| arguments.next().context(what);
    let (postgres_url, s3_url) = (next("no URL of Postgres")?, next("no URL of S3")?);
    let database = postgres::create_database(&postgres_url).await?;
    let bucket = format!("bench-{}", sluice_core::id::fresh_uuid().simple());
    let store = make_bucket(&s3_url, &bucket).await?;
    let mut connection = database.pool.get().await?;
    let mut said = vec![
        ("SLUICE_DB_URL", database.url.clone()),
        ("SLUICE_S3_ENDPOINT", s3_url),
        ("SLUICE_S3_BUCKET", bucket),
        ("SLUICE_S3_ACCESS_KEY_ID", s3::ACCESS_KEY.to_owned()),
        ("SLUICE_S3_SECRET_ACCESS_KEY", s3::SECRET_KEY.to_owned()),
        ("USERNAME", USERNAME.to_owned()),
        ("PASSWORD", PASSWORD.to_owned()),
    ];
    match next("nothing to measure")?.as_str() {
        "rest" => said.extend(rest::fill(&mut connection).await?),
        "jobs" => {
            let (model, count) = (next("no URL of a model")?, next("no number of documents")?.parse()?);
            said.extend(jobs::fill(&mut connection, &store, &model, count).await?);
        }
        other => bail!("nothing is measured by the name {other:?}"),
    }
    // Commits are not synchronous here, and vacuum marks no page as visible whose commit is not yet written.
    diesel::sql_query("checkpoint").execute(&mut connection).await?;
    diesel::sql_query("vacuum analyze").execute(&mut connection).await?;
    let mut out = std::io::stdout().lock();
    for (name, value) in said {
        writeln!(out, "{name}={value}")?;
    }
    Ok(())
}

/// A workspace whose owner can sign in.
async fn add_workspace(connection: &mut AsyncPgConnection, model_url: &str) -> Result<Workspace> {
    let workspace = builders::insert_workspace(connection, USERNAME, model_url).await?;
    let hash = Passwords.hash(PASSWORD).await?;
    diesel::sql_query("update users set password_hash = $1 where id = $2")
        .bind::<Text, _>(hash)
        .bind::<Integer, _>(workspace.user_id)
        .execute(connection)
        .await?;
    Ok(workspace)
}

async fn make_bucket(s3_url: &str, bucket: &str) -> Result<S3Store> {
    let mut env = Env::from_pairs([
        ("SLUICE_S3_ENDPOINT", s3_url),
        ("SLUICE_S3_BUCKET", bucket),
        ("SLUICE_S3_ACCESS_KEY_ID", s3::ACCESS_KEY),
        ("SLUICE_S3_SECRET_ACCESS_KEY", s3::SECRET_KEY),
    ]);
    let config = sluice_storage::Config::read(&mut env);
    env.finish()?;
    let store = S3Store::new(&config);
    // Just started, it may not take a bucket yet.
    eventually(Duration::from_secs(60), || store.ensure_bucket(&[])).await?;
    Ok(store)
}
