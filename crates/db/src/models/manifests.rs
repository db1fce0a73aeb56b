//! Table `manifests`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::error::Result;
use crate::models::page_cache::PageKey;
use crate::prepared::Prepare;
use crate::schema::{groups, manifests, projects};

pub mod duplicates;
pub mod edit;
pub mod export;
pub mod list;
pub mod validation;
pub mod verified;

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
pub async fn find_by_storage_key(
    connection: &mut AsyncPgConnection,
    key: &str,
) -> Result<Option<(Manifest, (i32, i32))>> {
    Ok(manifests::table
        .inner_join(groups::table.inner_join(projects::table))
        .filter(manifests::storage_key.eq(key))
        .select((Manifest::as_select(), (projects::id, projects::user_id)))
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

/// Where a manifest belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belonging {
    /// The manifest.
    pub manifest_id: i32,
    /// Its project.
    pub project_id: i32,
    /// Who owns the project.
    pub owner_id: i32,
}

/// Finds where manifests belong; one that does not exist is left out.
///
/// # Errors
/// When the query fails.
pub async fn list_belongings(connection: &mut AsyncPgConnection, ids: &[i32]) -> Result<Vec<Belonging>> {
    let rows: Vec<(i32, i32, i32)> = manifests::table
        .inner_join(groups::table.inner_join(projects::table))
        .filter(manifests::id.eq_any(ids))
        .select((manifests::id, projects::id, projects::user_id))
        .load(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(manifest_id, project_id, owner_id)| Belonging { manifest_id, project_id, owner_id })
        .collect())
}

/// Reads the stored text of a manifest's pages.
///
/// # Errors
/// `NotFound` when there is no such manifest.
pub async fn load_ocr_result(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<Value>> {
    Ok(manifests::table.find(id).select(manifests::ocr_result).first(connection).await?)
}

/// Under which settings the pages are kept that a manifest's text was built from; none when no text was read.
///
/// # Errors
/// `NotFound` when there is no such manifest.
pub async fn load_pages_key(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<PageKey>> {
    let columns = (manifests::content_sha256, manifests::pages_settings_sha256);
    let (file_sha256, settings): (String, Option<String>) =
        manifests::table.find(id).select(columns).first(connection).await?;
    Ok(settings.map(|settings_sha256| PageKey { file_sha256, settings_sha256 }))
}

/// Raises the highest event number; a smaller one changes nothing.
///
/// # Errors
/// When the query fails.
pub async fn raise_event_number(connection: &mut AsyncPgConnection, id: i32, number: i64) -> Result<()> {
    diesel::update(manifests::table.filter(manifests::id.eq(id).and(manifests::last_event_number.lt(number))))
        .set(manifests::last_event_number.eq(number))
        .prepared()
        .execute(connection)
        .await?;
    Ok(())
}

/// Raises the highest event numbers of many manifests: pairs of manifest and number.
///
/// # Errors
/// When the query fails.
pub async fn raise_event_numbers(connection: &mut AsyncPgConnection, numbers: &[(i32, i64)]) -> Result<()> {
    let (ids, highest): (Vec<i32>, Vec<i64>) = numbers.iter().copied().unzip();
    // In the order of their keys, as all who lock several do it.
    diesel::sql_query(
        "with told as (
           select m.id, t.number from unnest($1::int[], $2::bigint[]) as t (id, number) join manifests m using (id)
           where m.last_event_number < t.number order by m.id for no key update of m)
         update manifests m set last_event_number = told.number from told where m.id = told.id",
    )
    .bind::<Array<Integer>, _>(ids)
    .bind::<Array<BigInt>, _>(highest)
    .execute(connection)
    .await?;
    Ok(())
}
