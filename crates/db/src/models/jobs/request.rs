//! Jobs that people ask for.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Job, NewJob};
use crate::error::Result;
use crate::models::manifests;
use crate::schema::{jobs, prompts};

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Requested {
    /// A row was made; its queue job is to be added.
    Made(Job),
    /// An open job does the same already.
    Open(Job),
}

/// Makes a job unless an open one does the same; to be called in a transaction.
///
/// The manifest is locked, so that two clicks at the same time make one job.
///
/// # Errors
/// `NotFound` when there is no such manifest, `Reference` when something that the job points to does not exist.
pub async fn request(connection: &mut AsyncPgConnection, mut job: NewJob) -> Result<Requested> {
    let manifest = manifests::edit::lock(connection, job.manifest_id).await?;
    let open = list_open(connection, job.manifest_id).await?;
    if let Some(same) = open.iter().find(|open| is_same(open, &job)) {
        return Ok(Requested::Open(same.clone()));
    }
    // While another job runs, what it would give back is what this one would.
    job.previous_manifest_status = match manifest.status.as_str() {
        "processing" => open.into_iter().find_map(|open| open.previous_manifest_status),
        status => Some(status.to_owned()),
    };
    Ok(Requested::Made(super::insert(connection, &job).await?))
}

/// Lists the jobs of a manifest that have not ended, oldest first.
///
/// # Errors
/// When the query fails.
pub async fn list_open(connection: &mut AsyncPgConnection, manifest_id: i32) -> Result<Vec<Job>> {
    Ok(jobs::table
        .filter(jobs::manifest_id.eq(manifest_id).and(jobs::status.eq_any(["pending", "processing"])))
        .order(jobs::id)
        .select(Job::as_select())
        .load(connection)
        .await?)
}

fn is_same(open: &Job, job: &NewJob) -> bool {
    open.cancel_requested_at.is_none()
        && open.kind == job.kind
        && open.schema_id == job.schema_id
        && open.schema_version == job.schema_version
        && open.llm_model_id == job.llm_model_id
        && open.text_extractor_id == job.text_extractor_id
        && open.prompt_id == job.prompt_id
        && open.field_name == job.field_name
}

/// Whether there is a prompt with this key.
///
/// # Errors
/// When the query fails.
pub async fn prompt_exists(connection: &mut AsyncPgConnection, id: i32) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(prompts::table.find(id))).get_result(connection).await?)
}
