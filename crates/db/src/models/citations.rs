//! Table `citations`: where on the pages the values of a manifest's data are printed.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::schema::citations;

/// Rows of one statement: a statement takes at most 65,535 values.
const ROWS: usize = 1_000;

/// The place of one value.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = citations, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Citation {
    pub manifest_id: i32,
    pub job_id: i32,
    pub path: String,
    pub page_number: Option<i32>,
    pub x: Option<f32>,
    pub y: Option<f32>,
    pub width: Option<f32>,
    pub height: Option<f32>,
    pub match_kind: String,
    pub matched_text: Option<String>,
    pub confidence: Option<f32>,
    pub field_confidence: Option<f64>,
    pub reasons: Vec<String>,
}

/// The citations of a manifest, in the order in which they were written.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, manifest_id: i32) -> Result<Vec<Citation>> {
    Ok(citations::table
        .filter(citations::manifest_id.eq(manifest_id))
        .order(citations::id)
        .select(Citation::as_select())
        .load(connection)
        .await?)
}

/// The citations of a manifest that a job wrote and that still stand.
///
/// # Errors
/// When the query fails.
pub async fn list_of_job(connection: &mut AsyncPgConnection, manifest_id: i32, job_id: i32) -> Result<Vec<Citation>> {
    Ok(citations::table
        .filter(citations::manifest_id.eq(manifest_id).and(citations::job_id.eq(job_id)))
        .order(citations::id)
        .select(Citation::as_select())
        .load(connection)
        .await?)
}

/// Puts citations in place of all that a manifest has, in the caller's transaction.
///
/// # Errors
/// When a query fails.
pub async fn replace_all(connection: &mut AsyncPgConnection, manifest_id: i32, rows: &[Citation]) -> Result<()> {
    diesel::delete(citations::table.filter(citations::manifest_id.eq(manifest_id))).execute(connection).await?;
    insert(connection, rows).await
}

/// Removes the citations of some paths, in the caller's transaction.
///
/// # Errors
/// When the query fails.
pub async fn delete_paths(connection: &mut AsyncPgConnection, manifest_id: i32, paths: &[String]) -> Result<()> {
    let rows = citations::table.filter(citations::manifest_id.eq(manifest_id).and(citations::path.eq_any(paths)));
    diesel::delete(rows).execute(connection).await?;
    Ok(())
}

/// Adds citations.
///
/// # Errors
/// When a query fails.
pub async fn insert(connection: &mut AsyncPgConnection, rows: &[Citation]) -> Result<()> {
    for rows in rows.chunks(ROWS) {
        diesel::insert_into(citations::table).values(rows).execute(connection).await?;
    }
    Ok(())
}
