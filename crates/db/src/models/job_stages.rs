//! Table `job_stages`: the checkpoints of jobs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::prepared::Prepare;
use crate::schema::job_stages;

/// A finished stage.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = job_stages, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct JobStage {
    pub job_id: i32,
    pub stage: String,
    pub attempt: i32,
    pub output: Value,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
}

/// Notes that a stage has finished; a later attempt's note replaces it.
///
/// # Errors
/// When the query fails.
pub async fn record(connection: &mut AsyncPgConnection, stage: &JobStage) -> Result<()> {
    diesel::insert_into(job_stages::table)
        .values(stage)
        .on_conflict((job_stages::job_id, job_stages::stage))
        .do_update()
        .set((
            job_stages::attempt.eq(stage.attempt),
            job_stages::output.eq(&stage.output),
            job_stages::started_at.eq(stage.started_at),
            job_stages::finished_at.eq(stage.finished_at),
        ))
        .prepared()
        .execute(connection)
        .await?;
    Ok(())
}

/// The finished stages of a job, in their order.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, job_id: i32) -> Result<Vec<JobStage>> {
    Ok(job_stages::table
        .filter(job_stages::job_id.eq(job_id))
        .order(job_stages::started_at)
        .select(JobStage::as_select())
        .load(connection)
        .await?)
}
