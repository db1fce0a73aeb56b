//! What a worker writes to `jobs` and `manifests` while it runs a job. Each change repeats the state that it expects, so
//! that a worker whose job was taken over changes nothing.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::models::jobs::Job;
use crate::models::schema_rules::SchemaRule;
use crate::prepared::Prepare;
use crate::schema::{jobs, manifests, prompts, schema_rules};

/// A job that waits for its budget is looked at more often than this.
const LONGEST_PARKED: chrono::Duration = chrono::Duration::hours(2);

/// An attempt at a job; the number is what guards its writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The job.
    pub job_id: i32,
    /// The manifest.
    pub manifest_id: i32,
    /// The number of the attempt.
    pub number: i32,
}

/// Begins an attempt; `None` when the job has ended or does not exist.
///
/// # Errors
/// When the query fails.
pub async fn begin(connection: &mut AsyncPgConnection, job_id: i32, now: DateTime<Utc>) -> Result<Option<Job>> {
    Ok(diesel::update(jobs::table.find(job_id).filter(jobs::status.eq_any(["pending", "processing"])))
        .set((
            jobs::status.eq("processing"),
            jobs::attempt_count.eq(jobs::attempt_count + 1),
            jobs::parked_nano.eq(None::<i64>),
            jobs::started_at.eq(diesel::dsl::case_when(jobs::started_at.is_not_null(), jobs::started_at)
                .otherwise(now.into_sql::<Nullable<Timestamptz>>())),
        ))
        .returning(Job::as_returning())
        .prepared()
        .get_result(connection)
        .await
        .optional()?)
}

/// Marks the manifest as being processed and keeps the status it had, for a cancellation to give back.
///
/// # Errors
/// When the query fails.
pub async fn start_manifest(connection: &mut AsyncPgConnection, attempt: Attempt) -> Result<()> {
    diesel::sql_query(
        "with earlier as (
           update jobs set previous_manifest_status = coalesce(previous_manifest_status, nullif(m.status, 'processing'), 'pending')
           from manifests m where jobs.id = $1 and m.id = jobs.manifest_id and jobs.attempt_count = $2
           returning jobs.manifest_id)
         update manifests set status = 'processing' where id in (select manifest_id from earlier)",
    )
    .bind::<Integer, _>(attempt.job_id)
    .bind::<Integer, _>(attempt.number)
    .prepared()
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes how far the job is; it never falls.
///
/// # Errors
/// When the query fails.
pub async fn advance(connection: &mut AsyncPgConnection, attempt: Attempt, progress: i16) -> Result<()> {
    diesel::update(running(attempt).filter(jobs::progress.lt(progress)))
        .set(jobs::progress.eq(progress))
        .prepared()
        .execute(connection)
        .await?;
    Ok(())
}

/// The enabled rules of a schema.
///
/// # Errors
/// When the query fails.
pub async fn list_rules(connection: &mut AsyncPgConnection, schema_id: i32) -> Result<Vec<SchemaRule>> {
    Ok(schema_rules::table
        .filter(schema_rules::schema_id.eq(schema_id).and(schema_rules::enabled.eq(true)))
        .order((schema_rules::priority.desc(), schema_rules::created_at.desc(), schema_rules::id.desc()))
        .select(SchemaRule::as_select())
        .load(connection)
        .await?)
}

/// The text of a prompt.
///
/// # Errors
/// When the query fails.
pub async fn find_prompt(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<String>> {
    Ok(prompts::table.find(id).select(prompts::content).first(connection).await.optional()?)
}

/// The text that was read, with its quality.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct StoredText {
    pub ocr_result: Value,
    pub quality_score: i32,
    pub processed_at: DateTime<Utc>,
    pub extractor_id: Uuid,
    pub pages_settings_sha256: String,
}

