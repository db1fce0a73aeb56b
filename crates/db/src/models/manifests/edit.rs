//! Changes that people make to manifests.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::Manifest;
use crate::error::Result;
use crate::models::page_images;
use crate::schema::{jobs, manifests};

/// What a person changes; `None` leaves a column as it is, `Some(None)` empties it.
#[derive(Debug, Clone, Default, PartialEq, AsChangeset)]
#[diesel(table_name = manifests)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ManifestChanges {
    pub status: Option<String>,
    pub confidence: Option<Option<f64>>,
    pub human_verified: Option<bool>,
    pub extracted_data: Option<Option<Value>>,
    pub purchase_order: Option<Option<String>>,
    pub invoice_date: Option<Option<NaiveDate>>,
    pub department: Option<Option<String>>,
}

/// Loads a manifest and keeps others from changing it until the transaction ends.
///
/// # Errors
/// `NotFound` when there is no such manifest.
pub async fn lock(connection: &mut AsyncPgConnection, id: i32) -> Result<Manifest> {
    Ok(manifests::table.find(id).select(Manifest::as_select()).for_update().first(connection).await?)
}

/// Changes a manifest.
///
/// # Errors
/// `NotFound` when there is no such manifest.
pub async fn update(connection: &mut AsyncPgConnection, id: i32, changes: &ManifestChanges) -> Result<Manifest> {
    if *changes == ManifestChanges::default() {
        return Ok(manifests::table.find(id).select(Manifest::as_select()).first(connection).await?);
    }
    Ok(diesel::update(manifests::table.find(id))
        .set(changes)
        .returning(Manifest::as_returning())
        .get_result(connection)
        .await?)
}

/// What is left of deleted manifests elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remains {
    /// The keys of their files.
    pub storage_keys: Vec<String>,
    /// Their jobs that had not ended.
    pub open_jobs: Vec<i32>,
}

/// Removes manifests of a group with all that belongs to them, or none when one of them is not in the group; to be called
/// in a transaction.
///
/// # Errors
/// When the query fails.
pub async fn delete_all(connection: &mut AsyncPgConnection, group_id: i32, ids: &[i32]) -> Result<Option<Remains>> {
    // In the order of the keys, so that two who delete the same do not wait for each other.
    let found: Vec<(i32, String)> = manifests::table
        .filter(manifests::id.eq_any(ids).and(manifests::group_id.eq(group_id)))
        .order(manifests::id)
        .select((manifests::id, manifests::storage_key))
        .for_update()
        .load(connection)
        .await?;
    let (found_ids, storage_keys): (Vec<i32>, Vec<String>) = found.into_iter().unzip();
    if ids.iter().any(|id| found_ids.binary_search(id).is_err()) {
        return Ok(None);
    }
    let images = page_images::list_keys(connection, &found_ids).await?;
    let storage_keys = storage_keys.into_iter().chain(images).collect();
    let is_open = jobs::manifest_id.eq_any(&found_ids).and(jobs::status.eq_any(["pending", "processing"]));
    let open_jobs = jobs::table.filter(is_open).select(jobs::id).load(connection).await?;
    diesel::delete(manifests::table.filter(manifests::id.eq_any(&found_ids))).execute(connection).await?;
    Ok(Some(Remains { storage_keys, open_jobs }))
}

/// Removes a manifest with all that belongs to it; its files stay, to be removed by the caller.
///
/// # Errors
/// `NotFound` when there is no such manifest.
pub async fn delete(connection: &mut AsyncPgConnection, id: i32) -> Result<Manifest> {
    Ok(diesel::delete(manifests::table.find(id)).returning(Manifest::as_returning()).get_result(connection).await?)
}
