//! What a document, a page, a token cost.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sluice_core::NanoAmount;
use sluice_db::models::reports::job_costs::JobCostCell;
use sluice_db::models::reports::job_list::JobCost;
use utoipa::ToSchema;
use uuid::Uuid;

use super::cost_dashboard::{by_extractor, by_model, cost_per_1k};
use crate::figures::ratio;
use crate::wire;

/// What one run over a document cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DocumentCost {
    manifest_id: i32,
    filename: String,
    page_count: i32,
    #[schema(value_type = f64)]
    ocr_cost: NanoAmount,
    ocr_cost_per_page: f64,
    #[schema(value_type = f64)]
    llm_cost: NanoAmount,
    llm_input_tokens: i32,
    llm_output_tokens: i32,
    llm_cost_per1k_tokens: f64,
    /// Null when its parts were paid in two currencies.
    #[schema(value_type = Option<f64>)]
    total_cost: Option<NanoAmount>,
    /// Null as well, and when nothing was paid.
    currency: Option<String>,
    /// When the job was asked for.
    #[serde(serialize_with = "wire::time")]
    timestamp: DateTime<Utc>,
}

/// What the pages of an extractor cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageCost {
    extractor_id: Option<Uuid>,
    extractor_name: Option<String>,
    currency: String,
    document_count: i64,
    pages: i64,
    #[schema(value_type = f64)]
    cost: NanoAmount,
    cost_per_page: f64,
}

/// What the tokens of a model cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenCost {
    model_id: Option<Uuid>,
    model_name: Option<String>,
    currency: String,
    document_count: i64,
    input_tokens: i64,
    output_tokens: i64,
    tokens: i64,
    #[schema(value_type = f64)]
    cost: NanoAmount,
    cost_per1k_tokens: f64,
}

impl From<JobCost> for DocumentCost {
    fn from(job: JobCost) -> Self {
        let amount = |nano: Option<i64>| NanoAmount(nano.unwrap_or(0));
        let (ocr_cost, llm_cost) = (amount(job.text_actual_cost_nano), amount(job.llm_actual_cost_nano));
        let page_count = job.pages_processed.unwrap_or(0);
        let (input, output) = (job.llm_input_tokens.unwrap_or(0), job.llm_output_tokens.unwrap_or(0));
        Self {
            manifest_id: job.manifest_id,
            filename: job.filename,
            page_count,
            ocr_cost,
            ocr_cost_per_page: ratio(ocr_cost.to_f64(), page_count.into()),
            llm_cost,
            llm_input_tokens: input,
            llm_output_tokens: output,
            llm_cost_per1k_tokens: cost_per_1k(llm_cost, i64::from(input) + i64::from(output)),
            total_cost: job.actual_cost_nano.map(NanoAmount),
            currency: job.cost_currency,
            timestamp: job.created_at,
        }
    }
}

impl PageCost {
    /// The most expensive extractor first.
    pub(super) fn list(cells: &[JobCostCell]) -> Vec<Self> {
        let cost = |(extractor, sums): (super::cost_dashboard::Origin, crate::figures::Sums)| Self {
            extractor_id: extractor.id,
            extractor_name: extractor.name,
            currency: extractor.currency,
            document_count: sums.count,
            pages: sums.pages,
            cost: sums.text,
            cost_per_page: ratio(sums.text.to_f64(), sums.pages),
        };
        by_extractor(cells).into_iter().map(cost).collect()
    }
}

impl TokenCost {
    /// The most expensive model first.
    pub(super) fn list(cells: &[JobCostCell]) -> Vec<Self> {
        let cost = |(model, sums): (super::cost_dashboard::Origin, crate::figures::Sums)| Self {
            model_id: model.id,
            model_name: model.name,
            currency: model.currency,
            document_count: sums.count,
            input_tokens: sums.input_tokens,
            output_tokens: sums.output_tokens,
            tokens: sums.tokens(),
            cost: sums.llm,
            cost_per1k_tokens: cost_per_1k(sums.llm, sums.tokens()),
        };
        by_model(cells).into_iter().map(cost).collect()
    }
}
