//! Runs the migrations that are missing; the command of the compose file and of the chart's migration job.

use anyhow::Context;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut env = sluice_service::Env::from_process();
    sluice_service::telemetry::init(&sluice_service::telemetry::Config::read(&mut env));
    let config = sluice_db::Config::read(&mut env);
    env.finish()?;
    let names = sluice_db::migrate::run(&config).await.context("the database was not migrated")?;
    tracing::info!(count = names.len(), names = names.join(", "), "migrations ran");
    Ok(())
}
