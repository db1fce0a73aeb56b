//! Table `prompts`: texts that replace the built-in instruction of a run.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::schema::prompts;

/// Admins write prompts by hand; a list of more has gone wrong.
const MOST: i64 = 1_000;

/// A prompt.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = prompts, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Prompt {
    pub id: i32,
    pub name: String,
    pub type_: String,
    pub content: String,
    pub variables: Option<Value>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A prompt to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = prompts)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewPrompt {
    pub name: String,
    pub type_: String,
    pub content: String,
    pub variables: Option<Value>,
}

/// What is to be changed; `None` stays as it is.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = prompts)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct PromptChanges {
    pub name: Option<String>,
    pub type_: Option<String>,
    pub content: Option<String>,
    pub variables: Option<Option<Value>>,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<Prompt>> {
    Ok(prompts::table.find(id).select(Prompt::as_select()).first(connection).await.optional()?)
}

/// Lists the newest prompts, the newest first.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection) -> Result<Vec<Prompt>> {
    Ok(prompts::table
        .order((prompts::created_at.desc(), prompts::id.desc()))
        .limit(MOST)
        .select(Prompt::as_select())
        .load(connection)
        .await?)
}

/// Inserts a prompt.
///
/// # Errors
/// When the query fails.
pub async fn insert(connection: &mut AsyncPgConnection, prompt: &NewPrompt) -> Result<Prompt> {
    Ok(diesel::insert_into(prompts::table)
        .values(prompt)
        .returning(Prompt::as_returning())
        .get_result(connection)
        .await?)
}

/// Changes a prompt.
///
/// # Errors
/// `NotFound`.
pub async fn update(connection: &mut AsyncPgConnection, id: i32, changes: &PromptChanges) -> Result<Prompt> {
    Ok(diesel::update(prompts::table.find(id))
        .set((changes, prompts::updated_at.eq(diesel::dsl::now)))
        .returning(Prompt::as_returning())
        .get_result(connection)
        .await?)
}

/// Deletes a prompt; jobs that ran with it forget which it was.
///
/// # Errors
/// `NotFound`.
pub async fn delete(connection: &mut AsyncPgConnection, id: i32) -> Result<Prompt> {
    Ok(diesel::delete(prompts::table.find(id)).returning(Prompt::as_returning()).get_result(connection).await?)
}
