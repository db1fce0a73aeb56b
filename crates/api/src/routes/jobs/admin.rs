//! Everybody's jobs, for admins. Postgres says which there are; the queue says where the open ones are now.

use actix_web::web::{Data, Json};
use serde::Serialize;
use sluice_core::{JobId, JobKind, JobStatus, ManifestId, QueueJobId};
use sluice_db::models::jobs::Job;
use sluice_db::models::jobs::cancel::Endable;
use sluice_db::models::jobs::list::{self, JobFilter, Window};
use sluice_queue::QueueState;
use utoipa::ToSchema;

use super::dto::JobDto;
use super::{cancel, load, no_job};
use crate::error::{ApiError, Code, Result};
use crate::extract::{Admin, Body, CurrentRequest, Fields, Input, Path, Query, User};
use crate::respond::Created;
use crate::routes::runs::{self, Choice, RunDto};
use crate::state::AppState;

const DEFAULT_LIMIT: i32 = 25;
const MAX_LIMIT: i32 = 200;
/// More jobs than this are not looked for in one state of the queue.
const MAX_IN_STATE: u32 = 10_000;

/// Which jobs are wanted.
#[derive(Debug)]
pub(crate) struct ListJobs {
    project: Option<i32>,
    status: Option<String>,
    limit: i32,
    offset: i32,
}

impl Input for ListJobs {
    fn read(fields: &mut Fields) -> Self {
        Self {
            project: fields.integer("projectId").optional(),
            status: fields.string("status").optional(),
            limit: fields.integer("limit").within(1, i32::MAX).optional().unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT),
            offset: fields.integer("offset").within(0, i32::MAX).optional().unwrap_or(0),
        }
    }
}

/// A part of all jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobPage {
    items: Vec<JobDto>,
    limit: i32,
    offset: i32,
    total: i64,
}

/// `GET /jobs`
pub(crate) async fn list_jobs(
    state: Data<AppState>,
    _admin: Admin,
    Query(query): Query<ListJobs>,
) -> Result<Json<JobPage>> {
    let filter = filter_of(&state, &query).await?;
    let window = Window { offset: query.offset.into(), limit: query.limit.into() };
    let (rows, total) = list::list_all(&mut *state.connection().await?, &filter, window).await?;
    let items = with_states(&state, rows).await?;
    Ok(Json(JobPage { items, limit: query.limit, offset: query.offset, total }))
}

/// What a word says; one that nobody knows says nothing.
async fn filter_of(state: &AppState, query: &ListJobs) -> Result<JobFilter> {
    let mut filter = JobFilter { project_id: query.project, ..JobFilter::default() };
    match query.status.as_deref() {
        Some("queued" | "pending" | "waiting") => filter.statuses = vec!["pending"],
        Some("completed") => filter.statuses = vec!["completed"],
        Some("failed") => filter.statuses = vec!["failed", "canceled"],
        Some("processing" | "running" | "active") => {
            filter.ids = Some(keys(state.producer.list_active(MAX_IN_STATE).await?));
        }
        Some("delayed") => filter.ids = Some(keys(state.producer.list_delayed(MAX_IN_STATE).await?)),
        Some("paused") if state.producer.counts().await?.is_paused => filter.statuses = vec!["pending"],
        Some("paused") => filter.ids = Some(Vec::new()),
        _ => {}
    }
    Ok(filter)
}

fn keys(jobs: Vec<QueueJobId>) -> Vec<i32> {
    jobs.iter().filter_map(|job| job.job_id().ok()).map(|JobId(key)| key).collect()
}

/// Adds where jobs are, with one question for each that has not ended.
async fn with_states(state: &AppState, rows: Vec<Job>) -> Result<Vec<JobDto>> {
    let open: Vec<QueueJobId> =
        rows.iter().filter(|job| job.completed_at.is_none()).map(|job| JobId(job.id).into()).collect();
    let mut states = state.producer.states(&open).await?.into_iter();
    let is_paused = !open.is_empty() && state.producer.counts().await?.is_paused;
    let mut shown = Vec::with_capacity(rows.len());
    for job in rows {
        let status = match job.status.parse::<JobStatus>().map_err(sluice_db::Error::from)? {
            JobStatus::Completed => "completed",
            JobStatus::Failed | JobStatus::Canceled => "failed",
            open @ (JobStatus::Pending | JobStatus::Processing) => match states.next() {
                Some(QueueState::Active) => "active",
                Some(QueueState::Delayed) => "delayed",
                // One that the queue has lost is found and added again.
                None | Some(QueueState::Gone) if open == JobStatus::Processing => "active",
                None | Some(QueueState::Gone | QueueState::Waiting) if is_paused => "paused",
                None | Some(QueueState::Gone | QueueState::Waiting) => "waiting",
            },
        };
        shown.push(JobDto::new(job, status));
    }
    Ok(shown)
}

/// `GET /jobs/{queueJobId}`
pub(crate) async fn show_job(state: Data<AppState>, _admin: Admin, Path(id): Path<String>) -> Result<Json<JobDto>> {
    let job = load(&mut *state.connection().await?, &id).await?;
    let shown = with_states(&state, vec![job]).await?.pop();
    shown.map(Json).ok_or_else(|| no_job(&id))
}

/// What became of a job that was to be removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemovedDto {
    removed: bool,
}

/// `DELETE /jobs/{queueJobId}`: the row stays in the history, as canceled when it had not ended.
pub(crate) async fn remove_job(
    state: Data<AppState>,
    _admin: Admin,
    Path(id): Path<String>,
) -> Result<Json<RemovedDto>> {
    let job = load(&mut *state.connection().await?, &id).await?;
    let task_state = state.clone();
    // In a task: once the queue job is out, the row must follow even when the caller is gone.
    state.complete(async move { remove(&task_state, &job).await }).await?;
    Ok(Json(RemovedDto { removed: true }))
}

async fn remove(state: &AppState, job: &Job) -> Result<()> {
    let queue_job = JobId(job.id).into();
    if !state.producer.remove(&queue_job).await? {
        return Err(ApiError::new(Code::Conflict, format!("Job {queue_job} is active; cancel it instead")));
    }
    // `None`: it had ended before.
    cancel::end(state, job.id, (Endable::Open, None)).await.map(drop)
}

/// A manifest of anybody, and what to extract it with.
#[derive(Debug)]
pub(crate) struct ExtractionJobForm {
    manifest: ManifestId,
    choice: Choice,
}

impl Input for ExtractionJobForm {
    fn read(fields: &mut Fields) -> Self {
        Self { manifest: ManifestId(fields.integer("manifestId").required()), choice: Choice::read(fields) }
    }
}

/// `POST /jobs/extraction`
pub(crate) async fn create_extraction_job(
    state: Data<AppState>,
    _admin: Admin,
    User(user): User,
    CurrentRequest(request_id): CurrentRequest,
    Body(ExtractionJobForm { manifest, choice }): Body<ExtractionJobForm>,
) -> Result<Created<RunDto>> {
    let is_dry_run = choice.is_dry_run();
    let mut connection = state.connection().await?;
    let wish = choice.resolve(&mut connection, (JobKind::Extraction, user.user_id)).await?;
    drop(connection);
    runs::ask_or_estimate(&state, manifest, (wish, is_dry_run), request_id).await.map(Created)
}
