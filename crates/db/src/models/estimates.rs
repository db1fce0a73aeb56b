//! What is known of runs before they are made: documents, earlier runs, and what new jobs are thought to cost.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::error::Result;
use crate::models::jobs::request::Wish;

/// A manifest, and with what a run would read it and ask for its data.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Document {
    #[diesel(sql_type = Integer)]
    pub manifest_id: i32,
    #[diesel(sql_type = Integer)]
    pub project_id: i32,
    #[diesel(sql_type = BigInt)]
    pub file_size_bytes: i64,
    #[diesel(sql_type = Text)]
    pub content_type: String,
    #[diesel(sql_type = Nullable<Integer>)]
    pub page_count: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub text_characters: Option<i32>,
    /// Whether the pages are known as this extractor reads them, so that they cost nothing.
    #[diesel(sql_type = Bool)]
    pub is_read: bool,
    #[diesel(sql_type = SqlUuid)]
    pub llm_model_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub text_extractor_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub schema_id: Option<i32>,
}

/// What earlier runs with a schema and a model came to, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, QueryableByName)]
pub struct Experience {
    /// Tokens that were sent, those of corrections too.
    #[diesel(sql_type = BigInt)]
    pub input_tokens: i64,
    /// Tokens that came back.
    #[diesel(sql_type = BigInt)]
    pub output_tokens: i64,
    /// Characters of the prompts.
    #[diesel(sql_type = BigInt)]
    pub prompt_characters: i64,
    /// Pages.
    #[diesel(sql_type = BigInt)]
    pub pages: i64,
}

/// What a job is thought to cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEstimate {
    /// The job.
    pub job_id: i32,
    /// Its text.
    pub text_nano: i64,
    /// Its model.
    pub llm_nano: i64,
    /// Both, when they are paid in one currency.
    pub total_nano: Option<i64>,
}

/// Describes the documents that a wish names, in the order of the ids; what does not exist is left out.
///
/// # Errors
/// When the query fails.
pub async fn list_documents(
    connection: &mut AsyncPgConnection,
    manifest_ids: &[i32],
    wish: &Wish,
) -> Result<Vec<Document>> {
    Ok(diesel::sql_query(
        "with wanted as (
           select w.place, m.id as manifest_id, p.id as project_id, m.file_size_bytes, m.content_type, m.page_count,
                  m.text_characters, m.content_sha256, m.text_extractor_id as read_by, m.ocr_processed_at,
                  coalesce($2, p.llm_model_id) as llm_model_id, coalesce($3, p.text_extractor_id) as text_extractor_id,
                  p.default_schema_id as schema_id
           from unnest($1) with ordinality as w (id, place)
           join manifests m on m.id = w.id join groups g on g.id = m.group_id join projects p on p.id = g.project_id)
         select w.manifest_id, w.project_id, w.file_size_bytes, w.content_type, w.page_count, w.text_characters,
                $4 = 'extraction' and e.id is not null and exists (
                  select from page_cache c where c.file_sha256 = w.content_sha256) as is_read,
                w.llm_model_id, w.text_extractor_id, w.schema_id
         from wanted w
         -- Pages that were read before the extractor was changed are not known as it reads them now.
         left join extractors e
           on e.id = w.text_extractor_id and e.id = w.read_by and e.updated_at <= w.ocr_processed_at
         order by w.place",
    )
    .bind::<Array<Integer>, _>(manifest_ids)
    .bind::<Nullable<SqlUuid>, _>(wish.llm_model_id)
    .bind::<Nullable<SqlUuid>, _>(wish.text_extractor_id)
    .bind::<Text, _>(&wish.kind)
    .load(connection)
    .await?)
}

/// Adds up the last fifty whole runs with a schema and a model.
///
/// # Errors
/// When the query fails.
pub async fn load_experience(
    connection: &mut AsyncPgConnection,
    (project_id, schema_id, model_id): (i32, i32, Uuid),
) -> Result<Experience> {
    Ok(diesel::sql_query(
        "select coalesce(sum(llm_input_tokens), 0)::bigint as input_tokens,
                coalesce(sum(llm_output_tokens), 0)::bigint as output_tokens,
                coalesce(sum(characters), 0)::bigint as prompt_characters,
                coalesce(sum(pages_processed), 0)::bigint as pages
         from (select llm_input_tokens, llm_output_tokens, pages_processed,
                      coalesce(length(system_prompt), 0) + coalesce(length(user_prompt), 0) as characters
               from jobs
               where project_id = $1 and schema_id = $2 and llm_model_id = $3 and field_name is null
                 and kind = 'extraction' and status = 'completed' and pages_processed > 0 and llm_input_tokens > 0
               order by created_at desc limit 50) as runs",
    )
    .bind::<Integer, _>(project_id)
    .bind::<Integer, _>(schema_id)
    .bind::<SqlUuid, _>(model_id)
    .get_result(connection)
    .await?)
}

/// Keeps what jobs are thought to cost.
///
/// # Errors
/// When the query fails.
pub async fn store(connection: &mut AsyncPgConnection, estimates: &[JobEstimate]) -> Result<()> {
    let column = |value: fn(&JobEstimate) -> i64| estimates.iter().map(value).collect::<Vec<_>>();
    let ids: Vec<i32> = estimates.iter().map(|estimate| estimate.job_id).collect();
    let totals: Vec<Option<i64>> = estimates.iter().map(|estimate| estimate.total_nano).collect();
    diesel::sql_query(
        "update jobs set text_estimated_cost_nano = e.text, llm_estimated_cost_nano = e.llm, estimated_cost_nano = e.total
         from unnest($1, $2, $3, $4) as e (id, text, llm, total) where jobs.id = e.id",
    )
    .bind::<Array<Integer>, _>(ids)
    .bind::<Array<BigInt>, _>(column(|estimate| estimate.text_nano))
    .bind::<Array<BigInt>, _>(column(|estimate| estimate.llm_nano))
    .bind::<Array<Nullable<BigInt>>, _>(totals)
    .execute(connection)
    .await?;
    Ok(())
}
