//! How much of a budget is used.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sluice_core::NanoAmount;
use utoipa::ToSchema;

use crate::figures::Paid;
use crate::wire;

/// A month's budget in whichever currency is paid, as in the original; projects can't choose one yet.
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
    /// One for each currency that was paid, and one when none was.
    pub(super) fn list(user_id: i32, project_id: i32, spent: &Paid<NanoAmount>, now: DateTime<Utc>) -> Vec<Self> {
        let alert = |currency: Option<&str>, spent| Self {
            user_id,
            project_id,
            budget: BUDGET,
            spent,
            remaining: NanoAmount(BUDGET.0.saturating_sub(spent.0)),
            percentage_used: percentage(spent),
            currency: currency.map(str::to_owned),
            alert_level: AlertLevel::of(percentage(spent)),
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

/// How many percent of the budget an amount is.
fn percentage(spent: NanoAmount) -> NanoAmount {
    let percentage = i128::from(spent.0) * 100 * 1_000_000_000 / i128::from(BUDGET.0);
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
    fn there_is_one_row_when_nothing_was_paid() {
        let alerts = BudgetAlert::list(1, 2, &Paid::Nothing, DateTime::UNIX_EPOCH);
        assert_eq!((alerts.len(), alerts[0].spent, alerts[0].currency.as_deref()), (1, NanoAmount::ZERO, None));
    }
}
