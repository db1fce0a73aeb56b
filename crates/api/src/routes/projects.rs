//! Projects.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sluice_access::{Access, ownership};
use sluice_core::ProjectId;
use sluice_db::AsyncPgConnection;
use sluice_db::models::jobs::request;
use sluice_db::models::projects::{self, NewProject, Project, ProjectChanges, ProjectCounts};
use sluice_db::models::{extractors, models, schemas};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{self, Action};
use crate::connection::ADAPTERS;
use crate::error::{ApiError, Result};
use crate::extract::{Body, Caller, Fields, Input, Path, User};
use crate::respond::{Created, List};
use crate::state::AppState;
use crate::wire;

mod analytics;
pub(crate) mod budget;
pub(crate) mod costs;
mod operation_logs;
mod recommendations;

pub(crate) use self::analytics::show_analytics;
use self::budget::{BudgetDto, BudgetForm, Months};
pub(crate) use self::costs::{show_project_costs, show_project_costs_of_range};
pub(crate) use self::operation_logs::list_project_logs;
pub(crate) use self::recommendations::show_recommendations;

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectDto {
    id: i32,
    name: String,
    description: Option<String>,
    owner_id: i32,
    user_id: i32,
    text_extractor_id: Option<Uuid>,
    llm_model_id: Uuid,
    default_schema_id: Option<i32>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    updated_at: DateTime<Utc>,
    #[serde(rename = "_count")]
    count: ProjectCountsDto,
    /// What may be spent in a month and what was; absent when there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    budget: Option<BudgetDto>,
}

/// How much a project holds.
#[derive(Debug, Serialize, ToSchema)]
struct ProjectCountsDto {
    groups: i64,
    manifests: i64,
}

/// A project as it is asked for; its model and extractor are still to be looked up.
#[derive(Debug)]
pub(crate) struct ProjectForm {
    name: String,
    description: Option<String>,
    text_extractor_id: String,
    llm_model_id: String,
    default_schema_id: Option<i32>,
}

impl ProjectDto {
    pub(crate) fn new(project: Project, counts: ProjectCounts, months: &Months) -> Self {
        Self {
            budget: BudgetDto::new(&project, months),
            id: project.id,
            name: project.name,
            description: project.description,
            owner_id: project.user_id,
            user_id: project.user_id,
            text_extractor_id: project.text_extractor_id,
            llm_model_id: project.llm_model_id,
            default_schema_id: project.default_schema_id,
            created_at: project.created_at,
            updated_at: project.updated_at,
            count: ProjectCountsDto { groups: counts.groups, manifests: counts.manifests },
        }
    }

    async fn load(connection: &mut AsyncPgConnection, project: Project, now: DateTime<Utc>) -> Result<Self> {
        let counts = projects::count_contents(connection, &[project.id]).await?;
        let counts = counts.get(&project.id).copied().unwrap_or_default();
        let months = budget::load_months(connection, &[project.id], now).await?;
        Ok(Self::new(project, counts, &months))
    }
}

impl Input for ProjectForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.string("name").min_length(1).required(),
            description: fields.string("description").optional(),
            text_extractor_id: fields.string("textExtractorId").required(),
            llm_model_id: fields.string("llmModelId").required(),
            default_schema_id: fields.integer("defaultSchemaId").optional(),
        }
    }
}

impl ProjectForm {
    /// Looks up what the project points to.
    pub(crate) async fn resolve(self, connection: &mut AsyncPgConnection, user_id: i32) -> Result<NewProject> {
        if let Some(id) = self.default_schema_id {
            // A project that is not there yet has no schema.
            return Err(ApiError::bad_request(format!("Schema {id} does not belong to this project")));
        }
        Ok(NewProject {
            text_extractor_id: Some(find_extractor(connection, &self.text_extractor_id).await?),
            llm_model_id: find_model(connection, &self.llm_model_id).await?,
            name: self.name,
            description: self.description,
            user_id,
        })
    }
}

/// POST /projects
pub(crate) async fn create_project(
    state: Data<AppState>,
    User(identity): User,
    Body(form): Body<ProjectForm>,
) -> Result<Created<ProjectDto>> {
    let mut connection = state.connection().await?;
    let project = form.resolve(&mut connection, identity.user_id.0).await?;
    let project = projects::insert(&mut connection, &project).await?;
    Ok(Created(ProjectDto::new(project, ProjectCounts::default(), &Months::default())))
}

/// GET /projects
pub(crate) async fn list_projects(state: Data<AppState>, User(identity): User) -> Result<List<ProjectDto>> {
    let mut connection = state.connection().await?;
    let mut rows = projects::list_by_owner(&mut connection, identity.user_id.0).await?;
    rows.retain(|project| identity.reaches(project.id));
    let ids: Vec<i32> = rows.iter().map(|project| project.id).collect();
    let counts = projects::count_contents(&mut connection, &ids).await?;
    let months = budget::load_months(&mut connection, &ids, state.clock.now()).await?;
    let list: Vec<ProjectDto> = rows
        .into_iter()
        .map(|project| {
            let counts = counts.get(&project.id).copied().unwrap_or_default();
            ProjectDto::new(project, counts, &months)
        })
        .collect();
    Ok(List(list))
}

/// GET /projects/:id
pub(crate) async fn show_project(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<ProjectId>,
) -> Result<Json<ProjectDto>> {
    let mut connection = state.connection().await?;
    let project = ownership::load_project(&mut connection, &identity, Access::Owner, id).await?;
    Ok(Json(ProjectDto::load(&mut connection, project, state.clock.now()).await?))
}

