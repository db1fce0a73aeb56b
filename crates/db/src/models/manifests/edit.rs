//! Changes that people make to manifests.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::Manifest;
use crate::error::Result;
use crate::schema::manifests;

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

/// Removes a manifest with all that belongs to it; its file stays, to be removed by the caller.
///
/// # Errors
/// `NotFound` when there is no such manifest.
pub async fn delete(connection: &mut AsyncPgConnection, id: i32) -> Result<Manifest> {
    Ok(diesel::delete(manifests::table.find(id)).returning(Manifest::as_returning()).get_result(connection).await?)
}
