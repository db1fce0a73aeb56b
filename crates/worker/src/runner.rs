//! Around the pipeline: begins attempts, ends jobs, decides by errors.

use std::sync::Arc;

use futures_util::FutureExt;
use sluice_core::{CostBreakdown, ErrorKind, Fact, JobMessage, JobStatus, ManifestStatus, NanoAmount, StageName};
use sluice_db::models::jobs::{self, Job};
use sluice_db::models::runs::{self, Attempt, Failure};
use sluice_db::models::{budgets, jobs::cancel, manifests};
use sluice_queue::{Delivery, Outcome};
use sluice_service::ErrorChain;

use crate::budget;
use crate::error::{Parked, StageError};
use crate::pipeline::{Pipeline, StageContext, Stopped};
use crate::reporter::Reporter;
use crate::retry::{Next, Policy};
use crate::wiring::Ports;

/// Attempts that may be lost to dying workers beside those that fail.
const TAKE_OVERS: i32 = 3;

/// Runs deliveries.
#[derive(Debug)]
pub(crate) struct Runner {
    pub(crate) ports: Ports,
    pub(crate) pipeline: Pipeline,
    pub(crate) policy: Policy,
}

impl Runner {
    /// Runs one delivery; what it answers tells the queue what to do with it.
    pub(crate) async fn run(self: Arc<Self>, delivery: Delivery) -> Outcome {
        let JobMessage::V1(message) = &delivery.message;
        let job_id = message.job_id.0;
        match Box::pin(self.attempt(job_id, &delivery)).await {
            Ok(outcome) => outcome,
            // The database is down: nothing could be noted, so the queue has to remember.
            Err(error) => {
                tracing::warn!(job.id = job_id, error = %ErrorChain(&error), "a job could not be begun or ended");
                Outcome::Retry { error: error.to_string(), after: self.policy.delay }
            }
        }
    }

    async fn attempt(&self, job_id: i32, delivery: &Delivery) -> sluice_db::Result<Outcome> {
        let mut connection = self.ports.pool.get().await?;
        if let Some(after) = budget::still_parked(&self.ports, &mut connection, job_id).await? {
            return Ok(Outcome::Later { after });
        }
        let Some(job) = runs::begin(&mut connection, job_id, self.ports.clock.now()).await? else {
            let ended = jobs::find(&mut connection, job_id).await?;
            drop(connection);
            self.tell_end_again(ended).await?;
            return Ok(Outcome::Done);
        };
        let number =
            manifests::find(&mut connection, job.manifest_id).await?.map_or(0, |manifest| manifest.last_event_number);
        // What an attempt before this one had under way is not under way any more.
        budgets::release_of_job(&mut connection, job_id).await?;
        drop(connection);
        let attempt = Attempt { job_id, manifest_id: job.manifest_id, number: job.attempt_count };
        let tries = attempt.number.saturating_sub(job.parked_count);
        if job.cancel_requested_at.is_some() {
            delivery.cancellation.request();
        }
        let context = StageContext {
            attempt,
            reporter: Reporter::new(&self.ports, &job, attempt, u64::try_from(number).unwrap_or(0)),
            cancellation: delivery.cancellation.clone(),
        };
        // An attempt that killed its worker could not be counted as failed: such a job must not go round for ever.
        if tries > self.policy.attempts.saturating_add(TAKE_OVERS) {
            let message = format!("given up after {} attempts that did not come to an end", tries - 1);
            return self.fail(&context, tries, StageError::new(ErrorKind::Internal, message)).await;
        }
        context.reporter.tell(Fact::Started).await;
        let ended = match Box::pin(self.pipeline.run(job, &context)).await {
            Ok(()) => Ok(Outcome::Done),
            Err(Stopped::Canceled) => self.cancel(&context).await,
            Err(Stopped::Failed(error)) => self.fail(&context, tries, error).await,
        };
        // What a call had reserved that was broken off. The sweeper does it when this can't.
        if let Err(error) = self.release(job_id).await {
            tracing::warn!(job.id = job_id, error = %ErrorChain(&error), "reservations of a job could not be given up");
        }
        ended
    }

    async fn release(&self, job_id: i32) -> sluice_db::Result<()> {
        budgets::release_of_job(&mut *self.ports.pool.get().await?, job_id).await
    }

