//! Table `projects`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::error::Result;
use crate::schema::{groups, manifests, projects};

/// A project.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Project {
    pub id: i32,
    pub name: String,
    pub description: Option<String>,
    pub user_id: i32,
    pub default_schema_id: Option<i32>,
    pub llm_model_id: Uuid,
    pub text_extractor_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub budget_nano: Option<i64>,
    pub budget_currency: Option<String>,
    pub budget_period: Option<String>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<Project>> {
    Ok(projects::table.find(id).select(Project::as_select()).first(connection).await.optional()?)
}

/// A project to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = projects)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewProject {
    pub name: String,
    pub description: Option<String>,
    pub user_id: i32,
    pub llm_model_id: Uuid,
    pub text_extractor_id: Option<Uuid>,
}

/// What is to be changed; `None` stays as it is.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = projects)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ProjectChanges {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub default_schema_id: Option<Option<i32>>,
    pub llm_model_id: Option<Uuid>,
    pub text_extractor_id: Option<Uuid>,
    pub budget_nano: Option<Option<i64>>,
    pub budget_currency: Option<Option<String>>,
    pub budget_period: Option<Option<String>>,
}

/// How much a project holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProjectCounts {
    /// Groups.
    pub groups: i64,
    /// Manifests in all groups.
    pub manifests: i64,
}

/// Inserts a project.
///
/// # Errors
/// `Reference` when its model or extractor does not exist.
pub async fn insert(connection: &mut AsyncPgConnection, project: &NewProject) -> Result<Project> {
    Ok(diesel::insert_into(projects::table)
        .values(project)
        .returning(Project::as_returning())
        .get_result(connection)
        .await?)
}

/// Lists a user's projects, the newest first.
///
/// # Errors
/// When the query fails.
pub async fn list_by_owner(connection: &mut AsyncPgConnection, user_id: i32) -> Result<Vec<Project>> {
    Ok(projects::table
        .filter(projects::user_id.eq(user_id))
        .order(projects::id.desc())
        .select(Project::as_select())
        .load(connection)
        .await?)
}

/// Counts what projects hold; one that holds nothing may be absent.
///
/// # Errors
/// When a query fails.
pub async fn count_contents(
    connection: &mut AsyncPgConnection,
    project_ids: &[i32],
) -> Result<HashMap<i32, ProjectCounts>> {
    let rows: Vec<(i32, i64, i64)> = groups::table
        .left_join(manifests::table)
        .filter(groups::project_id.eq_any(project_ids))
        .group_by(groups::project_id)
        .select((groups::project_id, dsl::count(groups::id).aggregate_distinct(), dsl::count(manifests::id.nullable())))
        .load(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(project_id, groups, manifests)| (project_id, ProjectCounts { groups, manifests }))
        .collect())
}

/// Changes a project.
///
/// # Errors
/// `NotFound`, or `Reference` when a model, extractor or schema does not exist.
pub async fn update(connection: &mut AsyncPgConnection, id: i32, changes: &ProjectChanges) -> Result<Project> {
    Ok(diesel::update(projects::table.find(id))
        // Set too, so that no change at all is no error.
        .set((changes, projects::updated_at.eq(dsl::now)))
        .returning(Project::as_returning())
        .get_result(connection)
        .await?)
}

/// Deletes a project with all that belongs to it.
///
/// # Errors
/// When the query fails.
pub async fn delete(connection: &mut AsyncPgConnection, id: i32) -> Result<bool> {
    Ok(diesel::delete(projects::table.find(id)).execute(connection).await? > 0)
}

/// Lists the keys of all files of a project, of uploads that were not completed too.
///
/// # Errors
/// When a query fails.
pub async fn list_storage_keys(connection: &mut AsyncPgConnection, id: i32) -> Result<Vec<String>> {
    let group_ids: Vec<i32> =
        groups::table.filter(groups::project_id.eq(id)).select(groups::id).load(connection).await?;
    super::groups::list_storage_keys(connection, &group_ids).await
}
