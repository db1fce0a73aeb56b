//! The scripts themselves.

use actix_web::web::{Data, Json};
use sluice_access::ownership;
use sluice_core::{ProjectId, ValidationScriptId};
use sluice_db::models::validation_scripts::{self, NewValidationScript, ValidationScriptChanges};
use sluice_sandbox::ScriptKind;

use super::dto::ValidationScriptDto;
use crate::audit::{self, Action};
use crate::error::Result;
use crate::extract::{Body, Caller, Fields, Input, Path, User};
use crate::respond::{Created, List};
use crate::routes::scripts::{
    MAX_SCRIPT_CHARS, ScriptCheckDto, ScriptToCheck, check_project, check_same_project, check_source, describe_source,
};
use crate::state::AppState;

const SEVERITIES: [&str; 2] = ["warning", "error"];

/// A script whose project is not read.
pub(crate) fn read_script(fields: &mut Fields) -> NewValidationScript {
    NewValidationScript {
        name: fields.string("name").min_length(1).required(),
        description: fields.string("description").optional(),
        project_id: 0,
        script: fields.string("script").max_length(MAX_SCRIPT_CHARS).required(),
        severity: fields.string("severity").one_of(&SEVERITIES).optional().unwrap_or_else(|| "warning".to_owned()),
        enabled: fields.boolean("enabled").optional().unwrap_or(true),
    }
}

impl Input for NewValidationScript {
    fn read(fields: &mut Fields) -> Self {
        Self { project_id: fields.integer("projectId").required(), ..read_script(fields) }
    }
}

/// POST /validation/scripts
pub(crate) async fn create_validation_script(
    state: Data<AppState>,
    User(identity): User,
    Caller(caller): Caller,
    Body(script): Body<NewValidationScript>,
) -> Result<Created<ValidationScriptDto>> {
    check_project(&mut *state.connection().await?, &identity, script.project_id).await?;
    check_source(&state, ScriptKind::Validate, &script.name, &script.script).await?;
    let inserted = state.pool.transaction(move |connection| {
        Box::pin(async move {
            let made = validation_scripts::insert(connection, &script).await?;
            let entry = caller.did(Action::ValidationScriptCreated).to("validation_script", made.id);
            audit::record(connection, &entry.in_project(made.project_id)).await?;
            Ok(made)
        })
    });
    Ok(Created(inserted.await?.into()))
}

/// GET /validation/scripts
pub(crate) async fn list_validation_scripts(
    state: Data<AppState>,
    User(identity): User,
) -> Result<List<ValidationScriptDto>> {
    let owner = (!identity.is_admin).then_some(identity.user_id.0);
    let mut rows = validation_scripts::list(&mut *state.connection().await?, owner).await?;
    rows.retain(|script| identity.reaches(script.project_id));
    Ok(List(rows.into_iter().map(ValidationScriptDto::from).collect()))
}

/// GET /validation/scripts/project/:projectId
pub(crate) async fn list_validation_scripts_of_project(
    state: Data<AppState>,
    User(identity): User,
    Path(project): Path<ProjectId>,
) -> Result<List<ValidationScriptDto>> {
    let mut connection = state.connection().await?;
    check_project(&mut connection, &identity, project.0).await?;
    let rows = validation_scripts::list_by_project(&mut connection, project.0).await?;
    Ok(List(rows.into_iter().map(ValidationScriptDto::from).collect()))
}

/// GET /validation/scripts/:id
pub(crate) async fn show_validation_script(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<ValidationScriptId>,
) -> Result<Json<ValidationScriptDto>> {
    let script = ownership::load_validation_script(&mut *state.connection().await?, &identity, id).await?;
    Ok(Json(script.into()))
}

/// What is to be changed of a validation script.
#[derive(Debug)]
pub(crate) struct ValidationScriptForm {
    project_id: Option<i32>,
    changes: ValidationScriptChanges,
}

impl Input for ValidationScriptForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            project_id: fields.integer("projectId").optional(),
            changes: ValidationScriptChanges {
                name: fields.string("name").min_length(1).optional(),
                description: fields.string("description").nullable(),
                script: fields.string("script").max_length(MAX_SCRIPT_CHARS).optional(),
                severity: fields.string("severity").one_of(&SEVERITIES).optional(),
                enabled: fields.boolean("enabled").optional(),
            },
        }
    }
}

/// POST /validation/scripts/:id
pub(crate) async fn update_validation_script(
    state: Data<AppState>,
    User(identity): User,
    Caller(caller): Caller,
    Path(id): Path<ValidationScriptId>,
    Body(ValidationScriptForm { project_id, changes }): Body<ValidationScriptForm>,
) -> Result<Created<ValidationScriptDto>> {
    let stored = ownership::load_validation_script(&mut *state.connection().await?, &identity, id).await?;
    check_same_project(stored.project_id, project_id)?;
    if let Some(source) = &changes.script {
        check_source(&state, ScriptKind::Validate, &stored.name, source).await?;
    }
    let entry = caller.did(Action::ValidationScriptUpdated).to("validation_script", id).in_project(stored.project_id);
    let updated = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            validation_scripts::update(connection, id.0, &changes).await
        })
    });
    Ok(Created(updated.await?.into()))
}

/// DELETE /validation/scripts/:id
pub(crate) async fn delete_validation_script(
    state: Data<AppState>,
    User(identity): User,
    Caller(caller): Caller,
    Path(id): Path<ValidationScriptId>,
) -> Result<Json<ValidationScriptDto>> {
    let script = ownership::load_validation_script(&mut *state.connection().await?, &identity, id).await?;
    let body = ValidationScriptDto::from(script.clone());
    let entry = caller.did(Action::ValidationScriptDeleted).to("validation_script", id).in_project(script.project_id);
    let deleted = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            validation_scripts::delete(connection, &script).await
        })
    });
    deleted.await?;
    Ok(Json(body))
}

/// POST /validation/scripts/validate-syntax
pub(crate) async fn check_validation_script(
    state: Data<AppState>,
    _user: User,
    Body(ScriptToCheck(source)): Body<ScriptToCheck>,
) -> Result<Created<ScriptCheckDto>> {
    Ok(Created(describe_source(&state, ScriptKind::Validate, &source).await?))
}