/// Stores the text of a manifest, at once after it was read: it outlives a later failure.
///
/// # Errors
/// `NotFound` when the manifest is gone.
pub async fn store_text(connection: &mut AsyncPgConnection, manifest_id: i32, text: &StoredText) -> Result<()> {
    let pages = text.ocr_result.get("pages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let shown = pages.iter().filter_map(|page| page.get("markdown").or_else(|| page.get("text"))?.as_str());
    let characters = shown.map(|text| text.chars().count()).sum();
    let changed = diesel::update(manifests::table.find(manifest_id))
        .set((
            manifests::ocr_result.eq(&text.ocr_result),
            manifests::ocr_quality_score.eq(text.quality_score),
            manifests::ocr_processed_at.eq(text.processed_at),
            manifests::text_extractor_id.eq(text.extractor_id),
            manifests::page_count.eq(count(pages.len())),
            manifests::text_characters.eq(count(characters)),
            manifests::pages_settings_sha256.eq(&text.pages_settings_sha256),
        ))
        .prepared()
        .execute(connection)
        .await?;
    if changed == 1 { Ok(()) } else { Err(Error::NotFound) }
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Keeps the prompts of a job before its model is asked.
///
/// # Errors
/// When the query fails.
pub async fn store_prompts(
    connection: &mut AsyncPgConnection,
    attempt: Attempt,
    system: &str,
    user: &str,
) -> Result<()> {
    diesel::update(running(attempt))
        .set((jobs::system_prompt.eq(system), jobs::user_prompt.eq(user)))
        .prepared()
        .execute(connection)
        .await?;
    Ok(())
}

/// What a finished run leaves.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Outcome {
    pub manifest_status: String,
    pub extracted_data: Option<Value>,
    pub validation_results: Option<Value>,
    pub confidence: Option<f64>,
    pub approves: bool,
    pub text_cost_nano: i64,
    pub llm_cost_nano: i64,
    pub total_cost_nano: Option<i64>,
    pub currency: Option<String>,
    pub input_tokens: Option<i32>,
    pub output_tokens: Option<i32>,
    pub pages: i32,
    pub assistant_response: Option<String>,
}

/// Reads the data of the manifest that an attempt works on and keeps others from changing it, in the caller's transaction;
/// `None` when the attempt is not the running one.
///
/// # Errors
/// When a query fails.
pub async fn lock_data(connection: &mut AsyncPgConnection, attempt: Attempt) -> Result<Option<Option<Value>>> {
    // The job before its manifest, as those lock them who end a job.
    let job: Option<i32> = running(attempt).select(jobs::id).for_update().first(connection).await.optional()?;
    if job.is_none() {
        return Ok(None);
    }
    let rows = manifests::table.find(attempt.manifest_id).select(manifests::extracted_data);
    Ok(rows.for_no_key_update().first(connection).await.optional()?)
}

/// Ends a job well and writes its result, in the caller's transaction. `false` when the attempt is not the running one:
/// then nothing was changed.
///
/// # Errors
/// When the query fails.
pub async fn complete(
    connection: &mut AsyncPgConnection,
    attempt: Attempt,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<bool> {
    let changed = diesel::update(running(attempt))
        .set((
            jobs::status.eq("completed"),
            jobs::progress.eq(100_i16),
            jobs::completed_at.eq(now),
            jobs::error_message.eq(None::<String>),
            jobs::text_actual_cost_nano.eq(outcome.text_cost_nano),
            jobs::llm_actual_cost_nano.eq(outcome.llm_cost_nano),
            jobs::actual_cost_nano.eq(outcome.total_cost_nano),
            jobs::cost_currency.eq(&outcome.currency),
            jobs::llm_input_tokens.eq(outcome.input_tokens),
            jobs::llm_output_tokens.eq(outcome.output_tokens),
            jobs::pages_processed.eq(outcome.pages),
            jobs::assistant_response.eq(&outcome.assistant_response),
        ))
        .prepared()
        .execute(connection)
        .await?;
    if changed == 0 {
        return Ok(false);
    }
    let Some(data) = &outcome.extracted_data else {
        return Ok(true);
    };
    diesel::update(manifests::table.find(attempt.manifest_id))
        .set((
            manifests::status.eq(&outcome.manifest_status),
            manifests::extracted_data.eq(data),
            manifests::validation_results.eq(&outcome.validation_results),
            manifests::confidence.eq(outcome.confidence),
            // What a person verified was another extraction.
            manifests::human_verified.eq(outcome.approves),
            manifests::text_cost_nano.eq(outcome.text_cost_nano),
            manifests::llm_cost_nano.eq(outcome.llm_cost_nano),
            manifests::extraction_cost_nano.eq(outcome.total_cost_nano),
            manifests::extraction_cost_currency.eq(&outcome.currency),
        ))
        .prepared()
        .execute(connection)
        .await?;
    Ok(true)
}

/// Why a job failed.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Failure {
    pub message: String,
    pub code: String,
    pub stage: String,
}

/// Ends a job badly, in the caller's transaction; data of earlier runs stays. `false` as in [`complete`].
///
/// # Errors
/// When the query fails.
pub async fn fail(
    connection: &mut AsyncPgConnection,
    attempt: Attempt,
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<bool> {
    let changed = diesel::update(running(attempt))
        .set((
            jobs::status.eq("failed"),
            jobs::completed_at.eq(now),
            jobs::error_message.eq(&failure.message),
            jobs::error_code.eq(&failure.code),
            jobs::error_stage.eq(&failure.stage),
        ))
        .prepared()
        .execute(connection)
        .await?;
    if changed == 1 {
        diesel::sql_query(
            "update manifests m set status = 'failed' from jobs j
             where j.id = $1 and m.id = j.manifest_id and j.kind = 'extraction'",
        )
        .bind::<Integer, _>(attempt.job_id)
        .prepared()
        .execute(connection)
        .await?;
    }
    Ok(changed == 1)
}

/// Notes why an attempt failed that will be followed by another.
///
/// # Errors
/// When the query fails.
pub async fn note_failure(connection: &mut AsyncPgConnection, attempt: Attempt, failure: &Failure) -> Result<()> {
    diesel::update(running(attempt))
        .set((
            jobs::error_message.eq(&failure.message),
            jobs::error_code.eq(&failure.code),
            jobs::error_stage.eq(&failure.stage),
        ))
        .prepared()
        .execute(connection)
        .await?;
    Ok(())
}

/// Jobs that have not ended and were not touched since, oldest first; for the sweeper.
///
/// Those that wait for their budget are looked at now and then by whom they wait for, and must not fill the list.
///
/// # Errors
/// When the query fails.
pub async fn list_untouched(connection: &mut AsyncPgConnection, since: DateTime<Utc>, limit: i64) -> Result<Vec<Job>> {
    let is_lost = jobs::parked_nano.is_null().or(jobs::updated_at.lt(since - LONGEST_PARKED));
    Ok(jobs::table
        .filter(jobs::status.eq_any(["pending", "processing"]).and(jobs::updated_at.lt(since)))
        .filter(is_lost)
        .order(jobs::updated_at)
        .limit(limit)
        .select(Job::as_select())
        .load(connection)
        .await?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn running(attempt: Attempt) -> _ {
    let number: i32 = attempt.number;
    let id: i32 = attempt.job_id;
    let status: &'static str = "processing";
    jobs::table.filter(jobs::id.eq(id)).filter(jobs::attempt_count.eq(number)).filter(jobs::status.eq(status))
}
