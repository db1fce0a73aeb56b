//! Table `groups`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::schema::{groups, manifests, page_images, uploads};

/// A group.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = groups, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Group {
    pub id: i32,
    pub name: String,
    pub project_id: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<Group>> {
    Ok(groups::table.find(id).select(Group::as_select()).first(connection).await.optional()?)
}

/// How many manifests of a group are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupCounts {
    /// All.
    pub total: i64,
    /// Nothing extracted.
    pub pending: i64,
    /// The last job failed.
    pub failed: i64,
    /// Extracted and valid.
    pub completed: i64,
    /// A person has signed off, whatever the status.
    pub verified: i64,
}

/// Inserts a group.
///
/// # Errors
/// `Reference` when the project does not exist.
pub async fn insert(connection: &mut AsyncPgConnection, project_id: i32, name: &str) -> Result<Group> {
    Ok(diesel::insert_into(groups::table)
        .values((groups::project_id.eq(project_id), groups::name.eq(name)))
        .returning(Group::as_returning())
        .get_result(connection)
        .await?)
}

/// Lists the groups of a project, the oldest first.
///
/// # Errors
/// When the query fails.
pub async fn list_by_project(connection: &mut AsyncPgConnection, project_id: i32) -> Result<Vec<Group>> {
    Ok(groups::table
        .filter(groups::project_id.eq(project_id))
        .order(groups::id.asc())
        .select(Group::as_select())
        .load(connection)
        .await?)
}

/// Counts the manifests of a project's groups; a group without any is absent.
///
/// # Errors
/// When the query fails.
pub async fn count_manifests(connection: &mut AsyncPgConnection, project_id: i32) -> Result<HashMap<i32, GroupCounts>> {
    let rows: Vec<(i32, String, bool, i64)> = manifests::table
        .inner_join(groups::table)
        .filter(groups::project_id.eq(project_id))
        .group_by((manifests::group_id, manifests::status, manifests::human_verified))
        .select((manifests::group_id, manifests::status, manifests::human_verified, diesel::dsl::count_star()))
        .load(connection)
        .await?;
    let mut counts: HashMap<i32, GroupCounts> = HashMap::new();
    for (group_id, status, verified, count) in rows {
        let group = counts.entry(group_id).or_default();
        group.total += count;
        match status.as_str() {
            "pending" => group.pending += count,
            "failed" => group.failed += count,
            "completed" => group.completed += count,
            _ => {}
        }
        if verified {
            group.verified += count;
        }
    }
    Ok(counts)
}

/// Renames a group; no name leaves it as it is.
///
/// # Errors
/// `NotFound`.
pub async fn update(connection: &mut AsyncPgConnection, id: i32, name: Option<&str>) -> Result<Group> {
    Ok(diesel::update(groups::table.find(id))
        .set((name.map(|name| groups::name.eq(name)), groups::updated_at.eq(diesel::dsl::now)))
        .returning(Group::as_returning())
        .get_result(connection)
        .await?)
}

/// Deletes a group with all that belongs to it.
///
/// # Errors
/// When the query fails.
pub async fn delete(connection: &mut AsyncPgConnection, id: i32) -> Result<bool> {
    Ok(diesel::delete(groups::table.find(id)).execute(connection).await? > 0)
}

/// Lists the keys of all files of groups, of uploads that were not completed too.
///
/// # Errors
/// When a query fails.
pub async fn list_storage_keys(connection: &mut AsyncPgConnection, ids: &[i32]) -> Result<Vec<String>> {
    let mut keys: Vec<String> = manifests::table
        .filter(manifests::group_id.eq_any(ids))
        .select(manifests::storage_key)
        .load(connection)
        .await?;
    let uploaded: Vec<String> = uploads::table
        .filter(uploads::group_id.eq_any(ids).and(uploads::manifest_id.is_null()))
        .select(uploads::storage_key)
        .load(connection)
        .await?;
    keys.extend(uploaded);
    let images: Vec<String> = page_images::table
        .inner_join(manifests::table)
        .filter(manifests::group_id.eq_any(ids))
        .select(page_images::storage_key)
        .load(connection)
        .await?;
    keys.extend(images);
    Ok(keys)
}
