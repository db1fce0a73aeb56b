//! This month and the last one.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use serde::Serialize;
use sluice_core::NanoAmount;
use sluice_db::models::reports::TimeRange;
use sluice_db::models::reports::job_costs::JobCostCell;
use utoipa::ToSchema;

use super::accuracy::Accuracy;
use super::budget::BudgetAlert;
use super::cost_dashboard::currency;
use crate::figures::{Paid, Sums, add_up};

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dashboard {
    pub(super) this_month: ThisMonth,
    pub(super) last_month: LastMonth,
    pub(super) accuracy: Accuracy,
    pub(super) budget_alerts: Vec<BudgetAlert>,
}

/// The costs are null unless all was paid in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThisMonth {
    #[schema(value_type = Option<f64>)]
    total: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    ocr: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    llm: Option<NanoAmount>,
    document_count: i64,
    currency: Option<String>,
    /// Only when several currencies were paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    totals_by_currency: Option<Vec<MonthTotals>>,
}

/// The cost is null unless all was paid in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastMonth {
    #[schema(value_type = Option<f64>)]
    total: Option<NanoAmount>,
    document_count: i64,
    currency: Option<String>,
    /// Only when several currencies were paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    totals_by_currency: Option<Vec<MonthTotals>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MonthTotals {
    currency: String,
    document_count: i64,
    #[schema(value_type = f64)]
    total: NanoAmount,
    #[schema(value_type = f64)]
    ocr: NanoAmount,
    #[schema(value_type = f64)]
    llm: NanoAmount,
}

/// A month of UTC, by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Month(NaiveDate);

/// The jobs of a month.
#[derive(Debug)]
pub(super) struct MonthCosts {
    document_count: i64,
    paid: Paid<Sums>,
}

impl Month {
    pub(super) fn of(time: DateTime<Utc>) -> Self {
        let day = time.date_naive();
        Self(day.with_day(1).unwrap_or(day))
    }

    pub(super) fn previous(self) -> Self {
        Self(self.0.checked_sub_months(Months::new(1)).unwrap_or(self.0))
    }

    /// From its first moment on.
    pub(super) fn onwards(self) -> TimeRange {
        TimeRange::since(self.0.and_time(NaiveTime::MIN).and_utc())
    }

    fn contains(self, day: NaiveDate) -> bool {
        (day.year(), day.month()) == (self.0.year(), self.0.month())
    }
}

impl MonthCosts {
    /// Adds up those of the cells that are of a month.
    pub(super) fn new(cells: &[JobCostCell], month: Month) -> Self {
        let cells: Vec<&JobCostCell> = cells.iter().filter(|cell| month.contains(cell.day)).collect();
        let sums: BTreeMap<String, Sums> = add_up(cells.iter().copied(), currency);
        Self { document_count: cells.iter().map(|cell| cell.own_count).sum(), paid: Paid::new(sums, |sums| sums.total) }
    }

    /// The totals alone.
    pub(super) fn spent(&self) -> Paid<NanoAmount> {
        match &self.paid {
            Paid::Nothing => Paid::Nothing,
            Paid::Once(currency, sums) => Paid::Once(currency.clone(), sums.total),
            Paid::Variously(sums) => {
                Paid::Variously(sums.iter().map(|(currency, sums)| (currency.clone(), sums.total)).collect())
            }
        }
    }

    fn once(&self) -> (Option<&str>, Option<Sums>) {
        match &self.paid {
            Paid::Once(currency, sums) => (Some(currency), Some(*sums)),
            Paid::Nothing | Paid::Variously(_) => (None, None),
        }
    }

    fn variously(&self) -> Option<Vec<MonthTotals>> {
        let total = |(currency, sums): &(String, Sums)| MonthTotals {
            currency: currency.clone(),
            document_count: sums.count,
            total: sums.total,
            ocr: sums.text,
            llm: sums.llm,
        };
        match &self.paid {
            Paid::Variously(sums) => Some(sums.iter().map(total).collect()),
            Paid::Nothing | Paid::Once(..) => None,
        }
    }
}

impl From<&MonthCosts> for ThisMonth {
    fn from(costs: &MonthCosts) -> Self {
        let (currency, sums) = costs.once();
        Self {
            total: sums.map(|sums| sums.total),
            ocr: sums.map(|sums| sums.text),
            llm: sums.map(|sums| sums.llm),
            document_count: costs.document_count,
            currency: currency.map(str::to_owned),
            totals_by_currency: costs.variously(),
        }
    }
}

impl From<&MonthCosts> for LastMonth {
    fn from(costs: &MonthCosts) -> Self {
        let (currency, sums) = costs.once();
        Self {
            total: sums.map(|sums| sums.total),
            document_count: costs.document_count,
            currency: currency.map(str::to_owned),
            totals_by_currency: costs.variously(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_followed_back_over_the_year() {
        let january = Month::of("2026-01-31T23:59:59Z".parse().unwrap());
        assert_eq!(january, Month(NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()));
        assert_eq!(january.previous(), Month(NaiveDate::from_ymd_opt(2025, 12, 1).unwrap()));
        assert!(january.contains(NaiveDate::from_ymd_opt(2026, 1, 31).unwrap()));
        assert!(!january.contains(NaiveDate::from_ymd_opt(2025, 1, 31).unwrap()));
    }
}
