//! Canceling a job.

use actix_web::web::Data;
use serde::Serialize;
use sluice_access::ownership;
use sluice_core::{Fact, JobFact, JobId, JobKind, ManifestStatus};
use sluice_db::models::jobs::Job;
use sluice_db::models::jobs::cancel::{self, Endable};
use sluice_queue::QueueState;
use sluice_service::ErrorChain;
use utoipa::ToSchema;

use super::dto::canceled_error;
use crate::error::{ApiError, Result};
use crate::extract::{Body, Fields, Input, Path, User};
use crate::respond::Created;
use crate::routes::publishing::publish;
use crate::state::AppState;

const MAX_REASON: usize = 2_000;

/// What became of the wish.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Canceled {
    canceled: bool,
    removed_from_queue: bool,
    state: &'static str,
}

/// Why somebody cancels a job.
#[derive(Debug)]
pub(crate) struct Reason(Option<String>);

impl Input for Reason {
    fn read(fields: &mut Fields) -> Self {
        Self(fields.string("reason").max_length(MAX_REASON).optional())
    }
}

/// `POST /jobs/{queueJobId}/cancel`
pub(crate) async fn cancel_job(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<String>,
    Body(Reason(reason)): Body<Reason>,
) -> Result<Created<Canceled>> {
    let reason = reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    let mut connection = state.connection().await?;
    let job = super::load(&mut connection, &id).await?;
    ownership::check_manifest(&mut connection, &user, job.manifest_id.into()).await?;
    let job = cancel::ask(&mut connection, job.id, reason.as_deref(), state.clock.now())
        .await?
        .ok_or_else(already_finished)?;
    drop(connection);
    let task_state = state.clone();
    // In a task: once the queue job is out, the row must follow even when the caller is gone.
    state.complete(async move { take_out(&task_state, job, reason.as_deref()).await }).await.map(Created)
}

async fn take_out(state: &AppState, job: Job, reason: Option<&str>) -> Result<Canceled> {
    let removal = state.producer.cancel(&JobId(job.id).into()).await?;
    let (endable, shown) = match (removal.removed, removal.state) {
        (true, state) => (Endable::Open, state),
        // The worker hears of it and ends the job itself.
        (false, QueueState::Active) => {
            return Ok(Canceled { canceled: true, removed_from_queue: false, state: QueueState::Active.as_str() });
        }
        // Between two states: a worker that takes it now sees the wish.
        (false, state @ (QueueState::Waiting | QueueState::Delayed)) => {
            return Ok(Canceled { canceled: true, removed_from_queue: false, state: state.as_str() });
        }
        // Its row was written and the queue has not got it, or lost it: nobody else will end it.
        (false, QueueState::Gone) if job.status == "pending" => (Endable::Pending, QueueState::Waiting),
        (false, QueueState::Gone) => {
            return Err(ApiError::bad_request("Job is not in queue (already finished)"));
        }
    };
    if end(state, job.id, (endable, reason)).await? {
        Ok(Canceled { canceled: true, removed_from_queue: removal.removed, state: shown.as_str() })
    } else {
        Err(already_finished())
    }
}

/// Ends a job that is not in the queue any more, and tells it; `false` when it had ended before.
pub(super) async fn end(state: &AppState, job: i32, (endable, reason): (Endable, Option<&str>)) -> Result<bool> {
    let error = canceled_error(reason);
    let now = state.clock.now();
    let text = error.clone();
    let ended = state
        .pool
        .transaction(move |connection| Box::pin(async move { cancel::end(connection, job, &text, endable, now).await }))
        .await?;
    let Some((job, manifest_status)) = ended else {
        return Ok(false);
    };
    tell(state, &job, error, &manifest_status).await;
    Ok(true)
}

/// Publishes the end. The row is the truth, so a bus that does not answer is no reason to fail.
async fn tell(state: &AppState, job: &Job, error: String, manifest_status: &str) {
    let words = manifest_status.parse::<ManifestStatus>().and_then(|status| Ok((status, job.kind.parse::<JobKind>()?)));
    match words {
        Ok((manifest_status, kind)) => {
            let fact = Fact::Canceled { error, manifest_status };
            let manifest_id = job.manifest_id.into();
            publish(state, JobFact { job_id: JobId(job.id).into(), manifest_id, kind, number_floor: 0, fact }).await;
        }
        Err(unknown) => tracing::error!(job.id = job.id, error = %ErrorChain(&unknown), "a row holds an unknown word"),
    }
}

fn already_finished() -> ApiError {
    ApiError::bad_request("Job already finished")
}
