//! Lists of manifests: filters, orders, pages.
//!
//! A page is found by its keys alone, which indexes have (see `ARCHITECTURE.md`, "Lists and filters"); the rows are read after
//! that, so that what is skipped or sorted is never read.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::Manifest;
use crate::error::Result;
use crate::schema::{jobs, manifests};

pub(super) mod filter;
mod sort;

pub use self::filter::{DataFilter, DataTest, ExtractionState, ManifestFilter, OcrQuality};
pub(super) use self::filter::{Query, Scope, restrict};
use self::sort::Ordered;
pub use self::sort::{DataOrder, Sort, SortColumn, SortKey};

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many to leave out.
    pub offset: i64,
    /// How many to take.
    pub limit: i64,
}

/// Lists manifests of a group; answers one page and how many match in all.
///
/// # Errors
/// When the query fails.
pub async fn list(
    connection: &mut AsyncPgConnection,
    group_id: i32,
    filter: &ManifestFilter,
    sort: &Sort,
    window: Window,
) -> Result<(Vec<Manifest>, i64)> {
    let total = count(connection, group_id, filter).await?;
    // What is found ends the search: without this the last page would look for more in vain.
    let limit = window.limit.min(total.saturating_sub(window.offset));
    if limit <= 0 {
        return Ok((Vec::new(), total));
    }
    let keys = list_ids(connection, group_id, filter, sort, Window { limit, ..window }).await?;
    Ok((load_all(connection, &keys).await?, total))
}

/// Counts the manifests of a group that match.
///
/// # Errors
/// When the query fails.
pub async fn count(connection: &mut AsyncPgConnection, group_id: i32, filter: &ManifestFilter) -> Result<i64> {
    Ordered { group_id, filter, sort: &Sort::default() }.count(connection).await
}

/// Lists the keys of manifests of a group.
///
/// # Errors
/// When the query fails.
pub async fn list_ids(
    connection: &mut AsyncPgConnection,
    group_id: i32,
    filter: &ManifestFilter,
    sort: &Sort,
    window: Window,
) -> Result<Vec<i32>> {
    Ordered { group_id, filter, sort }.load(connection, window).await
}

/// Explains how Postgres counts and pages a list; for tests, and for whoever wonders why one is slow.
///
/// # Errors
/// When the query fails.
pub async fn explain(
    connection: &mut AsyncPgConnection,
    group_id: i32,
    filter: &ManifestFilter,
    sort: &Sort,
    window: Window,
) -> Result<Vec<Value>> {
    Ordered { group_id, filter, sort }.plans(connection, window).await
}

/// Reads manifests in the order of their keys; what was deleted meanwhile is left out.
async fn load_all(connection: &mut AsyncPgConnection, ids: &[i32]) -> Result<Vec<Manifest>> {
    let rows: Vec<Manifest> =
        manifests::table.filter(manifests::id.eq_any(ids)).select(Manifest::as_select()).load(connection).await?;
    let mut by_id: HashMap<i32, Manifest> = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

/// The errors that the latest failed jobs of manifests ended with: pairs of manifest and message.
///
/// # Errors
/// When the query fails.
pub async fn last_errors(connection: &mut AsyncPgConnection, manifest_ids: &[i32]) -> Result<Vec<(i32, String)>> {
    if manifest_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(jobs::table
        .distinct_on(jobs::manifest_id)
        .filter(jobs::manifest_id.eq_any(manifest_ids).and(jobs::error_message.is_not_null()))
        .order((jobs::manifest_id, jobs::created_at.desc(), jobs::id.desc()))
        .select((jobs::manifest_id, jobs::error_message.assume_not_null()))
        .load(connection)
        .await?)
}
