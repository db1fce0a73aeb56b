//! How good estimates of costs were.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sluice_core::NanoAmount;
use sluice_db::models::reports::job_list::JobCost;
use utoipa::ToSchema;

use crate::figures::{ratio, to_f64};
use crate::wire;

/// What a job was thought to cost, and what it did cost.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CostAccuracy {
    job_id: i32,
    manifest_id: i32,
    #[schema(value_type = f64)]
    estimated_cost: NanoAmount,
    #[schema(value_type = f64)]
    actual_cost: NanoAmount,
    /// From 0 to 100: how near the estimate came, in percent of the actual cost.
    accuracy: f64,
    #[schema(value_type = Option<f64>)]
    ocr_estimated_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    ocr_actual_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    llm_estimated_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    llm_actual_cost: Option<NanoAmount>,
    currency: Option<String>,
    /// When the job was asked for.
    #[serde(serialize_with = "wire::time")]
    timestamp: DateTime<Utc>,
}

/// The accuracy of late.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accuracy {
    /// Of the last hundred estimates; 0 when there are none.
    average: f64,
    /// The last ten.
    recent: Vec<CostAccuracy>,
}

impl CostAccuracy {
    /// `None` when one of the costs is not known.
    pub(super) fn new(job: JobCost) -> Option<Self> {
        let estimated_cost = NanoAmount(job.estimated_cost_nano?);
        let actual_cost = NanoAmount(job.actual_cost_nano?);
        Some(Self {
            job_id: job.id,
            manifest_id: job.manifest_id,
            estimated_cost,
            actual_cost,
            accuracy: accuracy(estimated_cost, actual_cost),
            ocr_estimated_cost: job.text_estimated_cost_nano.map(NanoAmount),
            ocr_actual_cost: job.text_actual_cost_nano.map(NanoAmount),
            llm_estimated_cost: job.llm_estimated_cost_nano.map(NanoAmount),
            llm_actual_cost: job.llm_actual_cost_nano.map(NanoAmount),
            currency: job.cost_currency,
            timestamp: job.created_at,
        })
    }
}

impl Accuracy {
    pub(super) fn new(mut jobs: Vec<CostAccuracy>) -> Self {
        let count = i64::try_from(jobs.len()).unwrap_or(i64::MAX);
        let average = ratio(jobs.iter().map(|job| job.accuracy).sum(), count);
        jobs.truncate(10);
        Self { average, recent: jobs }
    }
}

fn accuracy(estimated: NanoAmount, actual: NanoAmount) -> f64 {
    match (estimated.0.abs_diff(actual.0), actual.0) {
        (0, _) => 100.0,
        (_, 0) => 0.0,
        (_, _) => (100.0 - ratio(to_f64(estimated.0.saturating_sub(actual.0)).abs() * 100.0, actual.0)).max(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_as_accurate_as_it_is_near() {
        for (estimated, actual, expected) in
            [(10, 10, 100.0), (8, 10, 80.0), (12, 10, 80.0), (30, 10, 0.0), (0, 0, 100.0), (1, 0, 0.0)]
        {
            assert_eq!(accuracy(NanoAmount(estimated), NanoAmount(actual)), expected, "{estimated} {actual}");
        }
    }
}
