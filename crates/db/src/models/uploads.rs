//! Table `uploads`: signed uploads that were asked for.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::error::Result;
use crate::schema::uploads;

/// A signed upload.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = uploads, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Upload {
    pub id: Uuid,
    pub group_id: i32,
    pub user_id: i32,
    pub storage_key: String,
    pub original_filename: String,
    pub file_size_bytes: i64,
    pub content_type: String,
    pub content_sha256: String,
    pub expires_at: DateTime<Utc>,
    pub manifest_id: Option<i32>,
}

/// A signed upload to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = uploads)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewUpload {
    pub id: Uuid,
    pub group_id: i32,
    pub user_id: i32,
    pub storage_key: String,
    pub original_filename: String,
    pub file_size_bytes: i64,
    pub content_type: String,
    pub content_sha256: String,
    pub expires_at: DateTime<Utc>,
}

/// Finds an upload by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Upload>> {
    Ok(uploads::table.find(id).select(Upload::as_select()).first(connection).await.optional()?)
}

/// Inserts an upload.
///
/// # Errors
/// When the query fails, or group or user do not exist (`Reference`).
pub async fn insert(connection: &mut AsyncPgConnection, upload: &NewUpload) -> Result<Upload> {
    Ok(diesel::insert_into(uploads::table)
        .values(upload)
        .returning(Upload::as_returning())
        .get_result(connection)
        .await?)
}

/// Notes which manifest an upload became.
///
/// # Errors
/// When the query fails.
pub async fn complete(connection: &mut AsyncPgConnection, id: Uuid, manifest_id: i32) -> Result<()> {
    diesel::update(uploads::table.find(id)).set(uploads::manifest_id.eq(manifest_id)).execute(connection).await?;
    Ok(())
}

/// Removes an upload; none there is no error.
///
/// # Errors
/// When the query fails.
pub async fn delete(connection: &mut AsyncPgConnection, id: Uuid) -> Result<()> {
    diesel::delete(uploads::table.find(id)).execute(connection).await?;
    Ok(())
}

/// Takes out uploads that were never completed and ended before `before`; answers the keys of what they may have left
/// in storage.
///
/// # Errors
/// When the query fails.
pub async fn take_abandoned(
    connection: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<String>> {
    let abandoned = uploads::table
        .filter(uploads::expires_at.lt(before).and(uploads::manifest_id.is_null()))
        .order(uploads::expires_at)
        .limit(limit)
        .select(uploads::id)
        .for_update()
        .skip_locked()
        .load::<Uuid>(connection)
        .await?;
    // Asked again: one that was completed meanwhile must not be taken.
    Ok(diesel::delete(uploads::table.filter(uploads::id.eq_any(abandoned).and(uploads::manifest_id.is_null())))
        .returning(uploads::storage_key)
        .get_results(connection)
        .await?)
}
