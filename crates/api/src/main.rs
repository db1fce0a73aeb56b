//! Runs the REST service until it is told to end; `sluice-api openapi` writes its description instead.

use std::io::Write;
use std::process::ExitCode;

use sluice_api::{Application, Config};
use sluice_service::{Env, Shutdown, Tasks, exit_code, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(match std::env::args().nth(1).as_deref() {
        Some("openapi") => describe(),
        _ => run().await,
    })
}

fn describe() -> anyhow::Result<()> {
    let document = serde_json::to_string_pretty(&sluice_api::openapi())?;
    Ok(writeln!(std::io::stdout(), "{document}")?)
}

async fn run() -> anyhow::Result<()> {
    let mut env = Env::from_process();
    telemetry::init(&telemetry::Config::read(&mut env));
    let config = Config::read(&mut env);
    let settings = env.finish()?;
    tracing::info!(%settings, "starting");
    let shutdown = Shutdown::on_signals(&Tasks::new())?;
    Application::build(config).await?.run(shutdown).await?;
    Ok(())
}
