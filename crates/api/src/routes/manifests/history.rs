//! The jobs of a manifest, and what people did to it.

use actix_web::web::{Data, Json};
use sluice_access::ownership;
use sluice_core::{JobId, JobKind, ManifestId};
use sluice_db::models::citations;
use sluice_db::models::jobs::list::{self, JobWithNames};

use super::CitationDto;
use crate::error::{ApiError, Result};
use crate::extract::{Fields, Input, Path, Query, User};
use crate::respond::List;
use crate::routes::jobs::{HistoryEntry, HistoryEntryInDetail, OcrHistoryEntry};
use crate::state::AppState;

const DEFAULT_LIMIT: i32 = 25;
const MAX_LIMIT: i32 = 100;

/// How many are wanted; bent to what is allowed, as in the original.
#[derive(Debug)]
pub(crate) struct Limit(pub(super) i64);

impl Input for Limit {
    fn read(fields: &mut Fields) -> Self {
        let limit = fields.integer("limit").optional().unwrap_or(DEFAULT_LIMIT);
        Self(limit.clamp(1, MAX_LIMIT).into())
    }
}

/// `GET /manifests/{id}/extraction-history`
pub(crate) async fn list_extraction_history(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
    Query(Limit(limit)): Query<Limit>,
) -> Result<List<HistoryEntry>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let jobs = list::list_of_manifest(&mut connection, id.0, None, limit).await?;
    Ok(List(jobs.into_iter().map(HistoryEntry::from).collect()))
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
    let cited = citations::list_of_job(&mut connection, id.0, job.0).await?;
    let cited = cited.into_iter().map(CitationDto::from).collect();
    Ok(Json(HistoryEntryInDetail::new(found, cited)))
}

/// `GET /manifests/{id}/ocr-history`
pub(crate) async fn list_ocr_history(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
    Query(Limit(limit)): Query<Limit>,
) -> Result<List<OcrHistoryEntry>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let kind = JobKind::Ocr.as_str();
    let jobs: Vec<JobWithNames> = list::list_of_manifest(&mut connection, id.0, Some(kind), limit).await?;
    Ok(List(jobs.into_iter().map(OcrHistoryEntry::from).collect()))
}
