//! Jobs as clients see them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sluice_core::NanoAmount;
use sluice_db::models::jobs::Job;
use sluice_db::models::jobs::list::{JobInDetail, JobOfManifest, JobWithNames};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::routes::manifests::CitationDto;
use crate::wire;

/// A job in the list of all manifests' jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobHistory {
    #[schema(value_type = Option<f64>)]
    estimated_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    actual_cost: Option<NanoAmount>,
    currency: Option<String>,
    id: i32,
    manifest_id: i32,
    manifest_filename: Option<String>,
    manifest_original_filename: Option<String>,
    kind: String,
    status: &'static str,
    llm_model_id: Option<Uuid>,
    prompt_id: Option<i32>,
    queue_job_id: String,
    progress: i16,
    error: Option<String>,
    attempt_count: i32,
    #[serde(serialize_with = "wire::optional_time")]
    started_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "wire::optional_time")]
    completed_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
}

impl From<JobOfManifest> for JobHistory {
    fn from(row: JobOfManifest) -> Self {
        let job = row.job;
        Self {
            estimated_cost: job.estimated_cost_nano.map(NanoAmount),
            actual_cost: job.actual_cost_nano.map(NanoAmount),
            currency: job.cost_currency,
            id: job.id,
            manifest_id: job.manifest_id,
            manifest_filename: Some(row.filename),
            manifest_original_filename: Some(row.original_filename),
            // This list knows no word for canceled jobs: they failed, and their error says why.
            status: match job.status.as_str() {
                "pending" => "pending",
                "processing" => "processing",
                "completed" => "completed",
                _ => "failed",
            },
            kind: job.kind,
            llm_model_id: job.llm_model_id,
            prompt_id: job.prompt_id,
            queue_job_id: job.queue_job_id,
            progress: job.progress,
            error: job.error_message,
            attempt_count: retries(job.attempt_count, job.parked_count),
            started_at: job.started_at,
            completed_at: job.completed_at,
            created_at: job.created_at,
        }
    }
}

/// When a job was what; the same in both histories of a manifest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Course {
    attempt_count: i32,
    error: Option<String>,
    cancel_reason: Option<String>,
    #[serde(serialize_with = "wire::optional_time")]
    cancel_requested_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "wire::optional_time")]
    canceled_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::optional_time")]
    started_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "wire::optional_time")]
    completed_at: Option<DateTime<Utc>>,
    duration_ms: Option<i64>,
}

impl From<&Job> for Course {
    fn from(job: &Job) -> Self {
        Self {
            attempt_count: retries(job.attempt_count, job.parked_count),
            error: job.error_message.clone(),
            cancel_reason: job.cancel_reason.clone(),
            cancel_requested_at: job.cancel_requested_at,
            canceled_at: job.canceled_at,
            created_at: job.created_at,
            started_at: job.started_at,
            completed_at: job.completed_at,
            duration_ms: job
                .started_at
                .zip(job.completed_at)
                .map(|(started, completed)| (completed - started).num_milliseconds()),
        }
    }
}

/// A job in the history of its manifest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryEntry {
    job_id: i32,
    queue_job_id: String,
    status: &'static str,
    schema_id: Option<i32>,
    schema_version: Option<String>,
    llm_model_id: Option<Uuid>,
    llm_model_name: Option<String>,
    prompt_id: Option<i32>,
    prompt_name: Option<String>,
    field_name: Option<String>,
    #[schema(value_type = Option<f64>)]
    estimated_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    actual_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    text_estimated_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    text_actual_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    llm_estimated_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    llm_actual_cost: Option<NanoAmount>,
    currency: Option<String>,
    llm_input_tokens: Option<i32>,
    llm_output_tokens: Option<i32>,
    pages_processed: Option<i32>,
    #[serde(flatten)]
    course: Course,
}

