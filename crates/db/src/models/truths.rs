//! Table `truths`: what people say is right for manifests.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::schema::{manifests, truths};

/// A truth.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = truths, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Truth {
    pub manifest_id: i32,
    pub data: Value,
    pub saved_by: Option<i32>,
    pub saved_at: DateTime<Utc>,
}

/// A truth to be saved.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = truths)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewTruth {
    pub manifest_id: i32,
    pub project_id: i32,
    pub data: Value,
    pub saved_by: Option<i32>,
    pub saved_at: DateTime<Utc>,
}

/// A truth in a list, without its data.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migrations")]
pub struct ListedTruth {
    #[diesel(select_expression = truths::manifest_id)]
    pub manifest_id: i32,
    #[diesel(select_expression = manifests::group_id)]
    pub group_id: i32,
    #[diesel(select_expression = manifests::original_filename)]
    pub original_filename: String,
    #[diesel(select_expression = manifests::content_type)]
    pub content_type: String,
    #[diesel(select_expression = truths::saved_by)]
    pub saved_by: Option<i32>,
    #[diesel(select_expression = truths::saved_at)]
    pub saved_at: DateTime<Utc>,
}

/// Saves the truth of a manifest; one that is there is replaced.
///
/// # Errors
/// When the manifest does not exist (`Reference`), or the query fails.
pub async fn save(connection: &mut AsyncPgConnection, truth: &NewTruth) -> Result<Truth> {
    Ok(diesel::insert_into(truths::table)
        .values(truth)
        .on_conflict(truths::manifest_id)
        .do_update()
        .set((truths::data.eq(&truth.data), truths::saved_by.eq(truth.saved_by), truths::saved_at.eq(truth.saved_at)))
        .returning(Truth::as_returning())
        .get_result(connection)
        .await?)
}

/// Finds the truth of a manifest.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, manifest_id: i32) -> Result<Option<Truth>> {
    Ok(truths::table.find(manifest_id).select(Truth::as_select()).first(connection).await.optional()?)
}

/// Removes the truth of a manifest; `None` when there was none.
///
/// # Errors
/// When the query fails.
pub async fn delete(connection: &mut AsyncPgConnection, manifest_id: i32) -> Result<Option<Truth>> {
    Ok(diesel::delete(truths::table.find(manifest_id))
        .returning(Truth::as_returning())
        .get_result(connection)
        .await
        .optional()?)
}

/// Lists the truths of a project, the last saved first, and counts all of them.
///
/// # Errors
/// When the query fails.
pub async fn list_of_project(
    connection: &mut AsyncPgConnection,
    project_id: i32,
    limit: i64,
    offset: i64,
) -> Result<(Vec<ListedTruth>, i64)> {
    let of_project = truths::project_id.eq(project_id);
    let total = truths::table.filter(of_project).count().get_result(connection).await?;
    let rows = truths::table
        .inner_join(manifests::table)
        .filter(of_project)
        .order((truths::saved_at.desc(), truths::manifest_id.desc()))
        .limit(limit)
        .offset(offset)
        .select(ListedTruth::as_select())
        .load(connection)
        .await?;
    Ok((rows, total))
}
