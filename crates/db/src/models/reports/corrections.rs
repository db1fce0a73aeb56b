//! What people corrected in a project.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::TimeRange;
use crate::error::Result;
use crate::models::operation_logs::OperationLog;
use crate::schema::{manifests, operation_logs};

const MANUAL_EDIT: &str = "manual_edit";

/// An edit: which values were changed into what.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = operation_logs, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct LoggedEdit {
    pub manifest_id: i32,
    pub diffs: Value,
    pub created_at: DateTime<Utc>,
}

/// An entry of the log with the name of its manifest's file.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct LogOfProject {
    /// The entry.
    #[diesel(embed)]
    pub log: OperationLog,
    /// The file's name.
    #[diesel(select_expression = manifests::filename)]
    pub filename: String,
}

/// The edits of a project in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct EditCounts {
    /// Edits.
    #[diesel(sql_type = BigInt)]
    pub edits: i64,
    /// Paths that were corrected.
    #[diesel(sql_type = BigInt)]
    pub paths: i64,
    /// Manifests that were corrected.
    #[diesel(sql_type = BigInt)]
    pub manifests: i64,
    /// Whether one of the edits came after a given time.
    #[diesel(sql_type = Bool)]
    pub has_newer: bool,
}

/// In how many manifests a value was corrected.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct CorrectedPath {
    /// The value's path.
    #[diesel(sql_type = Text)]
    pub path: String,
    /// How many manifests.
    #[diesel(sql_type = BigInt)]
    pub manifests: i64,
}

/// Lists the edits in a project, newest first.
///
/// # Errors
/// When the query fails.
pub async fn list_edits(
    connection: &mut AsyncPgConnection,
    project_id: i32,
    range: TimeRange,
    limit: i64,
) -> Result<Vec<LoggedEdit>> {
    let mut query = operation_logs::table
        .filter(operation_logs::project_id.eq(project_id).and(operation_logs::action.eq(MANUAL_EDIT)))
        .order((operation_logs::created_at.desc(), operation_logs::id.desc()))
        .limit(limit)
        .select(LoggedEdit::as_select())
        .into_boxed();
    if let Some(from) = range.from {
        query = query.filter(operation_logs::created_at.ge(from));
    }
    if let Some(until) = range.until {
        query = query.filter(operation_logs::created_at.lt(until));
    }
    Ok(query.load(connection).await?)
}

/// Counts the edits in a project.
///
/// # Errors
/// When the query fails.
pub async fn count_edits(
    connection: &mut AsyncPgConnection,
    project_id: i32,
    since: Option<DateTime<Utc>>,
    newer_than: DateTime<Utc>,
) -> Result<EditCounts> {
    Ok(diesel::sql_query(
        "with edit as (
           select l.id, l.manifest_id, l.created_at,
                  case jsonb_typeof(l.diffs) when 'array' then l.diffs else '[]' end as diffs
           from operation_logs l
           where l.project_id = $1 and l.action = 'manual_edit'
             and l.created_at >= coalesce($2, '-infinity'::timestamptz))
         select count(*) as edits, count(distinct manifest_id) as manifests,
                (select count(distinct diff ->> 'path') from edit cross join lateral jsonb_array_elements(diffs) diff) as paths,
                coalesce(bool_or(created_at > $3), false) as has_newer
         from edit",
    )
    .bind::<Integer, _>(project_id)
    .bind::<Nullable<Timestamptz>, _>(since)
    .bind::<Timestamptz, _>(newer_than)
    .get_result(connection)
    .await?)
}

/// Lists the paths that were corrected in several manifests since, those of most manifests first.
///
/// # Errors
/// When the query fails.
pub async fn list_corrected_paths(
    connection: &mut AsyncPgConnection,
    project_id: i32,
    since: DateTime<Utc>,
    min_manifests: i64,
    limit: i64,
) -> Result<Vec<CorrectedPath>> {
    Ok(diesel::sql_query(
        "with edit as (
           select l.manifest_id, case jsonb_typeof(l.diffs) when 'array' then l.diffs else '[]' end as diffs
           from operation_logs l
           where l.project_id = $1 and l.action = 'manual_edit' and l.created_at >= $2)
         select diff ->> 'path' as path, count(distinct manifest_id) as manifests
         from edit cross join lateral jsonb_array_elements(diffs) diff
         where diff ->> 'path' <> ''
         group by 1 having count(distinct manifest_id) >= $3
         order by 2 desc, 1 limit $4",
    )
    .bind::<Integer, _>(project_id)
    .bind::<Timestamptz, _>(since)
    .bind::<BigInt, _>(min_manifests)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?)
}

/// Lists what people did in a project, newest first; answers one page and how many entries there are in all.
///
/// # Errors
/// When a query fails.
pub async fn list_of_project(
    connection: &mut AsyncPgConnection,
    project_id: i32,
    limit: i64,
    offset: i64,
) -> Result<(Vec<LogOfProject>, i64)> {
    let of_project = operation_logs::project_id.eq(project_id);
    let total = operation_logs::table.filter(of_project).count().get_result(connection).await?;
    let rows = operation_logs::table
        .inner_join(manifests::table)
        .filter(of_project)
        .order((operation_logs::created_at.desc(), operation_logs::id.desc()))
        .limit(limit)
        .offset(offset)
        .select(LogOfProject::as_select())
        .load(connection)
        .await?;
    Ok((rows, total))
}
