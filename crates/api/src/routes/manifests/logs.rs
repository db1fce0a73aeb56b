//! What people did to a manifest.

use actix_web::web::Data;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sluice_access::ownership;
use sluice_core::ManifestId;
use sluice_db::models::operation_logs::{self, OperationLog};
use utoipa::ToSchema;

use super::history::Limit;
use crate::error::Result;
use crate::extract::{Path, Query, User};
use crate::respond::List;
use crate::state::AppState;
use crate::wire;

/// What somebody did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperationLogDto {
    id: i32,
    manifest_id: i32,
    /// Null when the user is gone.
    user_id: Option<i32>,
    username: String,
    action: String,
    /// Entries of `path`, `before` and `after`.
    #[schema(value_type = Vec<serde_json::Map<String, Value>>)]
    diffs: Value,
    metadata: Option<Value>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
}

/// A line of an invoice, as the original had them in a table that nothing wrote.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManifestItem {
    id: i32,
    description: String,
    quantity: i32,
    unit_price: f64,
    total_price: f64,
    manifest_id: i32,
}

impl From<OperationLog> for OperationLogDto {
    fn from(row: OperationLog) -> Self {
        Self {
            id: row.id,
            manifest_id: row.manifest_id,
            user_id: row.user_id,
            username: row.username,
            action: row.action,
            diffs: row.diffs,
            metadata: row.metadata,
            created_at: row.created_at,
        }
    }
}

/// `GET /manifests/{id}/operation-logs`
pub(crate) async fn list_operation_logs(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
    Query(Limit(limit)): Query<Limit>,
) -> Result<List<OperationLogDto>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let logs = operation_logs::list_of_manifest(&mut connection, id.0, limit).await?;
    Ok(List(logs.into_iter().map(OperationLogDto::from).collect()))
}

/// `GET /manifests/{id}/items`
pub(crate) async fn list_items(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<List<ManifestItem>> {
    ownership::check_manifest(&mut *state.connection().await?, &user, id).await?;
    Ok(List(Vec::new()))
}
