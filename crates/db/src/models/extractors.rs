//! Table `extractors`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::error::Result;
use crate::schema::{extractors, projects};

/// An extractor.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = extractors, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Extractor {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    pub extractor_type: String,
    pub config: Value,
    pub is_active: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Extractor>> {
    Ok(extractors::table.find(id).select(Extractor::as_select()).first(connection).await.optional()?)
}

/// An extractor to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = extractors)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewExtractor {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    pub extractor_type: String,
    pub config: Value,
    pub is_active: bool,
}

/// What is to be changed; `None` stays as it is.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = extractors)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ExtractorChanges {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub extractor_type: Option<String>,
    pub config: Option<Value>,
    pub is_active: Option<bool>,
}

/// Which extractors to list.
#[derive(Debug, Clone, Default)]
pub struct ExtractorFilter {
    /// Of this type.
    pub extractor_type: Option<String>,
    /// Active ones, or the others.
    pub is_active: Option<bool>,
}

/// Inserts an extractor.
///
/// # Errors
/// When the query fails.
pub async fn insert(connection: &mut AsyncPgConnection, extractor: &NewExtractor) -> Result<Extractor> {
    Ok(diesel::insert_into(extractors::table)
        .values(extractor)
        .returning(Extractor::as_returning())
        .get_result(connection)
        .await?)
}

/// Lists extractors, the newest first.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, filter: &ExtractorFilter) -> Result<Vec<Extractor>> {
    let mut query = extractors::table.into_boxed();
    if let Some(extractor_type) = &filter.extractor_type {
        query = query.filter(extractors::extractor_type.eq(extractor_type));
    }
    if let Some(is_active) = filter.is_active {
        query = query.filter(extractors::is_active.eq(is_active));
    }
    Ok(query
        .order((extractors::created_at.desc(), extractors::id.desc()))
        .select(Extractor::as_select())
        .load(connection)
        .await?)
}

/// Counts the projects that use extractors; one that none uses is absent.
///
/// # Errors
/// When the query fails.
pub async fn count_uses(connection: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
    let rows: Vec<(Option<Uuid>, i64)> = projects::table
        .filter(projects::text_extractor_id.eq_any(ids))
        .group_by(projects::text_extractor_id)
        .select((projects::text_extractor_id, diesel::dsl::count_star()))
        .load(connection)
        .await?;
    Ok(rows.into_iter().filter_map(|(id, count)| Some((id?, count))).collect())
}

/// Finds a row by its key and locks it until the transaction ends.
///
/// # Errors
/// `NotFound`.
pub async fn load_for_update(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Extractor> {
    Ok(extractors::table.find(id).for_update().select(Extractor::as_select()).first(connection).await?)
}

/// Changes an extractor.
///
/// # Errors
/// `NotFound`.
pub async fn update(connection: &mut AsyncPgConnection, id: Uuid, changes: &ExtractorChanges) -> Result<Extractor> {
    Ok(diesel::update(extractors::table.find(id))
        .set((changes, extractors::updated_at.eq(diesel::dsl::now)))
        .returning(Extractor::as_returning())
        .get_result(connection)
        .await?)
}

/// Deletes an extractor; projects that use it keep none.
///
/// # Errors
/// When the query fails.
pub async fn delete(connection: &mut AsyncPgConnection, id: Uuid) -> Result<bool> {
    Ok(diesel::delete(extractors::table.find(id)).execute(connection).await? > 0)
}
