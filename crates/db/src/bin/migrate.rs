//! Runs the migrations that are missing; the command of the compose file and of the chart's migration job.

use std::process::ExitCode;

use anyhow::Context;
use sluice_service::{Env, exit_code, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(run().await)
}

async fn run() -> anyhow::Result<()> {
    let mut env = Env::from_process();
    telemetry::init(&telemetry::Config::read(&mut env));
    let config = sluice_db::Config::read(&mut env);
    env.finish()?;
    let names = sluice_db::migrate::run(&config).await.context("the database was not migrated")?;
    tracing::info!(count = names.len(), names = names.join(", "), "migrations ran");
    Ok(())
}
