//! Table `jobs`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::error::Result;
use crate::schema::jobs;

pub mod cancel;
pub mod list;
pub mod request;

/// A job.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Job {
    pub id: i32,
    pub manifest_id: i32,
    pub kind: String,
    pub status: String,
    pub queue_job_id: String,
    pub user_id: Option<i32>,
    pub request_id: Option<String>,
    pub schema_id: Option<i32>,
    pub schema_version: Option<String>,
    pub llm_model_id: Option<Uuid>,
    pub text_extractor_id: Option<Uuid>,
    pub prompt_id: Option<i32>,
    pub field_name: Option<String>,
    pub previous_manifest_status: Option<String>,
    pub progress: i16,
    pub attempt_count: i32,
    pub error_message: Option<String>,
    pub error_code: Option<String>,
    pub error_stage: Option<String>,
    pub cancel_requested_at: Option<DateTime<Utc>>,
    pub cancel_reason: Option<String>,
    pub canceled_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub text_estimated_cost_nano: Option<i64>,
    pub text_actual_cost_nano: Option<i64>,
    pub llm_estimated_cost_nano: Option<i64>,
    pub llm_actual_cost_nano: Option<i64>,
    pub estimated_cost_nano: Option<i64>,
    pub actual_cost_nano: Option<i64>,
    pub cost_currency: Option<String>,
    pub llm_input_tokens: Option<i32>,
    pub llm_output_tokens: Option<i32>,
    pub pages_processed: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub parked_count: i32,
    pub parked_nano: Option<i64>,
    pub parked_at: Option<DateTime<Utc>>,
}

/// A job to be inserted; its queue job is added after the transaction has committed.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = jobs)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewJob {
    pub manifest_id: i32,
    pub kind: String,
    pub user_id: Option<i32>,
    pub request_id: Option<String>,
    pub schema_id: Option<i32>,
    pub schema_version: Option<String>,
    pub llm_model_id: Option<Uuid>,
    pub text_extractor_id: Option<Uuid>,
    pub prompt_id: Option<i32>,
    pub field_name: Option<String>,
    pub previous_manifest_status: Option<String>,
}

/// The prompts of a job and what the model answered, which are large and asked for one job at a time.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct JobTexts {
    pub system_prompt: Option<String>,
    pub user_prompt: Option<String>,
    pub assistant_response: Option<String>,
}

/// Finds a job by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<Job>> {
    Ok(jobs::table.find(id).select(Job::as_select()).first(connection).await.optional()?)
}

/// Inserts a job.
///
/// # Errors
/// When the query fails, or something that the job points to does not exist (`Reference`).
pub async fn insert(connection: &mut AsyncPgConnection, job: &NewJob) -> Result<Job> {
    Ok(diesel::insert_into(jobs::table).values(job).returning(Job::as_returning()).get_result(connection).await?)
}

/// Reads a job's prompts and answer.
///
/// # Errors
/// `NotFound` when there is no such job.
pub async fn load_texts(connection: &mut AsyncPgConnection, id: i32) -> Result<JobTexts> {
    Ok(jobs::table.find(id).select(JobTexts::as_select()).first(connection).await?)
}
