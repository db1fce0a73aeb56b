//! What completed jobs cost.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{Scope, TimeRange};
use crate::error::Result;

/// The jobs that were asked for on one day, read by one extractor, answered by one model and paid in one currency.
///
/// A job whose text was paid in another currency than its model is in two cells, each with its half of the job.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct JobCostCell {
    /// The day.
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    /// The currency; none when all of it was free.
    #[diesel(sql_type = Nullable<Text>)]
    pub currency: Option<String>,
    /// The model, if it still exists.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub model_id: Option<Uuid>,
    /// Its name.
    #[diesel(sql_type = Nullable<Text>)]
    pub model_name: Option<String>,
    /// The extractor, if it still exists.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub extractor_id: Option<Uuid>,
    /// Its name.
    #[diesel(sql_type = Nullable<Text>)]
    pub extractor_name: Option<String>,
    /// Whether these jobs have pages or a cost of text.
    #[diesel(sql_type = Bool)]
    pub has_text: bool,
    /// Whether these jobs have tokens or a cost of a model.
    #[diesel(sql_type = Bool)]
    pub has_llm: bool,
    /// How many jobs.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// How many of them no other cell counts here: adding these up counts each job once.
    #[diesel(sql_type = BigInt)]
    pub own_count: i64,
    /// What they cost together.
    #[diesel(sql_type = BigInt)]
    pub total_cost_nano: i64,
    /// What their text cost.
    #[diesel(sql_type = BigInt)]
    pub text_cost_nano: i64,
    /// What their model cost.
    #[diesel(sql_type = BigInt)]
    pub llm_cost_nano: i64,
    /// Pages.
    #[diesel(sql_type = BigInt)]
    pub pages: i64,
    /// Tokens sent.
    #[diesel(sql_type = BigInt)]
    pub input_tokens: i64,
    /// Tokens received.
    #[diesel(sql_type = BigInt)]
    pub output_tokens: i64,
}

// A job that cost something and names no currency was paid in two. Which ones stands in the extractor's prices and in the
// log of the model's calls.
const CELLS: &str = "
    with run as (
      select j.id, (j.created_at at time zone 'utc')::date as day, j.cost_currency as currency,
             j.llm_model_id as model_id, j.text_extractor_id as extractor_id,
             coalesce(j.text_actual_cost_nano, 0) as text, coalesce(j.llm_actual_cost_nano, 0) as llm,
             coalesce(j.actual_cost_nano, coalesce(j.text_actual_cost_nano, 0) + coalesce(j.llm_actual_cost_nano, 0)) as total,
             coalesce(j.pages_processed, 0) as pages,
             coalesce(j.llm_input_tokens, 0) as input, coalesce(j.llm_output_tokens, 0) as output
      from projects o join groups g on g.project_id = o.id join manifests m on m.group_id = g.id
        join jobs j on j.manifest_id = m.id
      where o.user_id = $1 and ($2 is null or o.id = $2) and j.status = 'completed'
        and j.created_at >= coalesce($3, '-infinity'::timestamptz)
        and j.created_at < coalesce($4, 'infinity'::timestamptz)
    ),
    part as (
      select day, currency, model_id, extractor_id, text, llm, total, pages, input, output, 1 as own
      from run where currency is not null or text = 0 or llm = 0
      union all
      select day, (select e.config #>> '{pricing,currency}' from extractors e where e.id = extractor_id),
             null, extractor_id, text, 0, text, pages, 0, 0, 1
      from run where currency is null and text > 0 and llm > 0
      union all
      select day, (select c.cost_currency from llm_calls c where c.job_id = run.id and c.cost_nano > 0 order by c.id desc limit 1),
             model_id, null, 0, llm, llm, 0, input, output, 0
      from run where currency is null and text > 0 and llm > 0
    ),
    cell as (
      select day, currency, model_id, extractor_id, pages > 0 or text > 0 as has_text,
             input > 0 or output > 0 or llm > 0 as has_llm, count(*) as count,
             sum(own)::bigint as own_count, least(sum(total), 9223372036854775807)::bigint as total_cost_nano,
             least(sum(text), 9223372036854775807)::bigint as text_cost_nano,
             least(sum(llm), 9223372036854775807)::bigint as llm_cost_nano,
             sum(pages)::bigint as pages, sum(input)::bigint as input_tokens, sum(output)::bigint as output_tokens
      from part group by 1, 2, 3, 4, 5, 6
    )
    select cell.*, l.name as model_name, e.name as extractor_name
    from cell left join models l on l.id = cell.model_id left join extractors e on e.id = cell.extractor_id
    order by day, currency, model_id, extractor_id, has_text, has_llm";

/// Adds up what completed jobs that were asked for in a span of time cost.
///
/// # Errors
/// When the query fails.
pub async fn list_cells(
    connection: &mut AsyncPgConnection,
    scope: Scope,
    range: TimeRange,
) -> Result<Vec<JobCostCell>> {
    Ok(diesel::sql_query(CELLS)
        .bind::<Integer, _>(scope.user_id)
        .bind::<Nullable<Integer>, _>(scope.project_id)
        .bind::<Nullable<Timestamptz>, _>(range.from)
        .bind::<Nullable<Timestamptz>, _>(range.until)
        .load(connection)
        .await?)
}
