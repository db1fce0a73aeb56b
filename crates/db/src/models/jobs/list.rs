//! Lists and counts of jobs.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Job, JobTexts};
use crate::error::Result;
use crate::schema::{jobs, manifests, models, prompts};

/// A job with the names of its manifest's file.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(check_for_backend(Pg))]
pub struct JobOfManifest {
    /// The job.
    #[diesel(embed)]
    pub job: Job,
    /// The name with its prefix.
    #[diesel(select_expression = manifests::filename)]
    pub filename: String,
    /// The user's own name.
    #[diesel(select_expression = manifests::original_filename)]
    pub original_filename: String,
}

/// A job with the names of the model and the prompt that it used.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(check_for_backend(Pg))]
pub struct JobWithNames {
    /// The job.
    #[diesel(embed)]
    pub job: Job,
    /// The model's name.
    #[diesel(select_expression = models::name.nullable())]
    pub model_name: Option<String>,
    /// The prompt's name.
    #[diesel(select_expression = prompts::name.nullable())]
    pub prompt_name: Option<String>,
}

/// A job with all that its history shows.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(check_for_backend(Pg))]
pub struct JobInDetail {
    /// The job and the names.
    #[diesel(embed)]
    pub named: JobWithNames,
    /// Prompts and answer.
    #[diesel(embed)]
    pub texts: JobTexts,
    /// The prompt's text.
    #[diesel(select_expression = prompts::content.nullable())]
    pub prompt_content: Option<String>,
}

/// Whose jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobScope {
    /// Everybody's.
    All,
    /// Those on manifests of projects that a user owns.
    OwnedBy(i32),
    /// Those on manifests of a project.
    Project(i32),
    /// Those of one manifest.
    Manifest(i32),
}

/// Lists jobs, newest first.
///
/// # Errors
/// When the query fails.
pub async fn list_recent(
    connection: &mut AsyncPgConnection,
    scope: JobScope,
    limit: i64,
) -> Result<Vec<JobOfManifest>> {
    let mut query = jobs::table
        .inner_join(manifests::table)
        .order((jobs::created_at.desc(), jobs::id.desc()))
        .limit(limit)
        .select(JobOfManifest::as_select())
        .into_boxed();
    match scope {
        JobScope::All => {}
        JobScope::OwnedBy(user) => query = query.filter(jobs::owner_id.eq(user)),
        JobScope::Project(project) => query = query.filter(jobs::project_id.eq(project)),
        JobScope::Manifest(manifest) => query = query.filter(jobs::manifest_id.eq(manifest)),
    }
    Ok(query.load(connection).await?)
}

/// Lists the jobs of a manifest, newest first; those of one kind when one is given.
///
/// # Errors
/// When the query fails.
pub async fn list_of_manifest(
    connection: &mut AsyncPgConnection,
    manifest_id: i32,
    kind: Option<&str>,
    limit: i64,
) -> Result<Vec<JobWithNames>> {
    let mut query = jobs::table
        .left_join(models::table)
        .left_join(prompts::table)
        .filter(jobs::manifest_id.eq(manifest_id))
        .order((jobs::created_at.desc(), jobs::id.desc()))
        .limit(limit)
        .select(JobWithNames::as_select())
        .into_boxed();
    if let Some(kind) = kind {
        query = query.filter(jobs::kind.eq(kind));
    }
    Ok(query.load(connection).await?)
}

/// Finds a job of a manifest with all that its history shows.
///
/// # Errors
/// When the query fails.
pub async fn find_in_detail(
    connection: &mut AsyncPgConnection,
    manifest_id: i32,
    id: i32,
) -> Result<Option<JobInDetail>> {
    Ok(jobs::table
        .left_join(models::table)
        .left_join(prompts::table)
        .filter(jobs::id.eq(id).and(jobs::manifest_id.eq(manifest_id)))
        .select(JobInDetail::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// Counts the jobs on manifests that a user owns: pairs of status and number.
///
/// # Errors
/// When the query fails.
pub async fn count_by_status(connection: &mut AsyncPgConnection, user_id: i32) -> Result<Vec<(String, i64)>> {
    Ok(jobs::table
        .filter(jobs::owner_id.eq(user_id))
        .group_by(jobs::status)
        .select((jobs::status, diesel::dsl::count_star()))
        .load(connection)
        .await?)
}

/// Which jobs an admin wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Those of one project.
    pub project_id: Option<i32>,
    /// Those in one of these statuses; all when empty.
    pub statuses: Vec<&'static str>,
    /// Those among these.
    pub ids: Option<Vec<i32>>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many to leave out.
    pub offset: i64,
    /// How many to take.
    pub limit: i64,
}

/// Lists everybody's jobs, newest first; answers one page and how many match in all.
///
/// # Errors
/// When the query fails.
pub async fn list_all(
    connection: &mut AsyncPgConnection,
    filter: &JobFilter,
    window: Window,
) -> Result<(Vec<Job>, i64)> {
    let total = filtered(filter).count().get_result(connection).await?;
    let page = filtered(filter)
        .order((jobs::created_at.desc(), jobs::id.desc()))
        .offset(window.offset)
        .limit(window.limit)
        .select(Job::as_select())
        .load(connection)
        .await?;
    Ok((page, total))
}

fn filtered(filter: &JobFilter) -> jobs::BoxedQuery<'_, Pg> {
    let mut query = jobs::table.into_boxed();
    if let Some(project) = filter.project_id {
        query = query.filter(jobs::project_id.eq(project));
    }
    if !filter.statuses.is_empty() {
        query = query.filter(jobs::status.eq_any(&filter.statuses));
    }
    if let Some(ids) = &filter.ids {
        query = query.filter(jobs::id.eq_any(ids));
    }
    query
}
