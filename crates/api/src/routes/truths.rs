//! Truths: what a person says is right for a manifest, for evaluations to compare extractions with.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sluice_access::{Access, Identity, ownership};
use sluice_core::{ManifestId, ProjectId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::manifests::edit;
use sluice_db::models::operation_logs::{self, NewOperationLog};
use sluice_db::models::truths::{self, ListedTruth, NewTruth, Truth};
use utoipa::ToSchema;

use crate::error::{ApiError, Result};
use crate::extract::{Body, Fields, Input, Path, Query, User};
use crate::state::AppState;
use crate::wire;

const DEFAULT_LIMIT: i32 = 50;
const MAX_LIMIT: i32 = 200;
/// What the pipeline says of itself among the data.
const INFO: &str = "_extraction_info";

/// What a person says is right for a manifest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TruthDto {
    manifest_id: i32,
    #[schema(value_type = serde_json::Map<String, Value>)]
    data: Value,
    /// Null when the user is gone.
    saved_by: Option<i32>,
    #[serde(serialize_with = "wire::time")]
    saved_at: DateTime<Utc>,
}

/// A page of a project's truths, the last saved first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TruthPage {
    data: Vec<ListedTruthDto>,
    meta: TruthPageMeta,
}

#[derive(Debug, Serialize, ToSchema)]
struct TruthPageMeta {
    total: i64,
    limit: i32,
    offset: i32,
}

/// A manifest that has a truth.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedTruthDto {
    manifest_id: i32,
    group_id: i32,
    original_filename: String,
    content_type: String,
    /// Null when the user is gone.
    saved_by: Option<i32>,
    #[serde(serialize_with = "wire::time")]
    saved_at: DateTime<Utc>,
}

impl From<Truth> for TruthDto {
    fn from(row: Truth) -> Self {
        Self { manifest_id: row.manifest_id, data: row.data, saved_by: row.saved_by, saved_at: row.saved_at }
    }
}

impl From<ListedTruth> for ListedTruthDto {
    fn from(row: ListedTruth) -> Self {
        Self {
            manifest_id: row.manifest_id,
            group_id: row.group_id,
            original_filename: row.original_filename,
            content_type: row.content_type,
            saved_by: row.saved_by,
            saved_at: row.saved_at,
        }
    }
}

/// What is right; nothing means that what was extracted is.
#[derive(Debug)]
pub(crate) struct TruthForm(Option<Value>);

impl Input for TruthForm {
    fn read(fields: &mut Fields) -> Self {
        Self(fields.object("data").optional().map(Value::Object))
    }
}

/// `PUT /manifests/{id}/truth`
pub(crate) async fn save_truth(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
    Body(TruthForm(data)): Body<TruthForm>,
) -> Result<Json<TruthDto>> {
    let project = ownership::check_manifest(&mut *state.connection().await?, &user, id).await?;
    let now = state.clock.now();
    let work = state.pool.transaction(move |connection| {
        Box::pin(async move { save(connection, (id, project), data, (&user, now)).await })
    });
    match work.await {
        Ok(Some(truth)) => Ok(Json(truth.into())),
        Ok(None) => Err(ApiError::bad_request("Manifest has no extracted data")),
        // It was deleted meanwhile.
        Err(sluice_db::Error::NotFound) => Err(sluice_access::Error::NoManifest(id).into()),
        Err(error) => Err(error.into()),
    }
}

async fn save(
    connection: &mut AsyncPgConnection,
    (id, project): (ManifestId, ProjectId),
    data: Option<Value>,
    (user, now): (&Identity, DateTime<Utc>),
) -> sluice_db::Result<Option<Truth>> {
    let manifest = edit::lock(connection, id.0).await?;
    let Some(Value::Object(mut data)) = data.or(manifest.extracted_data) else { return Ok(None) };
    data.shift_remove(INFO);
    let truth = NewTruth {
        manifest_id: id.0,
        project_id: project.0,
        data: Value::Object(data),
        saved_by: Some(user.user_id.0),
        saved_at: now,
    };
    let truth = truths::save(connection, &truth).await?;
    log(connection, id, user, "truth_saved").await?;
    Ok(Some(truth))
}

/// `GET /manifests/{id}/truth`
pub(crate) async fn show_truth(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<Json<TruthDto>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let truth = truths::find(&mut connection, id.0).await?.ok_or_else(|| no_truth(id))?;
    Ok(Json(truth.into()))
}

/// `DELETE /manifests/{id}/truth`
pub(crate) async fn delete_truth(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<Json<TruthDto>> {
    ownership::check_manifest(&mut *state.connection().await?, &user, id).await?;
    let work = state.pool.transaction(move |connection| {
        Box::pin(async move {
            let truth = truths::delete(connection, id.0).await?;
            if truth.is_some() {
                log(connection, id, &user, "truth_removed").await?;
            }
            Ok::<_, sluice_db::Error>(truth)
        })
    });
    let truth = work.await?.ok_or_else(|| no_truth(id))?;
    Ok(Json(truth.into()))
}

/// Which page; both numbers are bent to what is allowed.
#[derive(Debug)]
pub(crate) struct ListTruths {
    limit: i32,
    offset: i32,
}

impl Input for ListTruths {
    fn read(fields: &mut Fields) -> Self {
        Self {
            limit: fields.integer("limit").optional().unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT),
            offset: fields.integer("offset").optional().unwrap_or_default().max(0),
        }
    }
}

/// `GET /projects/{id}/truths`
pub(crate) async fn list_truths(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ProjectId>,
    Query(ListTruths { limit, offset }): Query<ListTruths>,
) -> Result<Json<TruthPage>> {
    let mut connection = state.connection().await?;
    ownership::load_project(&mut connection, &user, Access::Owner, id).await?;
    let (rows, total) = truths::list_of_project(&mut connection, id.0, limit.into(), offset.into()).await?;
    let data = rows.into_iter().map(ListedTruthDto::from).collect();
    Ok(Json(TruthPage { data, meta: TruthPageMeta { total, limit, offset } }))
}

async fn log(
    connection: &mut AsyncPgConnection,
    id: ManifestId,
    user: &Identity,
    action: &str,
) -> sluice_db::Result<()> {
    let entry = NewOperationLog {
        manifest_id: id.0,
        user_id: Some(user.user_id.0),
        username: user.username.clone(),
        action: action.to_owned(),
        diffs: json!([]),
    };
    operation_logs::insert(connection, &entry).await
}

fn no_truth(id: ManifestId) -> ApiError {
    ApiError::not_found(format!("Manifest {id} has no truth"))
}
