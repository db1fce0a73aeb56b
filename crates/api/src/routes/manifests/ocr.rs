//! The text of a manifest's pages.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sluice_access::ownership;
use sluice_core::ManifestId;
use sluice_db::models::manifests;
use utoipa::ToSchema;

use super::load;
use crate::error::Result;
use crate::extract::{Path, User};
use crate::state::AppState;
use crate::wire;

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

/// `GET /manifests/{id}/ocr`
pub(crate) async fn show_ocr(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<Json<OcrDto>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let manifest = load(&mut connection, id).await?;
    let ocr_result = manifests::load_ocr_result(&mut connection, id.0).await?;
    Ok(Json(OcrDto {
        manifest_id: id.0,
        has_ocr: ocr_result.is_some(),
        ocr_result,
        ocr_processed_at: manifest.ocr_processed_at,
        quality_score: manifest.ocr_quality_score,
    }))
}
