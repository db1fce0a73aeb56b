//! The binary `sluice-ws-gateway`.

use std::process::ExitCode;

use sluice_service::{Env, Shutdown, Tasks, exit_code, telemetry};
use sluice_ws_gateway::{Application, Config};

#[tokio::main]
async fn main() -> ExitCode {
    let mut env = Env::from_process();
    let logs = telemetry::Config::read(&mut env);
    let config = Config::read(&mut env);
    telemetry::init(&logs);
    exit_code(run(env, config).await)
}

async fn run(env: Env, config: Config) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let settings = env.finish()?;
    tracing::info!(%settings, "starting");
    let tasks = Tasks::new();
    let shutdown = Shutdown::on_signals(&tasks)?;
    Application::build(config).await?.run(shutdown).await?;
    Ok(())
}
