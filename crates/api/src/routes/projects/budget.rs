//! What a project may spend in a month.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::Serialize;
use sluice_core::{JobId, NanoAmount, ProjectId, QueueJobId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::budgets::{self, Month};
use sluice_db::models::projects::{Project, ProjectChanges};
use sluice_service::ErrorChain;
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Fields, Input};
use crate::state::AppState;

/// What projects have spent this month, by project and currency.
pub(crate) type Months = HashMap<(i32, String), Month>;

const PERIODS: &[&str] = &["month"];

/// What may be spent, and what was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BudgetDto {
    #[schema(value_type = f64)]
    amount: NanoAmount,
    currency: String,
    period: String,
    /// What was spent this month, by UTC.
    #[schema(value_type = f64)]
    spent: NanoAmount,
    /// What calls that are under way may cost.
    #[schema(value_type = f64)]
    reserved: NanoAmount,
    #[schema(value_type = f64)]
    remaining: NanoAmount,
}

/// A limit as it is asked for.
#[derive(Debug)]
pub(crate) struct BudgetForm {
    amount: NanoAmount,
    currency: String,
    period: String,
}

impl Input for BudgetForm {
    fn read(fields: &mut Fields) -> Self {
        let is_amount = |amount: &f64| *amount >= 0.0 && NanoAmount::from_f64(*amount).is_some();
        let amount = fields.number("amount").rule("min", is_amount).required();
        Self {
            amount: NanoAmount::from_f64(amount).unwrap_or_default(),
            currency: fields.string("currency").min_length(1).max_length(10).required(),
            period: fields.string("period").one_of(PERIODS).optional().unwrap_or_else(|| "month".to_owned()),
        }
    }
}

impl BudgetDto {
    pub(crate) fn new(project: &Project, months: &Months) -> Option<Self> {
        let amount = NanoAmount(project.budget_nano?);
        let currency = project.budget_currency.clone()?;
        let Month { spent_nano, reserved_nano } =
            months.get(&(project.id, currency.clone())).copied().unwrap_or_default();
        Some(Self {
            amount,
            currency,
            period: project.budget_period.clone().unwrap_or_default(),
            spent: NanoAmount(spent_nano),
            reserved: NanoAmount(reserved_nano),
            remaining: NanoAmount(amount.0.saturating_sub(spent_nano).saturating_sub(reserved_nano)),
        })
    }
}

impl BudgetDto {
    /// Whether an amount could still be spent.
    pub(crate) fn has_room(&self, currency: &str, amount: NanoAmount) -> bool {
        currency == self.currency && amount <= self.remaining
    }
}

/// Puts a limit, or that there is none, among the changes of a project.
pub(super) fn change(budget: Option<BudgetForm>, changes: &mut ProjectChanges) {
    let (amount, currency, period) = match budget {
        Some(BudgetForm { amount, currency, period }) => (Some(amount.0), Some(currency), Some(period)),
        None => (None, None, None),
    };
    changes.budget_nano = Some(amount);
    changes.budget_currency = Some(currency);
    changes.budget_period = Some(period);
}

/// What projects have spent in the month of a time.
pub(crate) async fn load_months(
    connection: &mut AsyncPgConnection,
    project_ids: &[i32],
    time: DateTime<Utc>,
) -> Result<Months> {
    Ok(budgets::list_months(connection, project_ids, month_of(time)).await?)
}

/// The first day of a time's month.
pub(crate) fn month_of(time: DateTime<Utc>) -> NaiveDate {
    let day = time.date_naive();
    day.with_day(1).unwrap_or(day)
}

/// Lets jobs that waited for room look again at once. A failure is logged: they look by themselves, only later.
pub(super) async fn wake(state: &AppState, connection: &mut AsyncPgConnection, project: ProjectId) -> Result<()> {
    let parked = budgets::list_parked(connection, project.0).await?;
    let jobs: Vec<QueueJobId> = parked.into_iter().map(|job| JobId(job).into()).collect();
    let (producer, count) = (state.producer.clone(), jobs.len());
    let waking = state.complete(async move {
        if let Err(error) = producer.hurry_all(&jobs).await {
            tracing::warn!(count, error = %ErrorChain(&error), "jobs that wait for a budget were not woken");
        }
        Ok(())
    });
    waking.await
}
