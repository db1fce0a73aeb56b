//! What people did in a project.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sluice_access::{Access, ownership};
use sluice_core::ProjectId;
use sluice_db::models::reports::corrections::{self, LogOfProject};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Fields, Input, Path, Query, User};
use crate::state::AppState;
use crate::wire;

const DEFAULT_LIMIT: i32 = 50;
const MAX_LIMIT: i32 = 200;

/// A page of a project's log, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectLogPage {
    data: Vec<ProjectLogDto>,
    meta: LogPageMeta,
}

#[derive(Debug, Serialize, ToSchema)]
struct LogPageMeta {
    total: i64,
    limit: i32,
    offset: i32,
}

/// What somebody did to a manifest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectLogDto {
    id: i32,
    manifest_id: i32,
    manifest_filename: Option<String>,
    /// Null when the user is gone.
    user_id: Option<i32>,
    username: String,
    action: String,
    diffs: Value,
    metadata: Option<Value>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
}

impl From<LogOfProject> for ProjectLogDto {
    fn from(LogOfProject { log, filename }: LogOfProject) -> Self {
        Self {
            id: log.id,
            manifest_id: log.manifest_id,
            manifest_filename: Some(filename),
            user_id: log.user_id,
            username: log.username,
            action: log.action,
            diffs: log.diffs,
            metadata: log.metadata,
            created_at: log.created_at,
        }
    }
}

/// Which page; both numbers are bent to what is allowed.
#[derive(Debug)]
pub(crate) struct ListProjectLogs {
    limit: i32,
    offset: i32,
}

impl Input for ListProjectLogs {
    fn read(fields: &mut Fields) -> Self {
        Self {
            limit: fields.integer("limit").optional().unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT),
            offset: fields.integer("offset").optional().unwrap_or_default().max(0),
        }
    }
}

/// `GET /projects/{id}/operation-logs`
pub(crate) async fn list_project_logs(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ProjectId>,
    Query(ListProjectLogs { limit, offset }): Query<ListProjectLogs>,
) -> Result<Json<ProjectLogPage>> {
    let mut connection = state.connection().await?;
    ownership::load_project(&mut connection, &user, Access::Owner, id).await?;
    let (rows, total) = corrections::list_of_project(&mut connection, id.0, limit.into(), offset.into()).await?;
    let data = rows.into_iter().map(ProjectLogDto::from).collect();
    Ok(Json(ProjectLogPage { data, meta: LogPageMeta { total, limit, offset } }))
}
