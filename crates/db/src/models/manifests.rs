//! Table `manifests`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::error::Result;
use crate::schema::{groups, manifests, projects};

pub mod edit;
pub mod export;
pub mod list;
pub mod validation;

/// A manifest without the text of its pages, which is large and read by [`load_ocr_result`] alone.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = manifests, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Manifest {
    pub id: i32,
    pub group_id: i32,
    pub storage_key: String,
    pub filename: String,
    pub original_filename: String,
    pub file_size_bytes: i64,
    pub file_type: String,
    pub content_type: String,
    pub content_sha256: String,
    pub status: String,
    pub extracted_data: Option<Value>,
    pub confidence: Option<f64>,
    pub purchase_order: Option<String>,
    pub invoice_date: Option<NaiveDate>,
    pub department: Option<String>,
    pub human_verified: bool,
    pub validation_results: Option<Value>,
    pub ocr_processed_at: Option<DateTime<Utc>>,
    pub ocr_quality_score: Option<i32>,
    pub text_cost_nano: Option<i64>,
    pub llm_cost_nano: Option<i64>,
    pub extraction_cost_nano: Option<i64>,
    pub extraction_cost_currency: Option<String>,
    pub text_extractor_id: Option<Uuid>,
    pub last_event_number: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A manifest to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = manifests)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewManifest {
    pub group_id: i32,
    pub storage_key: String,
    pub filename: String,
    pub original_filename: String,
    pub file_size_bytes: i64,
    pub file_type: String,
    pub content_type: String,
    pub content_sha256: String,
}

/// Finds a manifest by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<Manifest>> {
    Ok(manifests::table.find(id).select(Manifest::as_select()).first(connection).await.optional()?)
}

/// Finds a manifest of a group by the SHA-256 of its file.
///
/// # Errors
/// When the query fails.
pub async fn find_by_content(
    connection: &mut AsyncPgConnection,
    group_id: i32,
    sha256: &str,
) -> Result<Option<Manifest>> {
    Ok(manifests::table
        .filter(manifests::group_id.eq(group_id).and(manifests::content_sha256.eq(sha256)))
        .select(Manifest::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// Finds the manifest whose file is stored under a key, and its owner's user id.
///
/// # Errors
/// When the query fails.
pub async fn find_by_storage_key(connection: &mut AsyncPgConnection, key: &str) -> Result<Option<(Manifest, i32)>> {
    Ok(manifests::table
        .inner_join(groups::table.inner_join(projects::table))
        .filter(manifests::storage_key.eq(key))
        .select((Manifest::as_select(), projects::user_id))
        .first(connection)
        .await
        .optional()?)
}

/// Inserts a manifest; `None` when the group has a manifest with the same content.
///
/// # Errors
/// When the query fails, or the group does not exist (`Reference`).
pub async fn insert(connection: &mut AsyncPgConnection, manifest: &NewManifest) -> Result<Option<Manifest>> {
    Ok(diesel::insert_into(manifests::table)
        .values(manifest)
        .on_conflict((manifests::group_id, manifests::content_sha256))
        .do_nothing()
        .returning(Manifest::as_returning())
        .get_result(connection)
        .await
        .optional()?)
}

/// Finds the project and its owner that a manifest belongs to: `(project id, owner's user id)`.
///
/// # Errors
/// When the query fails.
pub async fn find_owner(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<(i32, i32)>> {
    Ok(manifests::table
        .inner_join(groups::table.inner_join(projects::table))
        .filter(manifests::id.eq(id))
        .select((projects::id, projects::user_id))
        .first(connection)
        .await
        .optional()?)
}

/// Reads the stored text of a manifest's pages.
///
/// # Errors
/// `NotFound` when there is no such manifest.
pub async fn load_ocr_result(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<Value>> {
    Ok(manifests::table.find(id).select(manifests::ocr_result).first(connection).await?)
}

/// Raises the highest event number; a smaller one changes nothing.
///
/// # Errors
/// When the query fails.
pub async fn raise_event_number(connection: &mut AsyncPgConnection, id: i32, number: i64) -> Result<()> {
    diesel::update(manifests::table.filter(manifests::id.eq(id).and(manifests::last_event_number.lt(number))))
        .set(manifests::last_event_number.eq(number))
        .execute(connection)
        .await?;
    Ok(())
}