impl From<JobWithNames> for HistoryEntry {
    fn from(row: JobWithNames) -> Self {
        let course = Course::from(&row.job);
        let job = row.job;
        Self {
            job_id: job.id,
            status: status_of(&job),
            queue_job_id: job.queue_job_id,
            schema_id: job.schema_id,
            schema_version: job.schema_version,
            llm_model_id: job.llm_model_id,
            llm_model_name: row.model_name,
            prompt_id: job.prompt_id,
            prompt_name: row.prompt_name,
            field_name: job.field_name,
            estimated_cost: job.estimated_cost_nano.map(NanoAmount),
            actual_cost: job.actual_cost_nano.map(NanoAmount),
            text_estimated_cost: job.text_estimated_cost_nano.map(NanoAmount),
            text_actual_cost: job.text_actual_cost_nano.map(NanoAmount),
            llm_estimated_cost: job.llm_estimated_cost_nano.map(NanoAmount),
            llm_actual_cost: job.llm_actual_cost_nano.map(NanoAmount),
            currency: job.cost_currency,
            llm_input_tokens: job.llm_input_tokens,
            llm_output_tokens: job.llm_output_tokens,
            pages_processed: job.pages_processed,
            course,
        }
    }
}

/// A job of the history with its prompts and the answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryEntryInDetail {
    #[serde(flatten)]
    entry: HistoryEntry,
    system_prompt: Option<String>,
    user_prompt: Option<String>,
    assistant_response: Option<String>,
    prompt_template_content: Option<String>,
    /// Where the values are printed that this job found and that were not replaced since.
    citations: Vec<CitationDto>,
}

impl HistoryEntryInDetail {
    pub(crate) fn new(row: JobInDetail, citations: Vec<CitationDto>) -> Self {
        Self {
            entry: row.named.into(),
            system_prompt: row.texts.system_prompt,
            user_prompt: row.texts.user_prompt,
            assistant_response: row.texts.assistant_response,
            prompt_template_content: row.prompt_content,
            citations,
        }
    }
}

/// A job that only reads text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OcrHistoryEntry {
    job_id: i32,
    queue_job_id: String,
    status: &'static str,
    #[serde(flatten)]
    course: Course,
}

impl From<JobWithNames> for OcrHistoryEntry {
    fn from(row: JobWithNames) -> Self {
        Self {
            job_id: row.job.id,
            status: status_of(&row.job),
            course: Course::from(&row.job),
            queue_job_id: row.job.queue_job_id,
        }
    }
}

/// A job as admins see it, in the words of the queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobDto {
    id: String,
    status: &'static str,
    progress: i16,
    data: JobDataDto,
    /// What came of it, when it ended well; its text and its data stand in the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    result: Option<JobResultDto>,
    /// Why it ended otherwise, or what its last attempt failed of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
}

/// What a job shall do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct JobDataDto {
    manifest_id: i32,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    llm_model_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    text_extractor_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    prompt_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field_name: Option<String>,
}

/// What came of a job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct JobResultDto {
    #[schema(value_type = Option<f64>)]
    cost: Option<NanoAmount>,
    currency: Option<String>,
    pages_processed: Option<i32>,
    llm_input_tokens: Option<i32>,
    llm_output_tokens: Option<i32>,
}

impl JobDto {
    pub(crate) fn new(job: Job, status: &'static str) -> Self {
        Self {
            status,
            progress: job.progress,
            result: (job.status == "completed").then(|| JobResultDto {
                cost: job.actual_cost_nano.map(NanoAmount),
                currency: job.cost_currency,
                pages_processed: job.pages_processed,
                llm_input_tokens: job.llm_input_tokens,
                llm_output_tokens: job.llm_output_tokens,
            }),
            error: job.error_message,
            data: JobDataDto {
                manifest_id: job.manifest_id,
                kind: job.kind,
                llm_model_id: job.llm_model_id,
                text_extractor_id: job.text_extractor_id,
                prompt_id: job.prompt_id,
                field_name: job.field_name,
            },
            id: job.queue_job_id,
        }
    }
}

/// The error of a canceled job.
pub(crate) fn canceled_error(reason: Option<&str>) -> String {
    reason.map_or_else(|| "Canceled".to_owned(), |reason| format!("Canceled: {reason}"))
}

fn status_of(job: &Job) -> &'static str {
    match job.status.as_str() {
        "pending" => "pending",
        "processing" => "running",
        "completed" => "completed",
        "canceled" => "canceled",
        _ => "failed",
    }
}

/// Clients know the number of attempts before the last one; those that found no room in the budget are not counted.
fn retries(attempts: i32, parked: i32) -> i32 {
    (attempts - parked - 1).max(0)
}
