//! Completed jobs one by one, with their costs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Scope, TimeRange};
use crate::error::Result;
use crate::schema::{groups, jobs, manifests, projects};

/// What a completed job cost.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct JobCost {
    pub id: i32,
    pub manifest_id: i32,
    #[diesel(select_expression = manifests::filename)]
    pub filename: String,
    pub pages_processed: Option<i32>,
    pub estimated_cost_nano: Option<i64>,
    pub actual_cost_nano: Option<i64>,
    pub text_estimated_cost_nano: Option<i64>,
    pub text_actual_cost_nano: Option<i64>,
    pub llm_estimated_cost_nano: Option<i64>,
    pub llm_actual_cost_nano: Option<i64>,
    pub cost_currency: Option<String>,
    pub llm_input_tokens: Option<i32>,
    pub llm_output_tokens: Option<i32>,
    pub created_at: DateTime<Utc>,
}

/// Lists the completed jobs that were asked for in a span of time, newest first.
///
/// # Errors
/// When the query fails.
pub async fn list_completed(
    connection: &mut AsyncPgConnection,
    scope: Scope,
    range: TimeRange,
    limit: i64,
) -> Result<Vec<JobCost>> {
    let mut query = jobs::table
        .inner_join(manifests::table.inner_join(groups::table.inner_join(projects::table)))
        .filter(projects::user_id.eq(scope.user_id).and(jobs::status.eq("completed")))
        .order((jobs::created_at.desc(), jobs::id.desc()))
        .limit(limit)
        .select(JobCost::as_select())
        .into_boxed();
    if let Some(project_id) = scope.project_id {
        query = query.filter(projects::id.eq(project_id));
    }
    if let Some(from) = range.from {
        query = query.filter(jobs::created_at.ge(from));
    }
    if let Some(until) = range.until {
        query = query.filter(jobs::created_at.lt(until));
    }
    Ok(query.load(connection).await?)
}

/// Lists the completed jobs of a user's projects whose cost was estimated before and is known now, newest first.
///
/// # Errors
/// When the query fails.
pub async fn list_estimated(connection: &mut AsyncPgConnection, user_id: i32, limit: i64) -> Result<Vec<JobCost>> {
    Ok(jobs::table
        .inner_join(manifests::table.inner_join(groups::table.inner_join(projects::table)))
        .filter(projects::user_id.eq(user_id).and(jobs::status.eq("completed")))
        .filter(jobs::estimated_cost_nano.is_not_null().and(jobs::actual_cost_nano.is_not_null()))
        .order((jobs::created_at.desc(), jobs::id.desc()))
        .limit(limit)
        .select(JobCost::as_select())
        .load(connection)
        .await?)
}
