//! What a manifest's data is checked with, and what came of it.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::schema::{groups, manifests, projects, schemas};

/// A manifest as a check needs it.
#[derive(Debug, Clone, PartialEq, Queryable)]
#[expect(missing_docs, reason = "the columns are explained in the migrations")]
pub struct CheckedManifest {
    pub id: i32,
    pub project_id: i32,
    pub user_id: i32,
    pub extracted_data: Option<Value>,
    /// The project's default schema and its version.
    pub schema: Option<(i32, String)>,
}

/// A manifest's place, without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
#[expect(missing_docs, reason = "the columns are explained in the migrations")]
pub struct ManifestOwner {
    pub id: i32,
    pub project_id: i32,
    pub user_id: i32,
}

/// Finds a manifest with its data.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<CheckedManifest>> {
    let schema = schemas::table.on(projects::default_schema_id.eq(schemas::id.nullable()));
    Ok(manifests::table
        .inner_join(groups::table.inner_join(projects::table.left_join(schema)))
        .filter(manifests::id.eq(id))
        .select((
            manifests::id,
            projects::id,
            projects::user_id,
            manifests::extracted_data,
            (schemas::id, schemas::schema_version).nullable(),
        ))
        .first(connection)
        .await
        .optional()?)
}

/// Finds out whose manifests are; what does not exist is left out.
///
/// # Errors
/// When the query fails.
pub async fn list_owners(connection: &mut AsyncPgConnection, ids: &[i32]) -> Result<Vec<ManifestOwner>> {
    Ok(manifests::table
        .inner_join(groups::table.inner_join(projects::table))
        .filter(manifests::id.eq_any(ids))
        .select((manifests::id, projects::id, projects::user_id))
        .order((projects::id, manifests::id))
        .load(connection)
        .await?)
}

/// Stores what a check came to; `false` when the manifest is gone.
///
/// # Errors
/// When the query fails.
pub async fn store_results(connection: &mut AsyncPgConnection, id: i32, results: &Value) -> Result<bool> {
    let changed = diesel::update(manifests::table.find(id))
        .set(manifests::validation_results.eq(results))
        .execute(connection)
        .await?;
    Ok(changed > 0)
}

/// Forgets what checks of a project's manifests came to: they were made with what is no longer so.
///
/// # Errors
/// When the query fails.
pub async fn forget_results(connection: &mut AsyncPgConnection, project_id: i32) -> Result<()> {
    let group_ids = groups::table.filter(groups::project_id.eq(project_id)).select(groups::id);
    let outdated = manifests::group_id.eq_any(group_ids).and(manifests::validation_results.is_not_null());
    diesel::update(manifests::table.filter(outdated))
        .set(manifests::validation_results.eq(None::<Value>))
        .execute(connection)
        .await?;
    Ok(())
}
