//! Table `models`: connections to language models.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::error::Result;
use crate::schema::models;

/// A model.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = models, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Model {
    pub id: Uuid,
    pub name: String,
    pub adapter_type: String,
    pub description: Option<String>,
    pub parameters: Value,
    pub pricing: Value,
    pub pricing_history: Value,
    pub is_active: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub capabilities: Option<Value>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Model>> {
    Ok(models::table.find(id).select(Model::as_select()).first(connection).await.optional()?)
}

/// A model to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = models)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewModel {
    pub id: Uuid,
    pub name: String,
    pub adapter_type: String,
    pub description: Option<String>,
    pub parameters: Value,
    pub pricing: Value,
    pub is_active: bool,
}

/// What is to be changed; `None` stays as it is.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = models)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ModelChanges {
    pub name: Option<String>,
    pub adapter_type: Option<String>,
    pub description: Option<Option<String>>,
    pub parameters: Option<Value>,
    pub pricing: Option<Value>,
    pub pricing_history: Option<Value>,
    pub is_active: Option<bool>,
    pub capabilities: Option<Option<Value>>,
}

/// Which models to list.
#[derive(Debug, Clone, Default)]
pub struct ModelFilter {
    /// Of one of these adapters.
    pub adapter_types: Option<Vec<String>>,
    /// Active ones, or the others.
    pub is_active: Option<bool>,
}

/// Inserts a model.
///
/// # Errors
/// When the query fails.
pub async fn insert(connection: &mut AsyncPgConnection, model: &NewModel) -> Result<Model> {
    Ok(diesel::insert_into(models::table).values(model).returning(Model::as_returning()).get_result(connection).await?)
}

/// Lists models, the newest first.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, filter: &ModelFilter) -> Result<Vec<Model>> {
    let mut query = models::table.into_boxed();
    if let Some(adapter_types) = &filter.adapter_types {
        query = query.filter(models::adapter_type.eq_any(adapter_types));
    }
    if let Some(is_active) = filter.is_active {
        query = query.filter(models::is_active.eq(is_active));
    }
    Ok(query.order((models::created_at.desc(), models::id.desc())).select(Model::as_select()).load(connection).await?)
}

/// Finds a row by its key and locks it until the transaction ends.
///
/// # Errors
/// `NotFound`.
pub async fn load_for_update(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Model> {
    Ok(models::table.find(id).for_update().select(Model::as_select()).first(connection).await?)
}

/// Changes a model.
///
/// # Errors
/// `NotFound`.
pub async fn update(connection: &mut AsyncPgConnection, id: Uuid, changes: &ModelChanges) -> Result<Model> {
    Ok(diesel::update(models::table.find(id))
        .set((changes, models::updated_at.eq(diesel::dsl::now)))
        .returning(Model::as_returning())
        .get_result(connection)
        .await?)
}

/// Keeps what a test of a model has found, unless the model was changed since it was read.
///
/// # Errors
/// When the query fails.
pub async fn keep_capabilities(connection: &mut AsyncPgConnection, tested: &Model, found: &Value) -> Result<()> {
    diesel::update(models::table.find(tested.id).filter(models::parameters.eq(&tested.parameters)))
        .set(models::capabilities.eq(found))
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes a model.
///
/// # Errors
/// `Reference` when a project uses it.
pub async fn delete(connection: &mut AsyncPgConnection, id: Uuid) -> Result<bool> {
    Ok(diesel::delete(models::table.find(id)).execute(connection).await? > 0)
}
