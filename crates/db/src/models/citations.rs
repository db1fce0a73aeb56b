//! Table `citations`: where on the pages the values of a manifest's data are printed.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sluice_core::BoundingBox;

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

/// Where a value was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place<'a> {
    /// Dot path of the value.
    pub path: &'a str,
    /// The number of its page.
    pub page: Option<u32>,
    /// The box around it.
    pub bounds: Option<BoundingBox>,
    /// How it was found, as the table says it.
    pub match_kind: &'a str,
    /// What is printed there.
    pub text: Option<&'a str>,
    /// How sure the reader is of it.
    pub confidence: Option<f32>,
}

impl Citation {
    /// The row of a place, with how far its value can be trusted and why not further.
    #[must_use]
    pub fn new(
        (manifest_id, job_id): (i32, i32),
        place: &Place<'_>,
        field_confidence: Option<f64>,
        reasons: &[String],
    ) -> Self {
        // Postgres takes no zero byte.
        let without_zeros = |text: &str| text.replace('\0', "");
        Self {
            manifest_id,
            job_id,
            path: place.path.to_owned(),
            page_number: place.page.and_then(|page| i32::try_from(page).ok()),
            x: place.bounds.map(|bounds| bounds.x),
            y: place.bounds.map(|bounds| bounds.y),
            width: place.bounds.map(|bounds| bounds.width),
            height: place.bounds.map(|bounds| bounds.height),
            match_kind: place.match_kind.to_owned(),
            matched_text: place.text.map(without_zeros),
            confidence: place.confidence,
            field_confidence,
            reasons: reasons.iter().map(|reason| without_zeros(reason)).collect(),
        }
    }
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
