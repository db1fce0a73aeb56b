//! Table `schemas`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::models::manifests::validation;
use crate::schema::{groups, projects, schemas};

/// A schema.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = schemas, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Schema {
    pub id: i32,
    pub name: String,
    pub description: Option<String>,
    pub project_id: i32,
    pub json_schema: Value,
    pub required_fields: Vec<String>,
    pub system_prompt_template: Option<String>,
    pub validation_settings: Option<Value>,
    pub schema_version: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<Schema>> {
    Ok(schemas::table.find(id).select(Schema::as_select()).first(connection).await.optional()?)
}

/// A schema to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = schemas)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewSchema {
    pub name: String,
    pub description: Option<String>,
    pub project_id: i32,
    pub json_schema: Value,
    pub required_fields: Vec<String>,
    pub system_prompt_template: Option<String>,
    pub validation_settings: Option<Value>,
    pub schema_version: String,
}

/// What is to be changed; `None` stays as it is.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = schemas)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct SchemaChanges {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub json_schema: Option<Value>,
    pub required_fields: Option<Vec<String>>,
    pub system_prompt_template: Option<Option<String>>,
    pub validation_settings: Option<Option<Value>>,
    pub schema_version: Option<String>,
}

/// Inserts a schema, which becomes its project's default when that has none.
///
/// # Errors
/// `Reference` when the project does not exist.
pub async fn insert(connection: &mut AsyncPgConnection, schema: &NewSchema) -> Result<Schema> {
    let schema: Schema = diesel::insert_into(schemas::table)
        .values(schema)
        .returning(Schema::as_returning())
        .get_result(connection)
        .await?;
    let without_default = projects::id.eq(schema.project_id).and(projects::default_schema_id.is_null());
    diesel::update(projects::table.filter(without_default))
        .set(projects::default_schema_id.eq(schema.id))
        .execute(connection)
        .await?;
    Ok(schema)
}

/// Lists the schemas of a user's projects, or of all projects, the newest first.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, owner: Option<i32>) -> Result<Vec<Schema>> {
    let mut query = schemas::table.inner_join(projects::table.on(projects::id.eq(schemas::project_id))).into_boxed();
    if let Some(owner) = owner {
        query = query.filter(projects::user_id.eq(owner));
    }
    Ok(query
        .order((schemas::created_at.desc(), schemas::id.desc()))
        .select(Schema::as_select())
        .load(connection)
        .await?)
}

/// Lists the schemas of a project, the newest first.
///
/// # Errors
/// When the query fails.
pub async fn list_by_project(connection: &mut AsyncPgConnection, project_id: i32) -> Result<Vec<Schema>> {
    Ok(schemas::table
        .filter(schemas::project_id.eq(project_id))
        .order((schemas::created_at.desc(), schemas::id.desc()))
        .select(Schema::as_select())
        .load(connection)
        .await?)
}

/// Finds the JSON schema that the project of a group has by default.
///
/// # Errors
/// When the query fails.
pub async fn find_default_of_group(connection: &mut AsyncPgConnection, group_id: i32) -> Result<Option<Value>> {
    Ok(groups::table
        .inner_join(projects::table)
        .inner_join(schemas::table.on(projects::default_schema_id.eq(schemas::id.nullable())))
        .filter(groups::id.eq(group_id))
        .select(schemas::json_schema)
        .first(connection)
        .await
        .optional()?)
}

/// Changes a schema in place and forgets the results of checks against the old one.
///
/// # Errors
/// `NotFound`.
pub async fn update(connection: &mut AsyncPgConnection, id: i32, changes: &SchemaChanges) -> Result<Schema> {
    let schema: Schema = diesel::update(schemas::table.find(id))
        .set((changes, schemas::updated_at.eq(diesel::dsl::now)))
        .returning(Schema::as_returning())
        .get_result(connection)
        .await?;
    validation::forget_results(connection, schema.project_id).await?;
    Ok(schema)
}

/// Deletes a schema; a project whose default it was has none then.
///
/// # Errors
/// When the query fails.
pub async fn delete(connection: &mut AsyncPgConnection, id: i32) -> Result<bool> {
    Ok(diesel::delete(schemas::table.find(id)).execute(connection).await? > 0)
}
