//! Schemas: what is to be extracted. Owners and admins may use them.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_access::{Access, Error as AccessError, Identity, ownership};
use sluice_core::{ProjectId, SchemaId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::schemas::{self, NewSchema, Schema, SchemaChanges};
use sluice_extraction::{schema, validate};
use utoipa::ToSchema;

use crate::error::{ApiError, Result};
use crate::extract::{Body, Fields, Input, Path, User};
use crate::respond::{Created, List};
use crate::state::AppState;
use crate::wire;

pub(crate) mod check;
mod corrections;
pub(crate) mod generate;
pub(crate) mod prompt_rules;
pub(crate) mod rules;

pub(crate) use self::corrections::{
    analyze_corrections, generate_domain_hints, list_correction_suggestions, show_correction_summary,
};

/// A schema.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SchemaDto {
    id: i32,
    name: String,
    schema_version: String,
    json_schema: Value,
    required_fields: Vec<String>,
    project_id: i32,
    description: Option<String>,
    system_prompt_template: Option<String>,
    validation_settings: Option<Value>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    updated_at: DateTime<Utc>,
}

impl From<Schema> for SchemaDto {
    fn from(schema: Schema) -> Self {
        Self {
            id: schema.id,
            name: schema.name,
            schema_version: schema.schema_version,
            json_schema: schema.json_schema,
            required_fields: schema.required_fields,
            project_id: schema.project_id,
            description: schema.description,
            system_prompt_template: schema.system_prompt_template,
            validation_settings: schema.validation_settings,
            created_at: schema.created_at,
            updated_at: schema.updated_at,
        }
    }
}

/// A schema's row with all that is derived.
pub(crate) fn new_schema(project_id: i32, json_schema: Map<String, Value>) -> NewSchema {
    let derived = schema::derive(&Value::Object(json_schema));
    NewSchema {
        name: derived.name.unwrap_or_else(|| format!("Schema {project_id}")),
        description: derived.description,
        project_id,
        json_schema: derived.json_schema,
        required_fields: derived.required_fields,
        system_prompt_template: None,
        validation_settings: None,
        schema_version: derived.version,
    }
}

/// A schema as it is asked for.
#[derive(Debug)]
pub(crate) struct SchemaForm {
    json_schema: Map<String, Value>,
    project_id: i32,
    system_prompt_template: Option<String>,
    validation_settings: Option<Map<String, Value>>,
}

impl Input for SchemaForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            json_schema: fields.object("jsonSchema").required(),
            project_id: fields.integer("projectId").required(),
            system_prompt_template: fields.string("systemPromptTemplate").optional(),
            validation_settings: fields.object("validationSettings").optional(),
        }
    }
}

/// POST /schemas
pub(crate) async fn create_schema(
    state: Data<AppState>,
    User(identity): User,
    Body(form): Body<SchemaForm>,
) -> Result<Created<SchemaDto>> {
    let SchemaForm { json_schema, project_id, system_prompt_template, validation_settings } = form;
    let (project, validation_settings) = (ProjectId(project_id), validation_settings.map(Value::Object));
    check_project(&mut *state.connection().await?, &identity, project).await?;
    let schema = NewSchema { system_prompt_template, validation_settings, ..new_schema(project.0, json_schema) };
    let inserted =
        state.pool.transaction(move |connection| Box::pin(async move { schemas::insert(connection, &schema).await }));
    Ok(Created(inserted.await?.into()))
}

