//! Canceling jobs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::Job;
use crate::error::Result;
use crate::prepared::Prepare;
use crate::schema::{jobs, manifests};

/// Which open jobs a cancellation may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endable {
    /// Those that no worker has begun.
    Pending,
    /// All that have not ended.
    Open,
}

/// Notes that somebody wants a job to be canceled; `None` when it has ended. Asking again keeps the first time.
///
/// # Errors
/// When the query fails.
pub async fn ask(
    connection: &mut AsyncPgConnection,
    id: i32,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Job>> {
    let first = diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>>(
        "coalesce(cancel_requested_at, ",
    )
    .bind::<diesel::sql_types::Timestamptz, _>(now)
    .sql(")");
    Ok(diesel::update(jobs::table.filter(jobs::id.eq(id).and(jobs::completed_at.is_null())))
        .set((jobs::cancel_requested_at.eq(first), jobs::cancel_reason.eq(reason)))
        .returning(Job::as_returning())
        .prepared()
        .get_result(connection)
        .await
        .optional()?)
}

/// Ends a job as canceled and gives its manifest the status back that it had; to be called in a transaction.
///
/// Answers the job and the manifest's status, or `None` when the job has ended or is past what may be ended.
///
/// # Errors
/// When the query fails.
pub async fn end(
    connection: &mut AsyncPgConnection,
    id: i32,
    error: &str,
    endable: Endable,
    now: DateTime<Utc>,
) -> Result<Option<(Job, String)>> {
    let statuses: &[&str] = match endable {
        Endable::Pending => &["pending"],
        Endable::Open => &["pending", "processing"],
    };
    let job: Option<Job> = diesel::update(jobs::table.filter(jobs::id.eq(id).and(jobs::status.eq_any(statuses))))
        .set((
            jobs::status.eq("canceled"),
            jobs::error_message.eq(error),
            jobs::canceled_at.eq(now),
            jobs::completed_at.eq(now),
        ))
        .returning(Job::as_returning())
        .prepared()
        .get_result(connection)
        .await
        .optional()?;
    let Some(job) = job else {
        return Ok(None);
    };
    let others_run = diesel::dsl::exists(
        jobs::table.filter(jobs::manifest_id.eq(job.manifest_id).and(jobs::status.eq("processing"))),
    );
    let previous = job.previous_manifest_status.as_deref().unwrap_or("pending");
    diesel::update(manifests::table.filter(
        manifests::id.eq(job.manifest_id).and(manifests::status.eq("processing")).and(diesel::dsl::not(others_run)),
    ))
    .set(manifests::status.eq(previous))
    .prepared()
    .execute(connection)
    .await?;
    let status = manifests::table.find(job.manifest_id).select(manifests::status).first(connection).await?;
    Ok(Some((job, status)))
}
