//! Export scripts: what makes rows of a manifest's data. Owners and admins may use them.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sluice_access::ownership;
use sluice_core::{ExportScriptId, ProjectId};
use sluice_db::models::export_scripts::{self, ExportScript, ExportScriptChanges, NewExportScript};
use sluice_sandbox::ScriptKind;
use utoipa::ToSchema;

use crate::audit::{self, Action};
use crate::error::{ApiError, Code, Result};
use crate::extract::{Body, Caller, Fields, Input, Path, User};
use crate::respond::{Created, List};
use crate::routes::scripts::{
    MAX_SCRIPT_CHARS, ScriptCheckDto, ScriptDebugDto, ScriptFailureDto, ScriptToCheck, check_project,
    check_same_project, check_source, describe_source, try_script,
};
use crate::state::AppState;
use crate::wire;

const MAX_DESCRIPTION_CHARS: usize = 500;
const MAX_PRIORITY: i32 = 1_000;
const FORMATS: [&str; 2] = ["csv", "xlsx"];

/// An export script.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExportScriptDto {
    id: i32,
    name: String,
    description: Option<String>,
    project_id: i32,
    script: String,
    enabled: bool,
    /// Of two the higher one runs first.
    priority: i32,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    updated_at: DateTime<Utc>,
}

impl From<ExportScript> for ExportScriptDto {
    fn from(script: ExportScript) -> Self {
        Self {
            id: script.id,
            name: script.name,
            description: script.description,
            project_id: script.project_id,
            script: script.script,
            enabled: script.enabled,
            priority: script.priority,
            created_at: script.created_at,
            updated_at: script.updated_at,
        }
    }
}

impl Input for NewExportScript {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.string("name").min_length(1).required(),
            description: fields.string("description").max_length(MAX_DESCRIPTION_CHARS).optional(),
            project_id: fields.integer("projectId").required(),
            script: fields.string("script").max_length(MAX_SCRIPT_CHARS).required(),
            enabled: fields.boolean("enabled").optional().unwrap_or(true),
            priority: fields.integer("priority").within(-MAX_PRIORITY, MAX_PRIORITY).optional().unwrap_or(0),
        }
    }
}

/// POST /export-scripts
pub(crate) async fn create_export_script(
    state: Data<AppState>,
    User(identity): User,
    Caller(caller): Caller,
    Body(script): Body<NewExportScript>,
) -> Result<Created<ExportScriptDto>> {
    check_project(&mut *state.connection().await?, &identity, script.project_id).await?;
    check_source(&state, ScriptKind::Export, &script.name, &script.script).await?;
    let made = state.pool.transaction(move |connection| {
        Box::pin(async move {
            let made = export_scripts::insert(connection, &script).await?;
            let entry = caller.did(Action::ExportScriptCreated).to("export_script", made.id);
            audit::record(connection, &entry.in_project(made.project_id)).await?;
            Ok(made)
        })
    });
    Ok(Created(made.await?.into()))
}

/// GET /export-scripts
pub(crate) async fn list_export_scripts(state: Data<AppState>, User(identity): User) -> Result<List<ExportScriptDto>> {
    let owner = (!identity.is_admin).then_some(identity.user_id.0);
    let mut rows = export_scripts::list(&mut *state.connection().await?, owner).await?;
    rows.retain(|script| identity.reaches(script.project_id));
    Ok(List(rows.into_iter().map(ExportScriptDto::from).collect()))
}

/// GET /export-scripts/project/:projectId
pub(crate) async fn list_export_scripts_of_project(
    state: Data<AppState>,
    User(identity): User,
    Path(project): Path<ProjectId>,
) -> Result<List<ExportScriptDto>> {
    let mut connection = state.connection().await?;
    check_project(&mut connection, &identity, project.0).await?;
    let rows = export_scripts::list_by_project(&mut connection, project.0).await?;
    Ok(List(rows.into_iter().map(ExportScriptDto::from).collect()))
}

/// GET /export-scripts/:id
pub(crate) async fn show_export_script(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<ExportScriptId>,
) -> Result<Json<ExportScriptDto>> {
    let script = ownership::load_export_script(&mut *state.connection().await?, &identity, id).await?;
    Ok(Json(script.into()))
}

/// What is to be changed of an export script.
#[derive(Debug)]
pub(crate) struct ExportScriptForm {
    project_id: Option<i32>,
    changes: ExportScriptChanges,
}

