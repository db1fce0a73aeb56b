//! Jobs that people ask for.

use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::Job;
use crate::error::Result;
use crate::schema::{groups, jobs, manifests, prompts};

/// What is asked for. A model or an extractor that is not named is that of the manifest's project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Wish {
    pub kind: String,
    pub user_id: Option<i32>,
    pub request_id: Option<String>,
    pub llm_model_id: Option<Uuid>,
    pub text_extractor_id: Option<Uuid>,
    pub prompt_id: Option<i32>,
    pub field_name: Option<String>,
}

/// The job that answers a wish for one manifest.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Requested {
    /// The manifest.
    #[diesel(sql_type = Integer)]
    pub manifest_id: i32,
    /// The job.
    #[diesel(sql_type = Integer)]
    pub job_id: i32,
    /// Whether its row was made now, so that its queue job is to be added. Else an open job does the same already.
    #[diesel(sql_type = Bool)]
    pub is_new: bool,
    /// The highest number that an event of the manifest had.
    #[diesel(sql_type = BigInt)]
    pub last_event_number: i64,
}

/// What the job of a wish would be, per manifest, what is open already, and what is made of both.
const REQUEST: &str = "
with wanted as (
  select w.place, m.id as manifest_id, m.status, m.last_event_number, s.id as schema_id, s.schema_version,
         case when $2 = 'extraction' then coalesce($5, p.llm_model_id) end as llm_model_id,
         coalesce($6, p.text_extractor_id) as text_extractor_id
  from unnest($1) with ordinality as w (id, place)
  join manifests m on m.id = w.id join groups g on g.id = m.group_id join projects p on p.id = g.project_id
  left join schemas s on s.id = p.default_schema_id and $2 = 'extraction'),
open as (
  select id, manifest_id, kind, schema_id, schema_version, llm_model_id, text_extractor_id, prompt_id, field_name,
         cancel_requested_at, previous_manifest_status
  from jobs where manifest_id = any($1) and status in ('pending', 'processing')),
same as (
  select distinct on (o.manifest_id) o.manifest_id, o.id
  from open o join wanted w on w.manifest_id = o.manifest_id
  where o.cancel_requested_at is null and o.kind = $2
    and (o.schema_id, o.schema_version, o.llm_model_id, o.text_extractor_id, o.prompt_id, o.field_name)
        is not distinct from (w.schema_id, w.schema_version, w.llm_model_id, w.text_extractor_id, $7, $8)
  order by o.manifest_id, o.id),
-- While another job runs, what it would give back is what this one would.
earlier as (
  select distinct on (manifest_id) manifest_id, previous_manifest_status
  from open where previous_manifest_status is not null order by manifest_id, id),
made as (
  insert into jobs (manifest_id, kind, user_id, request_id, schema_id, schema_version, llm_model_id, text_extractor_id,
                    prompt_id, field_name, previous_manifest_status)
  select w.manifest_id, $2, $3, $4, w.schema_id, w.schema_version, w.llm_model_id, w.text_extractor_id, $7, $8,
         case w.status when 'processing' then e.previous_manifest_status else w.status end
  from wanted w left join earlier e on e.manifest_id = w.manifest_id
  where not exists (select from same where same.manifest_id = w.manifest_id)
  order by w.place
  returning id, manifest_id)
select w.manifest_id, coalesce(made.id, same.id) as job_id, made.id is not null as is_new, w.last_event_number
from wanted w left join made on made.manifest_id = w.manifest_id left join same on same.manifest_id = w.manifest_id
order by w.place";

/// Makes a job for each of some manifests, unless an open one does the same; to be called in a transaction.
///
/// Answers them in the order of the manifests; one that does not exist is left out. The manifests are locked, so that two
/// clicks at the same time make one job. No manifest may be named twice.
///
/// # Errors
/// `Reference` when something that the jobs point to does not exist.
pub async fn request(connection: &mut AsyncPgConnection, manifest_ids: &[i32], wish: &Wish) -> Result<Vec<Requested>> {
    // In a statement of its own: the next one then sees what those who held the locks have made.
    manifests::table
        .filter(manifests::id.eq_any(manifest_ids))
        .order(manifests::id)
        .select(manifests::id)
        .for_no_key_update()
        .load::<i32>(connection)
        .await?;
    Ok(diesel::sql_query(REQUEST)
        .bind::<Array<Integer>, _>(manifest_ids)
        .bind::<Text, _>(&wish.kind)
        .bind::<Nullable<Integer>, _>(wish.user_id)
        .bind::<Nullable<Text>, _>(&wish.request_id)
        .bind::<Nullable<SqlUuid>, _>(wish.llm_model_id)
        .bind::<Nullable<SqlUuid>, _>(wish.text_extractor_id)
        .bind::<Nullable<Integer>, _>(wish.prompt_id)
        .bind::<Nullable<Text>, _>(&wish.field_name)
        .load(connection)
        .await?)
}

/// Lists the jobs of a manifest that have not ended, oldest first.
///
/// # Errors
/// When the query fails.
pub async fn list_open(connection: &mut AsyncPgConnection, manifest_id: i32) -> Result<Vec<Job>> {
    Ok(jobs::table
        .filter(jobs::manifest_id.eq(manifest_id).and(is_open()))
        .order(jobs::id)
        .select(Job::as_select())
        .load(connection)
        .await?)
}

/// Lists the keys of a project's jobs that have not ended.
///
/// # Errors
/// When the query fails.
pub async fn list_open_of_project(connection: &mut AsyncPgConnection, project_id: i32) -> Result<Vec<i32>> {
    Ok(jobs::table.filter(jobs::project_id.eq(project_id).and(is_open())).select(jobs::id).load(connection).await?)
}

/// Lists the keys of a group's jobs that have not ended.
///
/// # Errors
/// When the query fails.
pub async fn list_open_of_group(connection: &mut AsyncPgConnection, group_id: i32) -> Result<Vec<i32>> {
    let project = groups::table.filter(groups::id.eq(group_id)).select(groups::project_id);
    Ok(jobs::table
        .inner_join(manifests::table)
        .filter(jobs::project_id.eq_any(project).and(manifests::group_id.eq(group_id)))
        .filter(is_open())
        .select(jobs::id)
        .load(connection)
        .await?)
}

/// Spelled out, not bound, so that the planner sees that the partial indexes hold what is asked for.
fn is_open() -> SqlLiteral<Bool> {
    diesel::dsl::sql("jobs.status in ('pending', 'processing')")
}

/// Whether there is a prompt with this key.
///
/// # Errors
/// When the query fails.
pub async fn prompt_exists(connection: &mut AsyncPgConnection, id: i32) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(prompts::table.find(id))).get_result(connection).await?)
}
