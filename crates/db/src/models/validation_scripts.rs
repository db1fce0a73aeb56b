//! Table `validation_scripts`. Whatever changes a script makes the results of checks outdated, so it also forgets them:
//! such functions belong in a transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::models::manifests::validation;
use crate::schema::{projects, validation_scripts};

/// Longer lists are cut; a project has a handful.
const MAX_LISTED: i64 = 1_000;

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

/// What is to be changed; `None` stays as it is.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = validation_scripts)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ValidationScriptChanges {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub script: Option<String>,
    pub severity: Option<String>,
    pub enabled: Option<bool>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<ValidationScript>> {
    Ok(validation_scripts::table.find(id).select(ValidationScript::as_select()).first(connection).await.optional()?)
}

/// Lists scripts, of one owner or of all, the newest first.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, owner: Option<i32>) -> Result<Vec<ValidationScript>> {
    let mut query = validation_scripts::table.inner_join(projects::table).into_boxed();
    if let Some(owner) = owner {
        query = query.filter(projects::user_id.eq(owner));
    }
    Ok(query
        .order((validation_scripts::created_at.desc(), validation_scripts::id.desc()))
        .limit(MAX_LISTED)
        .select(ValidationScript::as_select())
        .load(connection)
        .await?)
}

/// Lists the scripts of a project, the newest first.
///
/// # Errors
/// When the query fails.
pub async fn list_by_project(connection: &mut AsyncPgConnection, project_id: i32) -> Result<Vec<ValidationScript>> {
    Ok(validation_scripts::table
        .filter(validation_scripts::project_id.eq(project_id))
        .order((validation_scripts::created_at.desc(), validation_scripts::id.desc()))
        .limit(MAX_LISTED)
        .select(ValidationScript::as_select())
        .load(connection)
        .await?)
}

/// Lists the scripts of a project that run, in the order in which they were made.
///
/// # Errors
/// When the query fails.
pub async fn list_enabled(connection: &mut AsyncPgConnection, project_id: i32) -> Result<Vec<ValidationScript>> {
    Ok(validation_scripts::table
        .filter(validation_scripts::project_id.eq(project_id).and(validation_scripts::enabled))
        .order(validation_scripts::id)
        .limit(MAX_LISTED)
        .select(ValidationScript::as_select())
        .load(connection)
        .await?)
}

/// Lists those of the given scripts that run and that an owner, or anybody, has; the others are left out.
///
/// # Errors
/// When the query fails.
pub async fn list_enabled_by_ids(
    connection: &mut AsyncPgConnection,
    ids: &[i32],
    owner: Option<i32>,
) -> Result<Vec<ValidationScript>> {
    let chosen = validation_scripts::id.eq_any(ids).and(validation_scripts::enabled);
    let mut query = validation_scripts::table.inner_join(projects::table).filter(chosen).into_boxed();
    if let Some(owner) = owner {
        query = query.filter(projects::user_id.eq(owner));
    }
    Ok(query
        .order(validation_scripts::id)
        .limit(MAX_LISTED)
        .select(ValidationScript::as_select())
        .load(connection)
        .await?)
}

/// Inserts scripts of a project that was just made and has no manifests.
///
/// # Errors
/// `Reference` when a project does not exist.
pub async fn insert_all(connection: &mut AsyncPgConnection, scripts: &[NewValidationScript]) -> Result<()> {
    diesel::insert_into(validation_scripts::table).values(scripts).execute(connection).await?;
    Ok(())
}

/// Inserts a script.
///
/// # Errors
/// `Reference` when its project does not exist.
pub async fn insert(connection: &mut AsyncPgConnection, script: &NewValidationScript) -> Result<ValidationScript> {
    let script: ValidationScript = diesel::insert_into(validation_scripts::table)
        .values(script)
        .returning(ValidationScript::as_returning())
        .get_result(connection)
        .await?;
    validation::forget_results(connection, script.project_id).await?;
    Ok(script)
}

/// Changes a script.
///
/// # Errors
/// `NotFound`.
pub async fn update(
    connection: &mut AsyncPgConnection,
    id: i32,
    changes: &ValidationScriptChanges,
) -> Result<ValidationScript> {
    let script: ValidationScript = diesel::update(validation_scripts::table.find(id))
        .set((changes, validation_scripts::updated_at.eq(diesel::dsl::now)))
        .returning(ValidationScript::as_returning())
        .get_result(connection)
        .await?;
    validation::forget_results(connection, script.project_id).await?;
    Ok(script)
}

/// Deletes a script of a project.
///
/// # Errors
/// When a query fails.
pub async fn delete(connection: &mut AsyncPgConnection, script: &ValidationScript) -> Result<()> {
    diesel::delete(validation_scripts::table.find(script.id)).execute(connection).await?;
    validation::forget_results(connection, script.project_id).await
}
