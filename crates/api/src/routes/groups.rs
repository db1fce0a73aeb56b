//! Groups: folders of manifests within a project.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sluice_access::{Access, ownership};
use sluice_core::{GroupId, ProjectId};
use sluice_db::models::groups::{self, Group, GroupCounts};
use sluice_db::models::jobs::request;
use utoipa::ToSchema;

use crate::error::{ApiError, Result};
use crate::extract::{Body, Fields, Input, Path, User};
use crate::respond::{Created, List};
use crate::state::AppState;
use crate::wire;

/// A group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupDto {
    id: i32,
    name: String,
    project_id: i32,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    updated_at: DateTime<Utc>,
}

/// A group and what it holds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CountedGroupDto {
    #[serde(flatten)]
    group: GroupDto,
    #[serde(rename = "_count")]
    count: ManifestCountDto,
    status_counts: StatusCountsDto,
}

#[derive(Debug, Serialize, ToSchema)]
struct ManifestCountDto {
    manifests: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct StatusCountsDto {
    pending: i64,
    failed: i64,
    completed: i64,
    verified: i64,
}

impl From<Group> for GroupDto {
    fn from(group: Group) -> Self {
        Self {
            id: group.id,
            name: group.name,
            project_id: group.project_id,
            created_at: group.created_at,
            updated_at: group.updated_at,
        }
    }
}

impl CountedGroupDto {
    fn new(group: Group, counts: GroupCounts) -> Self {
        Self {
            group: group.into(),
            count: ManifestCountDto { manifests: counts.total },
            status_counts: StatusCountsDto {
                pending: counts.pending,
                failed: counts.failed,
                completed: counts.completed,
                verified: counts.verified,
            },
        }
    }
}

/// A group as it is asked for.
#[derive(Debug)]
pub(crate) struct NewGroup {
    name: String,
    project_id: i32,
}

impl Input for NewGroup {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.string("name").min_length(1).required(),
            project_id: fields.integer("projectId").required(),
        }
    }
}

/// POST /projects/:projectId/groups
pub(crate) async fn create_group(
    state: Data<AppState>,
    User(identity): User,
    Path(project): Path<ProjectId>,
    Body(NewGroup { name, project_id }): Body<NewGroup>,
) -> Result<Created<GroupDto>> {
    if project_id != project.0 {
        return Err(ApiError::bad_request("projectId mismatch"));
    }
    let mut connection = state.connection().await?;
    ownership::load_project(&mut connection, &identity, Access::Owner, project).await?;
    let group = groups::insert(&mut connection, project.0, &name).await?;
    Ok(Created(group.into()))
}

/// GET /projects/:projectId/groups
pub(crate) async fn list_groups(
    state: Data<AppState>,
    User(identity): User,
    Path(project): Path<ProjectId>,
) -> Result<List<CountedGroupDto>> {
    let mut connection = state.connection().await?;
    ownership::load_project(&mut connection, &identity, Access::Owner, project).await?;
    let rows = groups::list_by_project(&mut connection, project.0).await?;
    let mut counts = groups::count_manifests(&mut connection, project.0).await?;
    let list: Vec<CountedGroupDto> = rows
        .into_iter()
        .map(|group| {
            let counts = counts.remove(&group.id).unwrap_or_default();
            CountedGroupDto::new(group, counts)
        })
        .collect();
    Ok(List(list))
}

/// GET /groups/:id
pub(crate) async fn show_group(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<GroupId>,
) -> Result<Json<GroupDto>> {
    let mut connection = state.connection().await?;
    let group = ownership::load_group(&mut connection, &identity, id).await?;
    Ok(Json(GroupDto::from(group)))
}

/// What is to be changed.
#[derive(Debug)]
pub(crate) struct GroupChanges(Option<String>);

impl Input for GroupChanges {
    fn read(fields: &mut Fields) -> Self {
        Self(fields.string("name").min_length(1).optional())
    }
}

/// PATCH /groups/:id
pub(crate) async fn update_group(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<GroupId>,
    Body(GroupChanges(name)): Body<GroupChanges>,
) -> Result<Json<GroupDto>> {
    let mut connection = state.connection().await?;
    ownership::load_group(&mut connection, &identity, id).await?;
    let group = groups::update(&mut connection, id.0, name.as_deref()).await?;
    Ok(Json(GroupDto::from(group)))
}

/// DELETE /groups/:id
pub(crate) async fn delete_group(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<GroupId>,
) -> Result<Json<GroupDto>> {
    let mut connection = state.connection().await?;
    let group = ownership::load_group(&mut connection, &identity, id).await?;
    let keys = groups::list_storage_keys(&mut connection, &[id.0]).await?;
    let open = request::list_open_of_group(&mut connection, id.0).await?;
    groups::delete(&mut connection, id.0).await?;
    drop(connection);
    state.remove_files(keys).await;
    state.cancel_queue_jobs(open).await;
    Ok(Json(GroupDto::from(group)))
}
