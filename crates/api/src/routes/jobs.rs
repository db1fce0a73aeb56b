//! Jobs: counts, history, cancellation; all of them, and their queue, for admins.

mod admin;
mod cancel;
mod dto;
mod queue;
mod timeline;

use actix_web::web::{Data, Json};
use serde::Serialize;
use sluice_access::ownership;
use sluice_core::{JobStatus, ManifestId, QueueJobId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::jobs::list::{self, JobScope};
use sluice_db::models::jobs::{self, Job};
use utoipa::ToSchema;

pub(crate) use self::admin::{create_extraction_job, list_jobs, remove_job, show_job};
pub(crate) use self::cancel::cancel_job;
use self::dto::JobHistory;
pub(crate) use self::dto::{HistoryEntry, HistoryEntryInDetail, OcrHistoryEntry};
pub(crate) use self::queue::{pause_queue, resume_queue, show_queue_stats};
pub(crate) use self::timeline::show_timeline;
use crate::error::{ApiError, Code, Result};
use crate::extract::{Fields, Input, Query, User};
use crate::respond::List;
use crate::state::AppState;

const DEFAULT_LIMIT: i32 = 50;
const MAX_LIMIT: i32 = 200;

/// How many jobs are in which state.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobStats {
    active: u64,
    waiting: u64,
    delayed: u64,
    paused: u64,
    completed: u64,
    failed: u64,
    is_paused: bool,
}

impl JobStats {
    async fn of_queue(state: &AppState) -> Result<Self> {
        let counts = state.producer.counts().await?;
        Ok(Self {
            active: counts.active,
            waiting: counts.waiting,
            delayed: counts.delayed,
            paused: counts.paused,
            completed: counts.completed,
            failed: counts.failed,
            is_paused: counts.is_paused,
        })
    }
}

/// `GET /jobs/stats`: the live queue for admins, one's own jobs for others.
pub(crate) async fn show_job_stats(state: Data<AppState>, User(user): User) -> Result<Json<JobStats>> {
    if user.is_admin {
        return JobStats::of_queue(&state).await.map(Json);
    }
    let mut stats = JobStats::default();
    for (status, count) in list::count_by_status(&mut *state.connection().await?, user.user_id.0).await? {
        let count = u64::try_from(count).unwrap_or(0);
        match status.parse::<JobStatus>().map_err(sluice_db::Error::from)? {
            JobStatus::Pending => stats.waiting += count,
            JobStatus::Processing => stats.active += count,
            JobStatus::Completed => stats.completed += count,
            JobStatus::Failed | JobStatus::Canceled => stats.failed += count,
        }
    }
    Ok(Json(stats))
}

fn no_job(id: &str) -> ApiError {
    ApiError::new(Code::JobNotFound, format!("Job {id} not found"))
}

/// The job that the queue knows by an id.
async fn load(connection: &mut AsyncPgConnection, id: &str) -> Result<Job> {
    let queue_job: QueueJobId = id.parse().map_err(|_source| no_job(id))?;
    let key = queue_job.job_id().map_err(|_source| no_job(id))?;
    jobs::find(connection, key.0).await?.ok_or_else(|| no_job(id))
}

/// Which jobs are wanted.
#[derive(Debug)]
pub(crate) struct JobHistoryQuery {
    manifest: Option<ManifestId>,
    limit: i32,
}

impl Input for JobHistoryQuery {
    fn read(fields: &mut Fields) -> Self {
        Self {
            manifest: fields.integer("manifestId").optional().map(ManifestId),
            limit: fields.integer("limit").within(1, MAX_LIMIT).optional().unwrap_or(DEFAULT_LIMIT),
        }
    }
}

/// `GET /jobs/history`
pub(crate) async fn list_job_history(
    state: Data<AppState>,
    User(user): User,
    Query(JobHistoryQuery { manifest, limit }): Query<JobHistoryQuery>,
) -> Result<List<JobHistory>> {
    let mut connection = state.connection().await?;
    let scope = match manifest {
        Some(manifest) => {
            ownership::check_manifest(&mut connection, &user, manifest).await?;
            JobScope::Manifest(manifest.0)
        }
        None if user.is_admin => JobScope::All,
        None => user.only_project().map_or(JobScope::OwnedBy(user.user_id.0), JobScope::Project),
    };
    let jobs = list::list_recent(&mut connection, scope, limit.into()).await?;
    Ok(List(jobs.into_iter().map(JobHistory::from).collect()))
}