/// A project that is missing is the fault of the body that names it.
async fn check_project(connection: &mut AsyncPgConnection, identity: &Identity, id: ProjectId) -> Result<()> {
    match ownership::load_project(connection, identity, Access::OwnerOrAdmin, id).await {
        Ok(_) => Ok(()),
        Err(error @ AccessError::NoProject(_)) => Err(ApiError::bad_request(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// GET /schemas
pub(crate) async fn list_schemas(state: Data<AppState>, User(identity): User) -> Result<List<SchemaDto>> {
    let owner = (!identity.is_admin).then_some(identity.user_id.0);
    let mut rows = schemas::list(&mut *state.connection().await?, owner).await?;
    rows.retain(|schema| identity.reaches(schema.project_id));
    Ok(List(rows.into_iter().map(SchemaDto::from).collect()))
}

/// GET /schemas/project/:projectId
pub(crate) async fn list_schemas_of_project(
    state: Data<AppState>,
    User(identity): User,
    Path(project): Path<ProjectId>,
) -> Result<List<SchemaDto>> {
    let mut connection = state.connection().await?;
    check_project(&mut connection, &identity, project).await?;
    let rows = schemas::list_by_project(&mut connection, project.0).await?;
    Ok(List(rows.into_iter().map(SchemaDto::from).collect()))
}

/// GET /schemas/:id
pub(crate) async fn show_schema(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<SchemaId>,
) -> Result<Json<SchemaDto>> {
    let mut connection = state.connection().await?;
    let schema = ownership::load_schema(&mut connection, &identity, Access::OwnerOrAdmin, id).await?;
    Ok(Json(SchemaDto::from(schema)))
}

/// What is to be changed of a schema.
#[derive(Debug)]
pub(crate) struct SchemaChangesForm {
    json_schema: Option<Map<String, Value>>,
    project_id: Option<i32>,
    system_prompt_template: Option<Option<String>>,
    validation_settings: Option<Option<Map<String, Value>>>,
}

impl Input for SchemaChangesForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            json_schema: fields.object("jsonSchema").optional(),
            project_id: fields.integer("projectId").optional(),
            system_prompt_template: fields.string("systemPromptTemplate").nullable(),
            validation_settings: fields.object("validationSettings").nullable(),
        }
    }
}

/// PATCH /schemas/:id
pub(crate) async fn update_schema(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<SchemaId>,
    Body(form): Body<SchemaChangesForm>,
) -> Result<Json<SchemaDto>> {
    let SchemaChangesForm { json_schema, project_id, system_prompt_template, validation_settings } = form;
    let validation_settings = validation_settings.map(|settings| settings.map(Value::Object));
    let mut connection = state.connection().await?;
    let stored = ownership::load_schema(&mut connection, &identity, Access::OwnerOrAdmin, id).await?;
    drop(connection);
    if project_id.is_some_and(|project_id| project_id != stored.project_id) {
        return Err(ApiError::bad_request("A schema can't be moved to another project"));
    }
    let mut changes = SchemaChanges { system_prompt_template, validation_settings, ..SchemaChanges::default() };
    if let Some(json_schema) = json_schema {
        let derived = schema::derive(&Value::Object(json_schema));
        changes.name = derived.name;
        changes.description = Some(derived.description);
        changes.required_fields = Some(derived.required_fields);
        changes.schema_version = Some(derived.version);
        changes.json_schema = Some(derived.json_schema);
    }
    let updated = state
        .pool
        .transaction(move |connection| Box::pin(async move { schemas::update(connection, id.0, &changes).await }));
    Ok(Json(SchemaDto::from(updated.await?)))
}

/// DELETE /schemas/:id
pub(crate) async fn delete_schema(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<SchemaId>,
) -> Result<Json<SchemaDto>> {
    let mut connection = state.connection().await?;
    let schema = ownership::load_schema(&mut connection, &identity, Access::OwnerOrAdmin, id).await?;
    schemas::delete(&mut connection, id.0).await?;
    Ok(Json(SchemaDto::from(schema)))
}

/// A schema to be checked; data may stand beside it and is not looked at.
#[derive(Debug)]
pub(crate) struct SchemaToCheck(Map<String, Value>);

impl Input for SchemaToCheck {
    fn read(fields: &mut Fields) -> Self {
        fields.object("data").optional();
        Self(fields.object("jsonSchema").required())
    }
}

/// Whether a schema is valid, and what is wrong with it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SchemaCheckDto {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<SchemaErrorDto>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SchemaErrorDto {
    message: String,
    path: String,
}

/// POST /schemas/validate
pub(crate) async fn validate_schema(
    _user: User,
    Body(SchemaToCheck(schema)): Body<SchemaToCheck>,
) -> Created<SchemaCheckDto> {
    let errors = validate::check_schema(&Value::Object(schema)).err().map(|errors| {
        errors.into_iter().map(|error| SchemaErrorDto { message: error.message, path: error.path }).collect()
    });
    Created(SchemaCheckDto { valid: errors.is_none(), errors })
}
