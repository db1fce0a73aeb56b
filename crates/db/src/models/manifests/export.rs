//! What exports read: first which manifests they show, then those a few at a time.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::list::{ExtractionState, ManifestFilter, Query, Scope, restrict};
use crate::error::Result;
use crate::models::reports::Scope as Own;
use crate::schema::{groups, manifests, projects, schemas};

/// Which of a user's manifests are exported; what belongs to others is never among them.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// Those that match, of all groups or of some.
    Matching(Box<Matching>),
    /// Those with these keys.
    Listed(Vec<i32>),
}

/// What manifests must match.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matching {
    /// The project.
    pub project_id: Option<i32>,
    /// The group.
    pub group_id: Option<i32>,
    /// All else. `Complete` and `Partial` do not demand that there is data.
    pub filter: ManifestFilter,
}

/// A manifest that is to be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Selected {
    /// Its key.
    pub id: i32,
    /// Its project.
    pub project_id: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A manifest as exports show it.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = manifests, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ExportedManifest {
    pub id: i32,
    pub original_filename: String,
    pub status: String,
    pub created_at: DateTime<Utc>,
    pub confidence: Option<f64>,
    pub human_verified: bool,
    pub extraction_cost_nano: Option<i64>,
    pub extraction_cost_currency: Option<String>,
    pub extracted_data: Option<Value>,
    #[diesel(select_expression = groups::name)]
    pub group_name: String,
    #[diesel(select_expression = projects::id)]
    pub project_id: i32,
    #[diesel(select_expression = projects::name)]
    pub project_name: String,
}

/// Finds which manifests of a user, or of one project of theirs, are selected, newest first, but at most `limit`: then it is not said which ones.
///
/// # Errors
/// When the query fails.
pub async fn select(
    connection: &mut AsyncPgConnection,
    own: Own,
    selection: &Selection,
    limit: i64,
) -> Result<Vec<Selected>> {
    // Ordered here: the database need not look further than the limit, however many there are.
    let mut found: Vec<Selected> = selected(own, selection)
        .inner_join(groups::table)
        .limit(limit)
        .select((manifests::id, groups::project_id, manifests::created_at))
        .load(connection)
        .await?;
    found.sort_unstable_by_key(|manifest| Reverse((manifest.created_at, manifest.id)));
    Ok(found)
}

/// Loads manifests by their keys, newest first; what is gone is left out.
///
/// # Errors
/// When the query fails.
pub async fn load(connection: &mut AsyncPgConnection, ids: &[i32]) -> Result<Vec<ExportedManifest>> {
    Ok(manifests::table
        .inner_join(groups::table.inner_join(projects::table))
        .filter(manifests::id.eq_any(ids))
        .order((manifests::created_at.desc(), manifests::id.desc()))
        .select(ExportedManifest::as_select())
        .load(connection)
        .await?)
}

/// Finds the default schema of a user's project.
///
/// # Errors
/// When the query fails.
pub async fn find_schema(connection: &mut AsyncPgConnection, own: Own, project_id: i32) -> Result<Option<Value>> {
    if own.project_id.is_some_and(|only| only != project_id) {
        return Ok(None);
    }
    Ok(projects::table
        .inner_join(schemas::table.on(projects::default_schema_id.eq(schemas::id.nullable())))
        .filter(projects::id.eq(project_id).and(projects::user_id.eq(own.user_id)))
        .select(schemas::json_schema)
        .first(connection)
        .await
        .optional()?)
}

fn selected(own: Own, selection: &Selection) -> Query<'_> {
    let projects = projects::table.filter(projects::user_id.eq(own.user_id)).select(projects::id);
    let mut of_user = groups::table.filter(groups::project_id.eq_any(projects)).select(groups::id).into_boxed();
    if let Some(only) = own.project_id {
        of_user = of_user.filter(groups::project_id.eq(only));
    }
    match selection {
        Selection::Listed(ids) => {
            manifests::table.filter(manifests::group_id.eq_any(of_user)).filter(manifests::id.eq_any(ids)).into_boxed()
        }
        Selection::Matching(matching) => {
            if let Some(id) = matching.project_id {
                of_user = of_user.filter(groups::project_id.eq(id));
            }
            if let Some(id) = matching.group_id {
                of_user = of_user.filter(groups::id.eq(id));
            }
            let query = manifests::table.filter(manifests::group_id.eq_any(of_user)).into_boxed();
            let scope = matching.group_id.map_or(Scope::Any, Scope::Group);
            by_extraction(restrict(query, scope, &matching.filter), matching.filter.extraction)
        }
    }
}

fn by_extraction(query: Query<'_>, state: Option<ExtractionState>) -> Query<'_> {
    let completed = || manifests::status.eq("completed");
    match state {
        None => query,
        Some(ExtractionState::NotExtracted) => {
            query.filter(manifests::status.eq("pending").and(manifests::has_data.eq(false)))
        }
        Some(ExtractionState::Extracting) => query.filter(manifests::status.eq("processing")),
        Some(ExtractionState::Failed) => query.filter(manifests::status.eq("failed")),
        Some(ExtractionState::Complete) => query.filter(completed().and(manifests::has_errors.eq(false))),
        Some(ExtractionState::Partial) => {
            query.filter(manifests::status.eq("partial").or(completed().and(manifests::has_errors.eq(true))))
        }
    }
}
