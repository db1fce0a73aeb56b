//! The jobs of a manifest.

use actix_web::web::{Data, Json};
use sluice_access::ownership;
use sluice_core::{JobId, JobKind, ManifestId};
use sluice_db::models::jobs::list::{self, JobWithNames};

use crate::error::{ApiError, Result};
use crate::extract::{Fields, Path, Query, User};
use crate::routes::jobs::{HistoryEntry, HistoryEntryInDetail, OcrHistoryEntry};
use crate::state::AppState;

const DEFAULT_LIMIT: i32 = 25;
const MAX_LIMIT: i32 = 100;

/// `GET /manifests/{id}/extraction-history`
pub(crate) async fn list_extraction_history(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
    Query(query): Query,
) -> Result<Json<Vec<HistoryEntry>>> {
    let limit = read_limit(query)?;
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let jobs = list::list_of_manifest(&mut connection, id.0, None, limit).await?;
    Ok(Json(jobs.into_iter().map(HistoryEntry::from).collect()))
}

/// `GET /manifests/{id}/extraction-history/{jobId}`
pub(crate) async fn show_extraction(
    state: Data<AppState>,
    User(user): User,
    Path((id, job)): Path<(ManifestId, JobId)>,
) -> Result<Json<HistoryEntryInDetail>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let found = list::find_in_detail(&mut connection, id.0, job.0).await?;
    let found =
        found.ok_or_else(|| ApiError::not_found(format!("Extraction job {job} not found for manifest {id}")))?;
    Ok(Json(found.into()))
}

/// `GET /manifests/{id}/ocr-history`
pub(crate) async fn list_ocr_history(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
    Query(query): Query,
) -> Result<Json<Vec<OcrHistoryEntry>>> {
    let limit = read_limit(query)?;
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let kind = JobKind::Ocr.as_str();
    let jobs: Vec<JobWithNames> = list::list_of_manifest(&mut connection, id.0, Some(kind), limit).await?;
    Ok(Json(jobs.into_iter().map(OcrHistoryEntry::from).collect()))
}

/// A limit is bent to what is allowed, as in the original.
fn read_limit(mut query: Fields) -> Result<i64> {
    let limit = query.integer("limit").optional().unwrap_or(DEFAULT_LIMIT);
    query.finish()?;
    Ok(limit.clamp(1, MAX_LIMIT).into())
}
