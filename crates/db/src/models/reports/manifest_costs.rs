//! What the last extractions of manifests cost.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{Scope, TimeRange};
use crate::error::Result;

/// The manifests that were made on one day in one project, read by one extractor and paid in one currency.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ManifestCostCell {
    /// The day.
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    /// The project.
    #[diesel(sql_type = Integer)]
    pub project_id: i32,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub project_name: String,
    /// The extractor, if it still exists.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub extractor_id: Option<Uuid>,
    /// Its name.
    #[diesel(sql_type = Nullable<Text>)]
    pub extractor_name: Option<String>,
    /// The currency; none when all of it was free.
    #[diesel(sql_type = Nullable<Text>)]
    pub currency: Option<String>,
    /// How many manifests.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// What their text and their model cost together.
    #[diesel(sql_type = BigInt)]
    pub cost_nano: i64,
}

// A parameter that is null folds away when the query is planned. The sum stays at the limit instead of failing.
const CELLS: &str = "
    select c.day, c.project_id, p.name as project_name, c.extractor_id, e.name as extractor_name,
           c.currency, c.count, c.cost_nano
    from (
      select (m.created_at at time zone 'utc')::date as day, g.project_id, m.text_extractor_id as extractor_id,
             m.extraction_cost_currency as currency, count(*) as count,
             least(sum(m.extraction_cost_nano), 9223372036854775807)::bigint as cost_nano
      from projects o join groups g on g.project_id = o.id join manifests m on m.group_id = g.id
      where o.user_id = $1 and ($2 is null or o.id = $2) and ($3 is null or m.text_extractor_id = any($3))
        and m.extraction_cost_nano is not null
        and m.created_at >= coalesce($4, '-infinity'::timestamptz)
        and m.created_at < coalesce($5, 'infinity'::timestamptz)
      group by 1, 2, 3, 4
    ) c
    join projects p on p.id = c.project_id
    left join extractors e on e.id = c.extractor_id
    order by c.day, c.project_id, c.extractor_id, c.currency";

/// Adds up what manifests that were made in a span of time cost, those that some extractors read when these are given.
/// Manifests whose cost is not known, or was paid in two currencies, are left out.
///
/// # Errors
/// When the query fails.
pub async fn list_cells(
    connection: &mut AsyncPgConnection,
    scope: Scope,
    extractor_ids: Option<&[Uuid]>,
    range: TimeRange,
) -> Result<Vec<ManifestCostCell>> {
    Ok(diesel::sql_query(CELLS)
        .bind::<Integer, _>(scope.user_id)
        .bind::<Nullable<Integer>, _>(scope.project_id)
        .bind::<Nullable<Array<SqlUuid>>, _>(extractor_ids)
        .bind::<Nullable<Timestamptz>, _>(range.from)
        .bind::<Nullable<Timestamptz>, _>(range.until)
        .load(connection)
        .await?)
}
