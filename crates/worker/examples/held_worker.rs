//! A worker that waits for ever before a stage, for tests that kill it there: `held_worker STAGE`.

use std::sync::Arc;

use async_trait::async_trait;
use sluice_core::StageName;
use sluice_service::{Env, Shutdown, telemetry};
use sluice_worker::{Application, Config, StageError, StageObserver};

#[derive(Debug)]
struct HoldBefore(StageName);

#[async_trait]
impl StageObserver for HoldBefore {
    async fn before(&self, stage: StageName, _job_id: i32) -> Result<(), StageError> {
        if stage == self.0 {
            tracing::info!("held");
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage: StageName = std::env::args().nth(1).unwrap_or_default().parse()?;
    let mut env = Env::from_process();
    telemetry::init(&telemetry::Config::read(&mut env));
    let config = Config::read(&mut env);
    env.finish()?;
    Application::build(config).await?.observed_by(Arc::new(HoldBefore(stage))).run(Shutdown::new()).await
}
