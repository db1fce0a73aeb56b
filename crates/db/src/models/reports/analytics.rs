//! How the manifests of a project fare.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::schema::{groups, manifests, operation_logs};

/// How many manifests have text of some quality.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct QualityCount {
    /// `excellent` from 90 on, `good` from 70 on, `poor`, or `unknown` when nothing was read.
    #[diesel(sql_type = Text)]
    pub quality: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// Their average score, rounded; none when there are no scores.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub average: Option<i64>,
}

/// What became of the manifests of one day.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct DayCount {
    /// The day on which they were made.
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub total: i64,
    /// Those that are completed now.
    #[diesel(sql_type = BigInt)]
    pub completed: i64,
    /// Those that failed.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
}

/// Counts from which recommendations are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct Health {
    /// Recent manifests whose text has a score.
    #[diesel(sql_type = BigInt)]
    pub scored: i64,
    /// Those of them with a score below 70.
    #[diesel(sql_type = BigInt)]
    pub poor: i64,
    /// Recent manifests whose extraction has ended.
    #[diesel(sql_type = BigInt)]
    pub ended: i64,
    /// Those of them that failed.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
}

/// Counts the manifests of a project by their status.
///
/// # Errors
/// When the query fails.
pub async fn count_by_status(connection: &mut AsyncPgConnection, project_id: i32) -> Result<Vec<(String, i64)>> {
    Ok(manifests::table
        .inner_join(groups::table)
        .filter(groups::project_id.eq(project_id))
        .group_by(manifests::status)
        .order(manifests::status)
        .select((manifests::status, dsl::count_star()))
        .load(connection)
        .await?)
}

/// Counts the manifests of a project by the quality of their text, the best first.
///
/// # Errors
/// When the query fails.
pub async fn count_by_quality(connection: &mut AsyncPgConnection, project_id: i32) -> Result<Vec<QualityCount>> {
    Ok(diesel::sql_query(
        "select case when m.ocr_quality_score >= 90 then 'excellent' when m.ocr_quality_score >= 70 then 'good'
                     when m.ocr_quality_score is not null then 'poor' else 'unknown' end as quality,
                count(*) as count, round(avg(m.ocr_quality_score))::bigint as average
         from groups g join manifests m on m.group_id = g.id
         where g.project_id = $1
         group by 1 order by min(m.ocr_quality_score) desc nulls last",
    )
    .bind::<Integer, _>(project_id)
    .load(connection)
    .await?)
}

/// Counts the manifests of a project that were made since, by day.
///
/// # Errors
/// When the query fails.
pub async fn count_by_day(
    connection: &mut AsyncPgConnection,
    project_id: i32,
    since: DateTime<Utc>,
) -> Result<Vec<DayCount>> {
    Ok(diesel::sql_query(
        "select (m.created_at at time zone 'utc')::date as day, count(*) as total,
                count(*) filter (where m.status = 'completed') as completed,
                count(*) filter (where m.status = 'failed') as failed
         from groups g join manifests m on m.group_id = g.id
         where g.project_id = $1 and m.created_at >= $2
         group by 1 order by 1",
    )
    .bind::<Integer, _>(project_id)
    .bind::<Timestamptz, _>(since)
    .load(connection)
    .await?)
}

/// Counts what people did in a project since.
///
/// # Errors
/// When the query fails.
pub async fn count_operations(
    connection: &mut AsyncPgConnection,
    project_id: i32,
    since: DateTime<Utc>,
) -> Result<i64> {
    Ok(operation_logs::table
        .filter(operation_logs::project_id.eq(project_id).and(operation_logs::created_at.ge(since)))
        .count()
        .get_result(connection)
        .await?)
}

/// Counts how manifests that were made since fare.
///
/// # Errors
/// When the query fails.
pub async fn load_health(connection: &mut AsyncPgConnection, project_id: i32, since: DateTime<Utc>) -> Result<Health> {
    Ok(diesel::sql_query(
        "select count(m.ocr_quality_score) as scored,
                count(*) filter (where m.ocr_quality_score < 70) as poor,
                count(*) filter (where m.status in ('completed', 'partial', 'failed')) as ended,
                count(*) filter (where m.status = 'failed') as failed
         from groups g join manifests m on m.group_id = g.id
         where g.project_id = $1 and m.created_at >= $2",
    )
    .bind::<Integer, _>(project_id)
    .bind::<Timestamptz, _>(since)
    .get_result(connection)
    .await?)
}

/// Counts the manifests of a project that wait and were made before.
///
/// # Errors
/// When the query fails.
pub async fn count_waiting(connection: &mut AsyncPgConnection, project_id: i32, before: DateTime<Utc>) -> Result<i64> {
    Ok(manifests::table
        .inner_join(groups::table)
        .filter(groups::project_id.eq(project_id))
        .filter(manifests::status.eq("pending").and(manifests::created_at.le(before)))
        .count()
        .get_result(connection)
        .await?)
}
