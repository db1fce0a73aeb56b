//! Many manifests at once.

use actix_web::web::{Data, Json};
use serde::Serialize;
use sluice_access::ownership;
use sluice_core::GroupId;
use sluice_db::AsyncPgConnection;
use sluice_db::models::manifests::edit;
use sluice_db::models::manifests::list::{self, Window};
use utoipa::ToSchema;

use super::list_query::ListManifests;
use super::load_schema;
use crate::error::{ApiError, Result};
use crate::extract::{Body, Fields, Input, Path, Query, User};
use crate::respond::Created;
use crate::state::AppState;

/// More manifests than this are not taken at once.
const MAX_IDS: i64 = 5000;

/// The manifests that match.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ManifestIds {
    total: i64,
    /// In the order of the list.
    ids: Vec<i32>,
}

/// Which manifests to delete.
#[derive(Debug)]
pub(crate) struct DeleteManifests {
    ids: Vec<i32>,
}

/// How many were deleted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeletedManifests {
    deleted_count: usize,
}

impl Input for DeleteManifests {
    fn read(fields: &mut Fields) -> Self {
        let mut ids = fields.integers("manifestIds").not_empty().required();
        ids.sort_unstable();
        ids.dedup();
        Self { ids }
    }
}

/// `GET /groups/{groupId}/manifests/ids`
pub(crate) async fn list_manifest_ids(
    state: Data<AppState>,
    User(user): User,
    Path(group): Path<GroupId>,
    Query(query): Query<ListManifests>,
) -> Result<Json<ManifestIds>> {
    let mut connection = state.connection().await?;
    ownership::load_group(&mut connection, &user, group).await?;
    let ids = filtered_ids(&mut connection, group, &query).await?;
    Ok(Json(ManifestIds { total: i64::try_from(ids.len()).unwrap_or(i64::MAX), ids }))
}

/// The ids of all manifests of a group that match, in the order of the list.
///
/// # Errors
/// `BadRequest` when there are too many.
pub(crate) async fn filtered_ids(
    connection: &mut AsyncPgConnection,
    group: GroupId,
    query: &ListManifests,
) -> Result<Vec<i32>> {
    let schema = load_schema(connection, group, query).await?;
    let filter = query.filter(&schema);
    let total = list::count(connection, group.0, &filter).await?;
    if total > MAX_IDS {
        let message = format!("Too many matching manifests ({total}). Narrow the filters to at most {MAX_IDS}.");
        return Err(ApiError::bad_request(message));
    }
    let window = Window { offset: 0, limit: total };
    Ok(list::list_ids(connection, group.0, &filter, &query.sort(&schema), window).await?)
}

/// `POST /groups/{groupId}/manifests/delete-bulk`
pub(crate) async fn delete_manifests(
    state: Data<AppState>,
    User(user): User,
    Path(group): Path<GroupId>,
    Body(DeleteManifests { ids }): Body<DeleteManifests>,
) -> Result<Created<DeletedManifests>> {
    ownership::load_group(&mut *state.connection().await?, &user, group).await?;
    let task_state = state.clone();
    // In a task, so that a caller that goes away does not leave files whose rows are gone.
    match state.complete(async move { delete(&task_state, group, ids).await }).await? {
        Some(deleted_count) => Ok(Created(DeletedManifests { deleted_count })),
        None => Err(ApiError::not_found("One or more manifests not found")),
    }
}

/// Deletes rows, then what they leave elsewhere.
async fn delete(state: &AppState, group: GroupId, ids: Vec<i32>) -> Result<Option<usize>> {
    let work = state
        .pool
        .transaction(move |connection| Box::pin(async move { edit::delete_all(connection, group.0, &ids).await }));
    let Some(remains) = work.await? else {
        return Ok(None);
    };
    let count = remains.storage_keys.len();
    state.remove_files(remains.storage_keys).await;
    state.cancel_queue_jobs(remains.open_jobs).await;
    Ok(Some(count))
}
