//! Table `llm_calls`: every call of a language model, and what it answered.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::prepared::Prepare;
use crate::schema::llm_calls;

/// A call.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = llm_calls, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct LlmCall {
    pub id: i64,
    pub job_id: i32,
    pub attempt: i32,
    pub call_number: i32,
    pub request_sha256: String,
    pub response: Option<String>,
    pub finish_reason: Option<String>,
    pub error_message: Option<String>,
    pub input_tokens: Option<i32>,
    pub output_tokens: Option<i32>,
    pub usage_estimated: bool,
    pub cost_nano: Option<i64>,
    pub cost_currency: Option<String>,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
}

/// A call to be recorded.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = llm_calls)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewLlmCall {
    pub job_id: i32,
    pub attempt: i32,
    pub call_number: i32,
    pub request_sha256: String,
    pub response: Option<String>,
    pub finish_reason: Option<String>,
    pub error_message: Option<String>,
    pub input_tokens: Option<i32>,
    pub output_tokens: Option<i32>,
    pub usage_estimated: bool,
    pub cost_nano: Option<i64>,
    pub cost_currency: Option<String>,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
}

/// Records a call.
///
/// # Errors
/// When the query fails.
pub async fn insert(connection: &mut AsyncPgConnection, call: &NewLlmCall) -> Result<()> {
    diesel::insert_into(llm_calls::table).values(call).prepared().execute(connection).await?;
    Ok(())
}

/// The calls of a job, in their order.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, job_id: i32) -> Result<Vec<LlmCall>> {
    Ok(llm_calls::table
        .filter(llm_calls::job_id.eq(job_id))
        .order(llm_calls::id)
        .select(LlmCall::as_select())
        .load(connection)
        .await?)
}

/// The newest answer to a question, of whichever job.
///
/// # Errors
/// When the query fails.
pub async fn find_answer(connection: &mut AsyncPgConnection, request_sha256: &str) -> Result<Option<LlmCall>> {
    Ok(llm_calls::table
        .filter(llm_calls::request_sha256.eq(request_sha256).and(llm_calls::response.is_not_null()))
        .order(llm_calls::id.desc())
        .select(LlmCall::as_select())
        .first(connection)
        .await
        .optional()?)
}
