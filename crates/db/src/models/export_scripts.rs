//! Table `export_scripts`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::schema::{export_scripts, projects};

/// Longer lists are cut; a project has a handful.
const MAX_LISTED: i64 = 1_000;

/// An export script.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = export_scripts, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ExportScript {
    pub id: i32,
    pub name: String,
    pub description: Option<String>,
    pub project_id: i32,
    pub script: String,
    pub enabled: bool,
    pub priority: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// An export script to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = export_scripts)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewExportScript {
    pub name: String,
    pub description: Option<String>,
    pub project_id: i32,
    pub script: String,
    pub enabled: bool,
    pub priority: i32,
}

/// What is to be changed; `None` stays as it is.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = export_scripts)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ExportScriptChanges {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub script: Option<String>,
    pub enabled: Option<bool>,
    pub priority: Option<i32>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<ExportScript>> {
    Ok(export_scripts::table.find(id).select(ExportScript::as_select()).first(connection).await.optional()?)
}

/// Lists scripts, of one owner or of all, the newest first.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, owner: Option<i32>) -> Result<Vec<ExportScript>> {
    let mut query = export_scripts::table.inner_join(projects::table).into_boxed();
    if let Some(owner) = owner {
        query = query.filter(projects::user_id.eq(owner));
    }
    Ok(query
        .order((export_scripts::created_at.desc(), export_scripts::id.desc()))
        .limit(MAX_LISTED)
        .select(ExportScript::as_select())
        .load(connection)
        .await?)
}

/// Lists the scripts of a project in the order in which they run.
///
/// # Errors
/// When the query fails.
pub async fn list_by_project(connection: &mut AsyncPgConnection, project_id: i32) -> Result<Vec<ExportScript>> {
    Ok(export_scripts::table
        .filter(export_scripts::project_id.eq(project_id))
        .order((export_scripts::priority.desc(), export_scripts::id))
        .limit(MAX_LISTED)
        .select(ExportScript::as_select())
        .load(connection)
        .await?)
}

/// Lists the enabled scripts of projects, those of each in the order in which they run, but at most `limit`.
///
/// # Errors
/// When the query fails.
pub async fn list_enabled(
    connection: &mut AsyncPgConnection,
    project_ids: &[i32],
    limit: i64,
) -> Result<Vec<ExportScript>> {
    Ok(export_scripts::table
        .filter(export_scripts::project_id.eq_any(project_ids).and(export_scripts::enabled.eq(true)))
        .order((export_scripts::project_id, export_scripts::priority.desc(), export_scripts::id))
        .limit(limit)
        .select(ExportScript::as_select())
        .load(connection)
        .await?)
}

/// Inserts a script.
///
/// # Errors
/// `Reference` when its project does not exist.
pub async fn insert(connection: &mut AsyncPgConnection, script: &NewExportScript) -> Result<ExportScript> {
    Ok(diesel::insert_into(export_scripts::table)
        .values(script)
        .returning(ExportScript::as_returning())
        .get_result(connection)
        .await?)
}

/// Changes a script.
///
/// # Errors
/// `NotFound`.
pub async fn update(
    connection: &mut AsyncPgConnection,
    id: i32,
    changes: &ExportScriptChanges,
) -> Result<ExportScript> {
    Ok(diesel::update(export_scripts::table.find(id))
        .set((changes, export_scripts::updated_at.eq(diesel::dsl::now)))
        .returning(ExportScript::as_returning())
        .get_result(connection)
        .await?)
}

/// Deletes a script; `false` when it is gone.
///
/// # Errors
/// When the query fails.
pub async fn delete(connection: &mut AsyncPgConnection, id: i32) -> Result<bool> {
    Ok(diesel::delete(export_scripts::table.find(id)).execute(connection).await? > 0)
}
