//! Table `validation_scripts`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::schema::validation_scripts;

/// A validation script.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = validation_scripts, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ValidationScript {
    pub id: i32,
    pub name: String,
    pub description: Option<String>,
    pub project_id: i32,
    pub script: String,
    pub severity: String,
    pub enabled: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<ValidationScript>> {
    Ok(validation_scripts::table.find(id).select(ValidationScript::as_select()).first(connection).await.optional()?)
}

/// A validation script to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = validation_scripts)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewValidationScript {
    pub name: String,
    pub description: Option<String>,
    pub project_id: i32,
    pub script: String,
    pub severity: String,
    pub enabled: bool,
}

/// Inserts scripts.
///
/// # Errors
/// `Reference` when a project does not exist.
pub async fn insert_all(connection: &mut AsyncPgConnection, scripts: &[NewValidationScript]) -> Result<()> {
    diesel::insert_into(validation_scripts::table).values(scripts).execute(connection).await?;
    Ok(())
}
