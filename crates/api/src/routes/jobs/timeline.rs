//! Where the time of a job went.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sluice_access::ownership;
use sluice_core::NanoAmount;
use sluice_db::models::job_stages::{self, JobStage};
use sluice_db::models::llm_calls::{self, LlmCall};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Path, User};
use crate::state::AppState;
use crate::wire;

/// A job's stages that have ended, and its calls of models, each in their order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobTimeline {
    job_id: i32,
    queue_job_id: String,
    manifest_id: i32,
    /// In the words of the database.
    status: String,
    attempts: i32,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::optional_time")]
    started_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "wire::optional_time")]
    completed_at: Option<DateTime<Utc>>,
    stages: Vec<StageTime>,
    calls: Vec<CallTime>,
}

/// A stage that has ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StageTime {
    stage: String,
    attempt: i32,
    #[serde(serialize_with = "wire::time")]
    started_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    finished_at: DateTime<Utc>,
    duration_ms: i64,
}

/// A call of a model.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CallTime {
    attempt: i32,
    number: i32,
    finish_reason: Option<String>,
    error: Option<String>,
    input_tokens: Option<i32>,
    output_tokens: Option<i32>,
    /// Whether we counted the tokens because the provider did not.
    usage_estimated: bool,
    #[schema(value_type = Option<f64>)]
    cost: Option<NanoAmount>,
    currency: Option<String>,
    #[serde(serialize_with = "wire::time")]
    started_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    finished_at: DateTime<Utc>,
    duration_ms: i64,
}

impl From<JobStage> for StageTime {
    fn from(row: JobStage) -> Self {
        Self {
            stage: row.stage,
            attempt: row.attempt,
            started_at: row.started_at,
            finished_at: row.finished_at,
            duration_ms: (row.finished_at - row.started_at).num_milliseconds(),
        }
    }
}

impl From<LlmCall> for CallTime {
    fn from(row: LlmCall) -> Self {
        Self {
            attempt: row.attempt,
            number: row.call_number,
            finish_reason: row.finish_reason,
            error: row.error_message,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            usage_estimated: row.usage_estimated,
            cost: row.cost_nano.map(NanoAmount),
            currency: row.cost_currency,
            started_at: row.started_at,
            finished_at: row.finished_at,
            duration_ms: (row.finished_at - row.started_at).num_milliseconds(),
        }
    }
}

/// `GET /jobs/{queueJobId}/timeline`
pub(crate) async fn show_timeline(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<String>,
) -> Result<Json<JobTimeline>> {
    let mut connection = state.connection().await?;
    let job = super::load(&mut connection, &id).await?;
    ownership::check_manifest(&mut connection, &user, job.manifest_id.into()).await?;
    let stages = job_stages::list(&mut connection, job.id).await?;
    let calls = llm_calls::list(&mut connection, job.id).await?;
    Ok(Json(JobTimeline {
        job_id: job.id,
        queue_job_id: job.queue_job_id,
        manifest_id: job.manifest_id,
        status: job.status,
        attempts: job.attempt_count,
        created_at: job.created_at,
        started_at: job.started_at,
        completed_at: job.completed_at,
        stages: stages.into_iter().map(StageTime::from).collect(),
        calls: calls.into_iter().map(CallTime::from).collect(),
    }))
}
