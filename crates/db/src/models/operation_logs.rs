//! Table `operation_logs`: what people did to manifests.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::schema::operation_logs;

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = operation_logs, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct OperationLog {
    pub id: i32,
    pub manifest_id: i32,
    pub user_id: Option<i32>,
    pub username: String,
    pub action: String,
    pub diffs: Value,
    pub metadata: Option<Value>,
    pub created_at: DateTime<Utc>,
}

/// An entry to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = operation_logs)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewOperationLog {
    pub manifest_id: i32,
    pub user_id: Option<i32>,
    pub username: String,
    pub action: String,
    pub diffs: Value,
}

/// Appends an entry.
///
/// # Errors
/// When the query fails, or the manifest does not exist (`Reference`).
pub async fn insert(connection: &mut AsyncPgConnection, log: &NewOperationLog) -> Result<()> {
    diesel::insert_into(operation_logs::table).values(log).execute(connection).await?;
    Ok(())
}

/// Lists what was done to a manifest, newest first.
///
/// # Errors
/// When the query fails.
pub async fn list_of_manifest(
    connection: &mut AsyncPgConnection,
    manifest_id: i32,
    limit: i64,
) -> Result<Vec<OperationLog>> {
    Ok(operation_logs::table
        .filter(operation_logs::manifest_id.eq(manifest_id))
        .order((operation_logs::created_at.desc(), operation_logs::id.desc()))
        .limit(limit)
        .select(OperationLog::as_select())
        .load(connection)
        .await?)
}

/// Counts the entries of an action in a whole project.
///
/// # Errors
/// When the query fails.
pub async fn count_of_project(connection: &mut AsyncPgConnection, project_id: i32, action: &str) -> Result<i64> {
    Ok(operation_logs::table
        .filter(operation_logs::project_id.eq(project_id).and(operation_logs::action.eq(action)))
        .count()
        .get_result(connection)
        .await?)
}
