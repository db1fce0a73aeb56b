//! Table `page_images`: pictures of pages in storage.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::schema::page_images;

/// A picture of a page.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = page_images, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct PageImage {
    pub manifest_id: i32,
    pub page_number: i32,
    pub turned_degrees: i32,
    pub storage_key: String,
    pub width: i32,
    pub height: i32,
}

/// Finds the picture of a page.
///
/// # Errors
/// When the query fails.
pub async fn find(
    connection: &mut AsyncPgConnection,
    manifest_id: i32,
    page_number: i32,
    turned_degrees: i32,
) -> Result<Option<PageImage>> {
    Ok(page_images::table
        .find((manifest_id, page_number, turned_degrees))
        .select(PageImage::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// Notes a picture; `false` when there is one already, which stays.
///
/// # Errors
/// When the query fails, or the manifest is gone (`Reference`).
pub async fn insert(connection: &mut AsyncPgConnection, image: &PageImage) -> Result<bool> {
    let inserted =
        diesel::insert_into(page_images::table).values(image).on_conflict_do_nothing().execute(connection).await?;
    Ok(inserted == 1)
}

/// The keys of all pictures of manifests.
///
/// # Errors
/// When the query fails.
pub async fn list_keys(connection: &mut AsyncPgConnection, manifest_ids: &[i32]) -> Result<Vec<String>> {
    Ok(page_images::table
        .filter(page_images::manifest_id.eq_any(manifest_ids))
        .select(page_images::storage_key)
        .load(connection)
        .await?)
}
