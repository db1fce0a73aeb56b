//! Tables `budget_months` and `budget_reservations`: what projects may spend, have spent, and are about to spend.
//!
//! Before a call is paid the most that it may cost is reserved, in one statement that compares and adds under the lock of
//! the month's row: however many ask at once, what is spent and reserved together never exceeds the limit.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::models::runs::Attempt;
use crate::prepared::Prepare;
use crate::schema::{budget_months, jobs};

/// What is to be reserved for a call.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The job that pays.
    pub job_id: i32,
    /// The first day of the month that it is counted in.
    pub month: NaiveDate,
    /// The currency.
    pub currency: &'a str,
    /// The most that the call may cost; more than nothing.
    pub amount_nano: i64,
    /// When whoever reserved it must be taken for dead.
    pub expires_at: DateTime<Utc>,
}

/// What was reserved.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Reservation {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Integer)]
    pub project_id: i32,
    #[diesel(sql_type = Date)]
    pub month: NaiveDate,
    #[diesel(sql_type = Text)]
    pub currency: String,
}

/// Why there was no room.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Refusal {
    /// The limit.
    #[diesel(sql_type = BigInt)]
    pub limit_nano: i64,
    /// Its currency.
    #[diesel(sql_type = Text)]
    pub currency: String,
    /// What was spent in the month.
    #[diesel(sql_type = BigInt)]
    pub spent_nano: i64,
    /// What calls that are under way may cost.
    #[diesel(sql_type = BigInt)]
    pub reserved_nano: i64,
    /// Since when the job waits, if it does.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub parked_at: Option<DateTime<Utc>>,
}

/// A month of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Month {
    /// What was spent.
    pub spent_nano: i64,
    /// What calls that are under way may cost.
    pub reserved_nano: i64,
}

const RESERVE: &str = "
with project as (
  select p.id, p.budget_nano, p.budget_currency from jobs j join projects p on p.id = j.project_id where j.id = $1),
line as (
  insert into budget_months as m (project_id, month, currency, reserved_nano)
  select id, $2, $3, $4 from project where budget_nano is null or (budget_currency = $3 and budget_nano >= $4)
  on conflict (project_id, month, currency) do update set reserved_nano = m.reserved_nano + excluded.reserved_nano
    where (select budget_nano from project) is null
       or m.spent_nano + m.reserved_nano + excluded.reserved_nano <= (select budget_nano from project)
  returning m.project_id, m.month, m.currency)
insert into budget_reservations (project_id, month, currency, job_id, amount_nano, expires_at)
select project_id, month, currency, $1, $4, $5 from line
returning id, project_id, month, currency";

/// Reserves what a call may cost; `None` when there is no room for it. Projects without a budget always have room.
///
/// # Errors
/// When the query fails.
pub async fn reserve(connection: &mut AsyncPgConnection, wish: &Wish<'_>) -> Result<Option<Reservation>> {
    Ok(diesel::sql_query(RESERVE)
        .bind::<Integer, _>(wish.job_id)
        .bind::<Date, _>(wish.month)
        .bind::<Text, _>(wish.currency)
        .bind::<BigInt, _>(wish.amount_nano)
        .bind::<Timestamptz, _>(wish.expires_at)
        .prepared()
        .get_result(connection)
        .await
        .optional()?)
}

/// The budget that a job is bound to and what is left of it; `None` when it has none.
///
/// # Errors
/// When the query fails.
pub async fn find_of_job(connection: &mut AsyncPgConnection, job_id: i32, month: NaiveDate) -> Result<Option<Refusal>> {
    Ok(diesel::sql_query(
        "select p.budget_nano as limit_nano, p.budget_currency as currency, coalesce(m.spent_nano, 0) as spent_nano,
                coalesce(m.reserved_nano, 0) as reserved_nano, j.parked_at
         from jobs j join projects p on p.id = j.project_id
         left join budget_months m on (m.project_id, m.month, m.currency) = (p.id, $2, p.budget_currency)
         where j.id = $1 and p.budget_nano is not null",
    )
    .bind::<Integer, _>(job_id)
    .bind::<Date, _>(month)
    .prepared()
    .get_result(connection)
    .await
    .optional()?)
}