    /// Lets the job wait for room in its budget.
    async fn park(&self, context: &StageContext, parked: Parked, failure: Failure) -> sluice_db::Result<Outcome> {
        let attempt = context.attempt;
        let (message, now) = (failure.message.clone(), self.ports.clock.now());
        let row = budgets::Parked { amount_nano: parked.amount.0, message: failure.message, stage: failure.stage };
        let is_ours = self
            .ports
            .pool
            .transaction(move |connection| async move { budgets::park(connection, attempt, &row, now).await }.boxed())
            .await?;
        if is_ours {
            tracing::info!(
                job.id = attempt.job_id,
                after_ms = parked.after.as_millis(),
                "the job waits for its budget"
            );
            context.reporter.tell(Fact::Delayed { error: message }).await;
        }
        Ok(Outcome::Later { after: parked.after })
    }

    async fn fail(&self, context: &StageContext, tries: i32, error: StageError) -> sluice_db::Result<Outcome> {
        let attempt = context.attempt;
        let stage = error.stage.map_or("RUN", StageName::as_str);
        let failure =
            Failure { message: error.message.clone(), code: error.code().to_owned(), stage: stage.to_owned() };
        let jitter = rand::random();
        match self.policy.next(&error, tries, jitter) {
            Next::Park(parked) => self.park(context, parked, failure).await,
            Next::Retry(after) => {
                tracing::warn!(
                    job.id = attempt.job_id, attempt = attempt.number, stage, after_ms = after.as_millis(),
                    error = %ErrorChain(&error), "the attempt failed and will be followed by another"
                );
                runs::note_failure(&mut *self.ports.pool.get().await?, attempt, &failure).await?;
                context.reporter.tell(Fact::Delayed { error: error.message.clone() }).await;
                Ok(Outcome::Retry { error: error.message, after })
            }
            Next::GiveUp => {
                tracing::warn!(
                    job.id = attempt.job_id, attempt = attempt.number, stage, error = %ErrorChain(&error), "the job failed"
                );
                let now = self.ports.clock.now();
                let is_ours = self
                    .ports
                    .pool
                    .transaction(move |connection| {
                        async move { runs::fail(connection, attempt, &failure, now).await }.boxed()
                    })
                    .await?;
                if is_ours {
                    context.reporter.tell(Fact::Failed { error: error.message.clone() }).await;
                }
                Ok(Outcome::Dead { error: error.message })
            }
        }
    }

    async fn cancel(&self, context: &StageContext) -> sluice_db::Result<Outcome> {
        let job_id = context.attempt.job_id;
        let now = self.ports.clock.now();
        let ended = self
            .ports
            .pool
            .transaction(move |connection| {
                async move {
                    let reason = jobs::find(connection, job_id).await?.and_then(|job| job.cancel_reason);
                    let error = cancel_message(reason.as_deref());
                    cancel::end(connection, job_id, &error, cancel::Endable::Open, now).await
                }
                .boxed()
            })
            .await?;
        if let Some((job, status)) = ended {
            tracing::info!(job.id = job_id, "the job was canceled");
            let error = job.error_message.unwrap_or_default();
            context.reporter.tell(Fact::Canceled { error, manifest_status: status.parse()? }).await;
        }
        Ok(Outcome::Done)
    }

    /// A worker may have died between the end of a job and telling it.
    async fn tell_end_again(&self, job: Option<Job>) -> sluice_db::Result<()> {
        let Some(job) = job else { return Ok(()) };
        let Some(manifest) = manifests::find(&mut *self.ports.pool.get().await?, job.manifest_id).await? else {
            return Ok(());
        };
        let attempt = Attempt { job_id: job.id, manifest_id: job.manifest_id, number: job.attempt_count };
        let number = u64::try_from(manifest.last_event_number).unwrap_or(0);
        let error = job.error_message.clone().unwrap_or_default();
        let manifest_status: ManifestStatus = manifest.status.parse()?;
        let nano = |amount: Option<i64>| NanoAmount(amount.unwrap_or(0));
        let fact = match job.status.parse::<JobStatus>()? {
            JobStatus::Completed => Fact::Completed {
                cost: CostBreakdown {
                    text: nano(job.text_actual_cost_nano),
                    llm: nano(job.llm_actual_cost_nano),
                    total: job.actual_cost_nano.map(NanoAmount),
                    currency: job.cost_currency.clone(),
                },
                extractor_id: manifest.text_extractor_id.map(Into::into),
                manifest_status,
                ocr: None,
            },
            JobStatus::Failed => Fact::Failed { error },
            JobStatus::Canceled => Fact::Canceled { error, manifest_status },
            JobStatus::Pending | JobStatus::Processing => return Ok(()),
        };
        Reporter::new(&self.ports, &job, attempt, number).tell(fact).await;
        Ok(())
    }
}

/// What people read of a cancellation.
fn cancel_message(reason: Option<&str>) -> String {
    match reason.filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("Canceled: {reason}"),
        None => "Canceled".to_owned(),
    }
}
