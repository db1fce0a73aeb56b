//! The six stages in their order, and the one wrapper around each of them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures_util::FutureExt;
use sluice_core::{ErrorKind, StageName};
use sluice_db::models::job_stages::{self, JobStage};
use sluice_db::models::jobs::Job;
use sluice_queue::Cancellation;
use tracing::Instrument;

use crate::error::StageError;
use crate::reporter::Reporter;
use crate::stages::{Emit, LlmExtract, Load, Persist, TextExtract, Validate};
use crate::wiring::Ports;

/// A stage: stateless, its fields are what it uses.
pub(crate) trait Stage {
    /// Its name.
    const NAME: StageName;
    /// What it needs.
    type In;
    /// What it adds.
    type Out;

    /// Does its work.
    fn run(
        &self,
        input: Self::In,
        context: &StageContext,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send;

    /// What a later attempt can go on from.
    fn checkpoint(output: &Self::Out) -> serde_json::Value;
}

/// Who runs, and how it reports; never data.
#[derive(Debug)]
pub(crate) struct StageContext {
    /// The attempt whose number guards what must be written once.
    pub(crate) attempt: sluice_db::models::runs::Attempt,
    /// Tells the world.
    pub(crate) reporter: Reporter,
    /// Tells when to stop.
    pub(crate) cancellation: Cancellation,
}

/// Watches stages from outside: production does nothing here, tests fail, wait or panic.
#[async_trait]
pub trait StageObserver: Send + Sync + std::fmt::Debug {
    /// Called before a stage begins.
    ///
    /// # Errors
    /// An error fails the stage.
    async fn before(&self, stage: StageName, job_id: i32) -> Result<(), StageError>;
}

/// Observes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

#[async_trait]
impl StageObserver for NoObserver {
    async fn before(&self, _stage: StageName, _job_id: i32) -> Result<(), StageError> {
        Ok(())
    }
}

/// Why a run ended early.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// A stage failed.
    Failed(StageError),
    /// Somebody asked for it.
    Canceled,
}

/// All stages.
#[derive(Debug)]
pub(crate) struct Pipeline {
    load: Load,
    text_extract: TextExtract,
    llm_extract: LlmExtract,
    validate: Validate,
    persist: Persist,
    emit: Emit,
    ports: Ports,
    observer: Arc<dyn StageObserver>,
}

impl Pipeline {
    pub(crate) fn new(ports: &Ports, observer: Arc<dyn StageObserver>) -> Self {
        Self {
            load: Load(ports.clone()),
            text_extract: TextExtract(ports.clone()),
            llm_extract: LlmExtract(ports.clone()),
            validate: Validate(ports.clone()),
            persist: Persist(ports.clone()),
            emit: Emit,
            ports: ports.clone(),
            observer,
        }
    }

    /// Runs a job through the stages.
    pub(crate) async fn run(&self, job: Job, context: &StageContext) -> Result<(), Stopped> {
        let reads_text_only = job.kind == "ocr";
        let loaded = self.step(&self.load, job, context).await?;
        let text = Box::pin(self.step(&self.text_extract, loaded, context)).await?;
        let persisted = if reads_text_only {
            self.step(&self.persist, crate::stages::Result::Text(Box::new(text)), context).await?
        } else {
            let extracted = Box::pin(self.step(&self.llm_extract, text, context)).await?;
            let validated = self.step(&self.validate, extracted, context).await?;
            self.step(&self.persist, crate::stages::Result::Data(Box::new(validated)), context).await?
        };
        self.step(&self.emit, persisted, context).await
    }

    /// The only wrapper around a stage: cancellation, report, log, checkpoint, the stage's name on its error.
    async fn step<S: Stage>(&self, stage: &S, input: S::In, context: &StageContext) -> Result<S::Out, Stopped> {
        let name = S::NAME;
        let job_id = context.attempt.job_id;
        let span =
            tracing::info_span!("stage", stage = name.as_str(), job.id = job_id, attempt = context.attempt.number);
        let fail = |error: StageError| Stopped::Failed(StageError { stage: Some(name), ..error });
        async {
            // What is written can't be taken back: from PERSIST on a cancellation comes too late.
            let cancelable = name < StageName::Persist;
            if cancelable && context.cancellation.is_requested() {
                return Err(Stopped::Canceled);
            }
            let (started_at, start) = (self.ports.clock.now(), Instant::now());
            tracing::info!(event = "start", "stage starts");
            let work = async {
                self.observer.before(name, job_id).await?;
                context.reporter.stage_started(name).await;
                stage.run(input, context).await
            };
            // A panic of foreign code costs its job an error, and the error knows its stage.
            let work = AssertUnwindSafe(work).catch_unwind().map(|result| {
                result.unwrap_or_else(|_panic| Err(StageError::new(ErrorKind::Internal, "internal error")))
            });
            let result = if cancelable {
                tokio::select! {
                    result = work => result,
                    () = context.cancellation.requested() => return Err(Stopped::Canceled),
                }
            } else {
                work.await
            };
            let duration_ms = start.elapsed().as_millis();
            let output = result.map_err(|error| {
                tracing::info!(event = "fail", duration_ms, error = %error, "stage failed");
                fail(error)
            })?;
            self.record(name, context, S::checkpoint(&output), started_at).await.map_err(fail)?;
            context.reporter.stage_finished(name).await;
            tracing::info!(event = "end", duration_ms, "stage ends");
            Ok(output)
        }
        .instrument(span)
        .await
    }

    async fn record(
        &self,
        name: StageName,
        context: &StageContext,
        output: serde_json::Value,
        started_at: chrono::DateTime<chrono::Utc>,
    ) -> Result<(), StageError> {
        let checkpoint = JobStage {
            job_id: context.attempt.job_id,
            stage: name.as_str().to_owned(),
            attempt: context.attempt.number,
            output,
            started_at,
            finished_at: self.ports.clock.now(),
        };
        let mut connection = self.ports.pool.get().await?;
        match job_stages::record(&mut connection, &checkpoint).await {
            // The manifest and its job were deleted meanwhile: there is nothing to go on from.
            Err(sluice_db::Error::Reference { .. }) => {
                Err(StageError::new(ErrorKind::NotFound, "the manifest was deleted while it was processed"))
            }
            other => Ok(other?),
        }
    }
}
