//! How much of a budget is used.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sluice_core::NanoAmount;
use sluice_db::models::projects::Project;
use utoipa::ToSchema;

use crate::figures::Paid;
use crate::routes::projects::budget::Months;
use crate::wire;

/// A month's budget of who has chosen none, in whichever currency is paid, as in the original.
const BUDGET: NanoAmount = NanoAmount(100_000_000_000);

/// How much of the budget of a month is used.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BudgetAlert {
    user_id: i32,
    /// 0 stands for all projects together.
    project_id: i32,
    #[schema(value_type = f64)]
    budget: NanoAmount,
    #[schema(value_type = f64)]
    spent: NanoAmount,
    #[schema(value_type = f64)]
    remaining: NanoAmount,
    #[schema(value_type = f64)]
    percentage_used: NanoAmount,
    /// Null when nothing was paid.
    currency: Option<String>,
    alert_level: AlertLevel,
    #[serde(serialize_with = "wire::time")]
    timestamp: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum AlertLevel {
    /// Less than 80 %.
    Warning,
    Critical,
    /// 100 % and more.
    Exceeded,
}

impl BudgetAlert {
    /// Those of the projects that have chosen a budget.
    pub(super) fn list_chosen(projects: &[Project], months: &Months, now: DateTime<Utc>) -> Vec<Self> {
        let alerts = projects.iter().filter_map(|project| {
            let budget = NanoAmount(project.budget_nano?);
            let currency = project.budget_currency.as_ref()?;
            let month = months.get(&(project.id, currency.clone())).copied().unwrap_or_default();
            let percentage_used = percentage(NanoAmount(month.spent_nano), budget);
            Some(Self {
                user_id: project.user_id,
                project_id: project.id,
                budget,
                spent: NanoAmount(month.spent_nano),
                remaining: NanoAmount(budget.0.saturating_sub(month.spent_nano)),
                percentage_used,
                currency: Some(currency.clone()),
                alert_level: AlertLevel::of(percentage_used),
                timestamp: now,
            })
        });
        alerts.collect()
    }

    /// One for each currency that was paid, and one when none was.
    pub(super) fn list(user_id: i32, project_id: i32, spent: &Paid<NanoAmount>, now: DateTime<Utc>) -> Vec<Self> {
        let alert = |currency: Option<&str>, spent| Self {
            user_id,
            project_id,
            budget: BUDGET,
            spent,
            remaining: NanoAmount(BUDGET.0.saturating_sub(spent.0)),
            percentage_used: percentage(spent, BUDGET),
            currency: currency.map(str::to_owned),
            alert_level: AlertLevel::of(percentage(spent, BUDGET)),
            timestamp: now,
        };
        match spent {
            Paid::Nothing => vec![alert(None, NanoAmount::ZERO)],
            Paid::Once(currency, sum) => vec![alert(Some(currency), *sum)],
            Paid::Variously(sums) => sums.iter().map(|(currency, sum)| alert(Some(currency), *sum)).collect(),
        }
    }
}

impl AlertLevel {
    fn of(percentage: NanoAmount) -> Self {
        const PERCENT: i64 = 1_000_000_000;
        match percentage.0 {
            used if used >= 100 * PERCENT => Self::Exceeded,
            used if used >= 80 * PERCENT => Self::Critical,
            _ => Self::Warning,
        }
    }
}

/// How many percent of a budget an amount is; of none all is used up.
fn percentage(spent: NanoAmount, budget: NanoAmount) -> NanoAmount {
    const PERCENT: i128 = 1_000_000_000;
    let percentage = (i128::from(spent.0) * 100 * PERCENT).checked_div(i128::from(budget.0)).unwrap_or(100 * PERCENT);
    NanoAmount(i64::try_from(percentage).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_has_a_budget_of_its_own() {
        let spent = [("EUR", 79.9), ("GBP", 80.0), ("USD", 100.5)];
        let spent = spent.map(|(currency, sum)| (currency.to_owned(), NanoAmount::from_f64(sum).unwrap()));
        let alerts = BudgetAlert::list(1, 2, &Paid::Variously(spent.to_vec()), DateTime::UNIX_EPOCH);
        let levels: Vec<_> = alerts
            .iter()
            .map(|alert| (alert.alert_level, alert.percentage_used.to_f64(), alert.remaining.to_f64()))
            .collect();
        let expected = [
            (AlertLevel::Warning, 79.9, 20.1),
            (AlertLevel::Critical, 80.0, 20.0),
            (AlertLevel::Exceeded, 100.5, -0.5),
        ];
        assert_eq!(levels, expected);
    }

    #[test]
    fn of_no_budget_all_is_used_up() {
        assert_eq!(AlertLevel::of(percentage(NanoAmount::ZERO, NanoAmount::ZERO)), AlertLevel::Exceeded);
        assert_eq!(percentage(NanoAmount(1), NanoAmount(4)), NanoAmount(25_000_000_000));
    }

    #[test]
    fn there_is_one_row_when_nothing_was_paid() {
        let alerts = BudgetAlert::list(1, 2, &Paid::Nothing, DateTime::UNIX_EPOCH);
        assert_eq!((alerts.len(), alerts[0].spent, alerts[0].currency.as_deref()), (1, NanoAmount::ZERO, None));
    }
}
