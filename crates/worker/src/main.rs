//! The worker as a program of its own.

use std::process::ExitCode;

use sluice_service::{Env, Shutdown, Tasks, exit_code, telemetry};
use sluice_worker::{Application, Config};

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(run().await)
}

async fn run() -> anyhow::Result<()> {
    let mut env = Env::from_process();
    telemetry::init(&telemetry::Config::read(&mut env));
    let config = Config::read(&mut env);
    tracing::info!(settings = %env.finish()?, "starting");
    let shutdown = Shutdown::on_signals(&Tasks::new())?;
    Application::build(config).await?.run(shutdown).await
}