/// What is to be changed; the model is always told.
#[derive(Debug)]
pub(crate) struct ProjectChangesForm {
    name: Option<String>,
    description: Option<Option<String>>,
    text_extractor_id: Option<Option<String>>,
    default_schema_id: Option<Option<i32>>,
    llm_model_id: String,
    /// Null takes the limit away.
    budget: Option<Option<BudgetForm>>,
}

impl Input for ProjectChangesForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.string("name").min_length(1).optional(),
            description: fields.string("description").nullable(),
            text_extractor_id: fields.string("textExtractorId").nullable(),
            default_schema_id: fields.integer("defaultSchemaId").nullable(),
            llm_model_id: fields.string("llmModelId").optional().unwrap_or_default(),
            budget: fields.nullable_child("budget", BudgetForm::read),
        }
    }
}

/// PATCH /projects/:id
pub(crate) async fn update_project(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<ProjectId>,
    Body(form): Body<ProjectChangesForm>,
) -> Result<Json<ProjectDto>> {
    let ProjectChangesForm { name, description, text_extractor_id, default_schema_id, llm_model_id, budget } = form;
    // Who changes the budget alone need not repeat the model.
    if llm_model_id.is_empty() && budget.is_none() {
        return Err(ApiError::bad_request("LLM model is required"));
    }
    let mut connection = state.connection().await?;
    ownership::load_project(&mut connection, &identity, Access::Owner, id).await?;
    let text_extractor_id = match text_extractor_id {
        None => None,
        Some(Some(extractor)) if !extractor.is_empty() => Some(find_extractor(&mut connection, &extractor).await?),
        Some(_) => return Err(ApiError::bad_request("Text extractor is required")),
    };
    if let Some(Some(schema)) = default_schema_id {
        check_schema(&mut connection, schema, id).await?;
    }
    let llm_model_id =
        if llm_model_id.is_empty() { None } else { Some(find_model(&mut connection, &llm_model_id).await?) };
    let is_budget_changed = budget.is_some();
    let mut changes = ProjectChanges {
        name,
        description,
        default_schema_id,
        llm_model_id,
        text_extractor_id,
        ..ProjectChanges::default()
    };
    if let Some(budget) = budget {
        budget::change(budget, &mut changes);
    }
    let project = projects::update(&mut connection, id.0, &changes).await?;
    if is_budget_changed {
        budget::wake(&state, &mut connection, id).await?;
    }
    Ok(Json(ProjectDto::load(&mut connection, project, state.clock.now()).await?))
}

/// The extractor that a project shall use.
#[derive(Debug)]
pub(crate) struct ExtractorChoice(String);

impl Input for ExtractorChoice {
    fn read(fields: &mut Fields) -> Self {
        Self(fields.string("textExtractorId").min_length(1).required())
    }
}

/// PUT /projects/:id/extractor
pub(crate) async fn set_extractor(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<ProjectId>,
    Body(ExtractorChoice(extractor)): Body<ExtractorChoice>,
) -> Result<Json<ProjectDto>> {
    let mut connection = state.connection().await?;
    ownership::load_project(&mut connection, &identity, Access::Owner, id).await?;
    let text_extractor_id = Some(find_extractor(&mut connection, &extractor).await?);
    let changes = ProjectChanges { text_extractor_id, ..ProjectChanges::default() };
    let project = projects::update(&mut connection, id.0, &changes).await?;
    Ok(Json(ProjectDto::load(&mut connection, project, state.clock.now()).await?))
}

/// DELETE /projects/:id
pub(crate) async fn delete_project(
    state: Data<AppState>,
    User(identity): User,
    Caller(caller): Caller,
    Path(id): Path<ProjectId>,
) -> Result<Json<ProjectDto>> {
    let mut connection = state.connection().await?;
    let project = ownership::load_project(&mut connection, &identity, Access::Owner, id).await?;
    let body = ProjectDto::load(&mut connection, project, state.clock.now()).await?;
    let keys = projects::list_storage_keys(&mut connection, id.0).await?;
    let open = request::list_open_of_project(&mut connection, id.0).await?;
    drop(connection);
    let entry = caller.did(Action::ProjectDeleted).to("project", id).in_project(id.0);
    let deleted = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            projects::delete(connection, id.0).await
        })
    });
    deleted.await?;
    state.remove_files(keys).await;
    state.cancel_queue_jobs(open).await;
    Ok(Json(body))
}

async fn find_extractor(connection: &mut AsyncPgConnection, id: &str) -> Result<Uuid> {
    let missing = || ApiError::not_found(format!("Extractor {id} not found"));
    let id: Uuid = id.parse().map_err(|_source| missing())?;
    Ok(extractors::find(connection, id).await?.ok_or_else(missing)?.id)
}

pub(crate) async fn find_model(connection: &mut AsyncPgConnection, id: &str) -> Result<Uuid> {
    let missing = || ApiError::not_found(format!("Model {id} not found"));
    let parsed: Uuid = id.parse().map_err(|_source| missing())?;
    let model = models::find(connection, parsed).await?.ok_or_else(missing)?;
    if ADAPTERS.iter().any(|adapter| adapter.name == model.adapter_type) {
        Ok(model.id)
    } else {
        Err(ApiError::bad_request(format!("Model {id} is not a valid llm model")))
    }
}

async fn check_schema(connection: &mut AsyncPgConnection, schema: i32, project: ProjectId) -> Result<()> {
    let found = schemas::find(connection, schema).await?;
    if found.is_some_and(|found| found.project_id == project.0) {
        Ok(())
    } else {
        Err(ApiError::bad_request(format!("Schema {schema} does not belong to this project")))
    }
}
