//! Table `schemas`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::schema::schemas;

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
