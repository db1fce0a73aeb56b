//! Costs of completed jobs, by currency, day, model and extractor.

use std::cmp::Reverse;

use chrono::NaiveDate;
use serde::Serialize;
use sluice_core::NanoAmount;
use sluice_db::models::reports::job_costs::JobCostCell;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::figures::{DateRange, Sums, UNKNOWN_CURRENCY, add_up, ratio};
use crate::routes::projects::costs::DateRangeDto;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CostDashboard {
    /// Only when both ends were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    date_range: Option<DateRangeDto>,
    totals_by_currency: Vec<CostTotals>,
    cost_over_time: Vec<DayCostTotals>,
    /// The most expensive first.
    llm_by_model: Vec<ModelCostTotals>,
    /// The most expensive first.
    text_by_extractor: Vec<ExtractorCostTotals>,
}

/// What jobs came to that were paid in one currency; `unknown` for what was free.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CostTotals {
    currency: String,
    /// Jobs, those that only read among them. One that was paid in two currencies counts in both.
    document_count: i64,
    #[schema(value_type = f64)]
    total_cost: NanoAmount,
    #[schema(value_type = f64)]
    text_cost: NanoAmount,
    #[schema(value_type = f64)]
    llm_cost: NanoAmount,
    pages_processed: i64,
    llm_input_tokens: i64,
    llm_output_tokens: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct DayCostTotals {
    date: NaiveDate,
    #[serde(flatten)]
    totals: CostTotals,
}

/// What a model's answers cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ModelCostTotals {
    llm_model_id: Option<Uuid>,
    llm_model_name: Option<String>,
    currency: String,
    document_count: i64,
    #[schema(value_type = f64)]
    llm_cost: NanoAmount,
    llm_input_tokens: i64,
    llm_output_tokens: i64,
    cost_per1k_total_tokens: f64,
}

/// What an extractor's pages cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExtractorCostTotals {
    extractor_id: Option<Uuid>,
    extractor_name: Option<String>,
    currency: String,
    document_count: i64,
    #[schema(value_type = f64)]
    text_cost: NanoAmount,
    pages_processed: i64,
    cost_per_page: f64,
}

/// A model or an extractor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) id: Option<Uuid>,
    pub(super) name: Option<String>,
    pub(super) currency: String,
}

impl CostDashboard {
    pub(super) fn new(cells: &[JobCostCell], range: &DateRange) -> Self {
        let totals = add_up(cells, currency);
        let days = add_up(cells, |cell| (cell.day, currency(cell)));
        Self {
            date_range: DateRangeDto::new(range),
            totals_by_currency: totals.into_iter().map(|(currency, sums)| CostTotals::new(currency, sums)).collect(),
            cost_over_time: days
                .into_iter()
                .map(|((date, currency), sums)| DayCostTotals { date, totals: CostTotals::new(currency, sums) })
                .collect(),
            llm_by_model: by_model(cells).into_iter().map(ModelCostTotals::new).collect(),
            text_by_extractor: by_extractor(cells).into_iter().map(ExtractorCostTotals::new).collect(),
        }
    }
}

/// The currency by its name on the wire.
pub(super) fn currency(cell: &JobCostCell) -> String {
    cell.currency.as_deref().unwrap_or(UNKNOWN_CURRENCY).to_owned()
}

/// What asked a model, the most expensive first.
pub(super) fn by_model(cells: &[JobCostCell]) -> Vec<(Origin, Sums)> {
    let asking = cells.iter().filter(|cell| cell.has_llm);
    let key =
        |cell: &JobCostCell| Origin { id: cell.model_id, name: cell.model_name.clone(), currency: currency(cell) };
    let mut sums: Vec<(Origin, Sums)> = add_up(asking, key).into_iter().collect();
    sums.sort_by_key(|(_, sums)| Reverse(sums.llm));
    sums
}

/// What has text, the most expensive first.
pub(super) fn by_extractor(cells: &[JobCostCell]) -> Vec<(Origin, Sums)> {
    let reading = cells.iter().filter(|cell| cell.has_text);
    let key = |cell: &JobCostCell| Origin {
        id: cell.extractor_id,
        name: cell.extractor_name.clone(),
        currency: currency(cell),
    };
    let mut sums: Vec<(Origin, Sums)> = add_up(reading, key).into_iter().collect();
    sums.sort_by_key(|(_, sums)| Reverse(sums.text));
    sums
}

/// The cost of a thousand tokens of both kinds.
pub(super) fn cost_per_1k(cost: NanoAmount, tokens: i64) -> f64 {
    ratio(cost.to_f64(), tokens) * 1000.0
}

impl CostTotals {
    fn new(currency: String, sums: Sums) -> Self {
        Self {
            currency,
            document_count: sums.count,
            total_cost: sums.total,
            text_cost: sums.text,
            llm_cost: sums.llm,
            pages_processed: sums.pages,
            llm_input_tokens: sums.input_tokens,
            llm_output_tokens: sums.output_tokens,
        }
    }
}

impl ModelCostTotals {
    fn new((model, sums): (Origin, Sums)) -> Self {
        Self {
            llm_model_id: model.id,
            llm_model_name: model.name,
            currency: model.currency,
            document_count: sums.count,
            llm_cost: sums.llm,
            llm_input_tokens: sums.input_tokens,
            llm_output_tokens: sums.output_tokens,
            cost_per1k_total_tokens: cost_per_1k(sums.llm, sums.tokens()),
        }
    }
}

impl ExtractorCostTotals {
    fn new((extractor, sums): (Origin, Sums)) -> Self {
        Self {
            extractor_id: extractor.id,
            extractor_name: extractor.name,
            currency: extractor.currency,
            document_count: sums.count,
            text_cost: sums.text,
            pages_processed: sums.pages,
            cost_per_page: ratio(sums.text.to_f64(), sums.pages),
        }
    }
}