/// Ends a reservation with what the call did cost. One that was given up meanwhile is counted all the same: it was paid.
///
/// # Errors
/// When the query fails.
pub async fn settle(connection: &mut AsyncPgConnection, reservation: &Reservation, actual_nano: i64) -> Result<()> {
    diesel::sql_query(
        "with held as (delete from budget_reservations where id = $1 returning amount_nano)
         update budget_months
         set reserved_nano = greatest(reserved_nano - coalesce((select amount_nano from held), 0), 0),
             spent_nano = spent_nano + $5
         where (project_id, month, currency) = ($2, $3, $4)",
    )
    .bind::<BigInt, _>(reservation.id)
    .bind::<Integer, _>(reservation.project_id)
    .bind::<Date, _>(reservation.month)
    .bind::<Text, _>(&reservation.currency)
    .bind::<BigInt, _>(actual_nano)
    .prepared()
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives up what a job has reserved and not settled: between its attempts and at its end no call is under way.
///
/// # Errors
/// When the query fails.
pub async fn release_of_job(connection: &mut AsyncPgConnection, job_id: i32) -> Result<()> {
    diesel::sql_query(release("job_id = $1")).bind::<Integer, _>(job_id).prepared().execute(connection).await?;
    Ok(())
}

/// Gives up what dead workers have reserved; at most a thousand at a time.
///
/// # Errors
/// When the query fails.
pub async fn release_lost(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<()> {
    let lost = "id in (
        select r.id from budget_reservations r left join jobs j on j.id = r.job_id
        where r.expires_at < $1 or j.id is null or j.completed_at is not null
        order by r.id limit 1000 for update of r skip locked)";
    diesel::sql_query(release(lost)).bind::<Timestamptz, _>(now).prepared().execute(connection).await?;
    Ok(())
}

fn release(which: &str) -> String {
    format!(
        "with held as (delete from budget_reservations where {which} returning project_id, month, currency, amount_nano),
         sums as (select project_id, month, currency, sum(amount_nano)::bigint as amount from held group by 1, 2, 3)
         update budget_months m set reserved_nano = greatest(m.reserved_nano - s.amount, 0)
         from sums s where (m.project_id, m.month, m.currency) = (s.project_id, s.month, s.currency)"
    )
}

/// Lets a job wait for room: it is pending again, its manifest is what it was before, and both say why. `false` when the
/// attempt is not the running one; to be called in a transaction.
///
/// # Errors
/// When a query fails.
pub async fn park(
    connection: &mut AsyncPgConnection,
    attempt: Attempt,
    parked: &Parked,
    now: DateTime<Utc>,
) -> Result<bool> {
    let changed = diesel::sql_query(
        "update jobs set status = 'pending', parked_count = parked_count + 1, parked_nano = $3,
                parked_at = coalesce(parked_at, $4), error_message = $5, error_code = 'budget', error_stage = $6
         where id = $1 and attempt_count = $2 and status = 'processing'",
    )
    .bind::<Integer, _>(attempt.job_id)
    .bind::<Integer, _>(attempt.number)
    .bind::<BigInt, _>(parked.amount_nano)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(&parked.message)
    .bind::<Text, _>(&parked.stage)
    .prepared()
    .execute(connection)
    .await?;
    if changed == 0 {
        return Ok(false);
    }
    diesel::sql_query(
        "update manifests m set status = coalesce(j.previous_manifest_status, 'pending') from jobs j
         where j.id = $1 and m.id = j.manifest_id and m.status = 'processing'
           and not exists (select from jobs o where o.manifest_id = m.id and o.status = 'processing')",
    )
    .bind::<Integer, _>(attempt.job_id)
    .prepared()
    .execute(connection)
    .await?;
    Ok(true)
}

/// What a job waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The most that its call may cost.
    pub amount_nano: i64,
    /// Why it waits, in words for people.
    pub message: String,
    /// The stage that it waits before.
    pub stage: String,
}

/// Whether there is still no room for a job that waits for it; notes that somebody has looked. `None` lets it begin.
///
/// # Errors
/// When the query fails.
pub async fn find_still_parked(
    connection: &mut AsyncPgConnection,
    job_id: i32,
    month: NaiveDate,
) -> Result<Option<Refusal>> {
    Ok(diesel::sql_query(
        "update jobs j set updated_at = now()
         from projects p left join budget_months m on (m.project_id, m.month, m.currency) = (p.id, $2, p.budget_currency)
         where j.id = $1 and p.id = j.project_id and j.status = 'pending' and j.cancel_requested_at is null
           and coalesce(m.spent_nano, 0) + coalesce(m.reserved_nano, 0) + j.parked_nano > p.budget_nano
           and j.parked_nano <= p.budget_nano
         returning p.budget_nano as limit_nano, p.budget_currency as currency, coalesce(m.spent_nano, 0) as spent_nano,
                   coalesce(m.reserved_nano, 0) as reserved_nano, j.parked_at",
    )
    .bind::<Integer, _>(job_id)
    .bind::<Date, _>(month)
    .prepared()
    .get_result(connection)
    .await
    .optional()?)
}

/// The jobs of a project that wait for room, oldest first.
///
/// # Errors
/// When the query fails.
pub async fn list_parked(connection: &mut AsyncPgConnection, project_id: i32) -> Result<Vec<i32>> {
    Ok(jobs::table
        .filter(jobs::project_id.eq(project_id))
        .filter(is_parked())
        .order(jobs::id)
        .select(jobs::id)
        .load(connection)
        .await?)
}

/// Why jobs of these manifests wait for room: pairs of manifest and message.
///
/// # Errors
/// When the query fails.
pub async fn list_reasons(connection: &mut AsyncPgConnection, manifest_ids: &[i32]) -> Result<Vec<(i32, String)>> {
    if manifest_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(jobs::table
        .filter(jobs::manifest_id.eq_any(manifest_ids).and(jobs::error_message.is_not_null()))
        .filter(is_parked())
        .order(jobs::id.desc())
        .select((jobs::manifest_id, jobs::error_message.assume_not_null()))
        .load(connection)
        .await?)
}

/// Spelled out, so that the planner sees that the partial index holds what is asked for.
fn is_parked() -> diesel::expression::SqlLiteral<diesel::sql_types::Bool> {
    diesel::dsl::sql("(jobs.parked_nano is not null and jobs.status = 'pending')")
}

/// What projects have spent in a month in the currencies that are asked for; who has spent nothing is absent.
///
/// # Errors
/// When the query fails.
pub async fn list_months(
    connection: &mut AsyncPgConnection,
    project_ids: &[i32],
    month: NaiveDate,
) -> Result<HashMap<(i32, String), Month>> {
    let rows: Vec<(i32, String, i64, i64)> = budget_months::table
        .filter(budget_months::project_id.eq_any(project_ids).and(budget_months::month.eq(month)))
        .select((
            budget_months::project_id,
            budget_months::currency,
            budget_months::spent_nano,
            budget_months::reserved_nano,
        ))
        .load(connection)
        .await?;
    let months = rows.into_iter().map(|(project_id, currency, spent_nano, reserved_nano)| {
        ((project_id, currency), Month { spent_nano, reserved_nano })
    });
    Ok(months.collect())
}
