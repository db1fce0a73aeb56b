//! The text of a manifest's pages.

use std::time::Duration;

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sluice_access::{Access, Identity, ownership};
use sluice_core::{JobKind, JobStatus, ManifestId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::jobs::request::Wish;
use sluice_db::models::jobs::{self, Job};
use sluice_db::models::manifests;
use utoipa::ToSchema;

use super::load;
use crate::error::{ApiError, Code, Result};
use crate::extract::{Body, CurrentRequest, Path, User};
use crate::respond::Created;
use crate::routes::runs::{self, Choice, QueuedDto, ReadingChoice};
use crate::state::AppState;
use crate::wire;

/// Between two looks at a job that is waited for, at first and at last.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The text and how good it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OcrDto {
    manifest_id: i32,
    ocr_result: Option<Value>,
    has_ocr: bool,
    #[serde(serialize_with = "wire::optional_time")]
    ocr_processed_at: Option<DateTime<Utc>>,
    quality_score: Option<i32>,
}

impl OcrDto {
    async fn load(connection: &mut AsyncPgConnection, id: ManifestId) -> Result<Self> {
        let manifest = load(connection, id).await?;
        let ocr_result = match manifests::load_ocr_result(connection, id.0).await {
            Err(sluice_db::Error::NotFound) => return Err(sluice_access::Error::NoManifest(id).into()),
            loaded => loaded?,
        };
        Ok(Self {
            manifest_id: id.0,
            has_ocr: ocr_result.is_some(),
            ocr_result,
            ocr_processed_at: manifest.ocr_processed_at,
            quality_score: manifest.ocr_quality_score,
        })
    }
}

/// `GET /manifests/{id}/ocr`
pub(crate) async fn show_ocr(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<Json<OcrDto>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    Ok(Json(OcrDto::load(&mut connection, id).await?))
}

/// `POST /manifests/{id}/ocr/refresh-job`
pub(crate) async fn queue_ocr(
    state: Data<AppState>,
    User(user): User,
    CurrentRequest(request_id): CurrentRequest,
    Path(id): Path<ManifestId>,
    Body(ReadingChoice(choice)): Body<ReadingChoice>,
) -> Result<Created<QueuedDto>> {
    let wish = prepare(&state, &user, id, choice).await?;
    runs::ask_one(&state, id, wish, request_id).await.map(Created)
}

/// `POST /manifests/{id}/ocr/refresh`: waits for the job's end. A worker reads the document, as for every other job; the
/// job goes on when its caller does not wait so long.
pub(crate) async fn refresh_ocr(
    state: Data<AppState>,
    User(user): User,
    CurrentRequest(request_id): CurrentRequest,
    Path(id): Path<ManifestId>,
    Body(ReadingChoice(choice)): Body<ReadingChoice>,
) -> Result<Created<OcrDto>> {
    let wish = prepare(&state, &user, id, choice).await?;
    let requested = runs::ask(&state, vec![id.0], wish, request_id).await?;
    let requested = requested.first().ok_or(sluice_access::Error::NoManifest(id))?;
    let params = json!({"jobId": runs::queue_job(requested)});
    let Ok(ended) = tokio::time::timeout(state.ocr_timeout, wait_for_end(&state, requested.job_id)).await else {
        return Err(ApiError::new(Code::OcrTimeout, "").with_params(params));
    };
    let job = ended?.ok_or(sluice_access::Error::NoManifest(id))?;
    if job.status != JobStatus::Completed.as_str() {
        // Why stands in the history of the manifest.
        return Err(ApiError::new(Code::OcrService, "").with_params(params));
    }
    Ok(Created(OcrDto::load(&mut *state.connection().await?, id).await?))
}

async fn prepare(state: &AppState, user: &Identity, id: ManifestId, choice: Choice) -> Result<Wish> {
    let mut connection = state.connection().await?;
    let project = ownership::check_manifest(&mut connection, user, id).await?;
    let project = ownership::load_project(&mut connection, user, Access::Owner, project).await?;
    let wish = choice.resolve(&mut connection, (JobKind::Ocr, user.user_id)).await?;
    if wish.text_extractor_id.or(project.text_extractor_id).is_none() {
        return Err(ApiError::bad_request("Text extractor is required"));
    }
    Ok(wish)
}

/// Looks at the job's row until it has ended; `None` when the job is gone. Events are hints, so they are not waited for.
async fn wait_for_end(state: &AppState, job: i32) -> Result<Option<Job>> {
    let mut pause = SHORTEST_PAUSE;
    loop {
        // No connection is held in between.
        let found = jobs::find(&mut *state.connection().await?, job).await?;
        if found.as_ref().is_none_or(|job| job.completed_at.is_some()) {
            return Ok(found);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