impl Input for ExportScriptForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            project_id: fields.integer("projectId").optional(),
            changes: ExportScriptChanges {
                name: fields.string("name").min_length(1).optional(),
                description: fields.string("description").max_length(MAX_DESCRIPTION_CHARS).nullable(),
                script: fields.string("script").max_length(MAX_SCRIPT_CHARS).optional(),
                enabled: fields.boolean("enabled").optional(),
                priority: fields.integer("priority").within(-MAX_PRIORITY, MAX_PRIORITY).optional(),
            },
        }
    }
}

/// POST /export-scripts/:id
pub(crate) async fn update_export_script(
    state: Data<AppState>,
    User(identity): User,
    Caller(caller): Caller,
    Path(id): Path<ExportScriptId>,
    Body(ExportScriptForm { project_id, changes }): Body<ExportScriptForm>,
) -> Result<Created<ExportScriptDto>> {
    let stored = ownership::load_export_script(&mut *state.connection().await?, &identity, id).await?;
    check_same_project(stored.project_id, project_id)?;
    if let Some(source) = &changes.script {
        check_source(&state, ScriptKind::Export, &stored.name, source).await?;
    }
    let entry = caller.did(Action::ExportScriptUpdated).to("export_script", id).in_project(stored.project_id);
    let updated = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            export_scripts::update(connection, id.0, &changes).await
        })
    });
    Ok(Created(updated.await?.into()))
}

/// DELETE /export-scripts/:id
pub(crate) async fn delete_export_script(
    state: Data<AppState>,
    User(identity): User,
    Caller(caller): Caller,
    Path(id): Path<ExportScriptId>,
) -> Result<Json<ExportScriptDto>> {
    let script = ownership::load_export_script(&mut *state.connection().await?, &identity, id).await?;
    let entry = caller.did(Action::ExportScriptDeleted).to("export_script", id).in_project(script.project_id);
    let deleted = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            export_scripts::delete(connection, id.0).await
        })
    });
    deleted.await?;
    Ok(Json(script.into()))
}

/// POST /export-scripts/validate-syntax
pub(crate) async fn check_export_script(
    state: Data<AppState>,
    _user: User,
    Body(ScriptToCheck(source)): Body<ScriptToCheck>,
) -> Result<Created<ScriptCheckDto>> {
    Ok(Created(describe_source(&state, ScriptKind::Export, &source).await?))
}

/// An export script and what it is to be tried on.
#[derive(Debug)]
pub(crate) struct ExportScriptTrial {
    script: String,
    extracted_data: Map<String, Value>,
    format: Option<String>,
    debug: Option<bool>,
}

impl Input for ExportScriptTrial {
    fn read(fields: &mut Fields) -> Self {
        Self {
            script: fields.string("script").max_length(MAX_SCRIPT_CHARS).required(),
            extracted_data: fields.object("extractedData").required(),
            format: fields.string("format").one_of(&FORMATS).optional(),
            debug: fields.boolean("debug").optional(),
        }
    }
}

/// What a script made of the data.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExportScriptTrialDto {
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    debug: Option<ScriptDebugDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    runtime_error: Option<ScriptFailureDto>,
}

/// POST /export-scripts/test
pub(crate) async fn try_export_script(
    state: Data<AppState>,
    _user: User,
    Body(trial): Body<ExportScriptTrial>,
) -> Result<Created<ExportScriptTrialDto>> {
    let context = json!({
        "format": trial.format.as_deref().unwrap_or("csv"),
        "schemaColumns": [],
        "project": {"id": 0, "name": "Test Project"},
        "manifest": {"id": 0},
    });
    let arguments = vec![Value::Object(trial.extracted_data), context];
    let run = try_script(&state, ScriptKind::Export, trial.script, arguments).await?;
    let wants_debug = trial.debug.unwrap_or(true);
    let (rows, failure) = match run.outcome {
        Ok(Value::Array(rows)) => (rows, None),
        Ok(_) => (Vec::new(), None),
        Err(error) if wants_debug => (Vec::new(), Some(error.into())),
        Err(error) => {
            return Err(ApiError::new(Code::ScriptFailed, format!("The script failed: {error}")));
        }
    };
    let debug = wants_debug.then(|| ScriptDebugDto::new(run.logs));
    Ok(Created(ExportScriptTrialDto { rows, debug, runtime_error: failure }))
}
