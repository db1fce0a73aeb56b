//! Table `models`: connections to language models.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::error::Result;
use crate::schema::models;

/// A model.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = models, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Model {
    pub id: Uuid,
    pub name: String,
    pub adapter_type: String,
    pub description: Option<String>,
    pub parameters: Value,
    pub pricing: Value,
    pub pricing_history: Value,
    pub is_active: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Model>> {
    Ok(models::table.find(id).select(Model::as_select()).first(connection).await.optional()?)
}
