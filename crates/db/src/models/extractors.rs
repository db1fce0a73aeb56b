//! Table `extractors`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::error::Result;
use crate::schema::extractors;

/// An extractor.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = extractors, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Extractor {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    pub extractor_type: String,
    pub config: Value,
    pub is_active: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Extractor>> {
    Ok(extractors::table.find(id).select(Extractor::as_select()).first(connection).await.optional()?)
}
