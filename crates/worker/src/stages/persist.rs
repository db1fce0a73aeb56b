//! PERSIST: the result is written and the job ends, in one transaction.
//!
//! - **Reads** nothing.
//! - **Writes** the job's end and cost, and the manifest's data, checks, cost and status; no other column.
//! - **Fails when** the database is down.
//! - **Safe to repeat because** only the running attempt of a job that has not ended can win.

use futures_util::FutureExt;
use serde_json::{Value, json};
use sluice_core::{CostBreakdown, ErrorKind, ManifestStatus, NanoAmount, StageName};
use sluice_db::models::runs::{self, Outcome};
use sluice_extraction::cost;

use crate::error::StageError;
use crate::pipeline::{Stage, StageContext};
use crate::state::{Persisted, TextExtracted, Validated};
use crate::wiring::Ports;

#[derive(Debug)]
pub(crate) struct Persist(pub(crate) Ports);

/// What a run came to.
#[derive(Debug)]
pub(crate) enum Result {
    /// Data, of a job that extracts.
    Data(Box<Validated>),
    /// Text, of a job that only reads.
    Text(Box<TextExtracted>),
}

impl Stage for Persist {
    const NAME: StageName = StageName::Persist;
    type In = Result;
    type Out = Persisted;

    async fn run(&self, result: Result, context: &StageContext) -> std::result::Result<Persisted, StageError> {
        let (outcome, persisted) = match result {
            Result::Data(validated) => data_outcome(*validated)?,
            Result::Text(text) => text_outcome(&text)?,
        };
        let attempt = context.attempt;
        let now = self.0.clock.now();
        let is_ours = self
            .0
            .pool
            .transaction(move |connection| {
                async move { runs::complete(connection, attempt, &outcome, now).await }.boxed()
            })
            .await?;
        if is_ours {
            Ok(persisted)
        } else {
            Err(StageError::new(ErrorKind::Conflict, "another worker has taken the job over, or it was canceled"))
        }
    }

    fn checkpoint(output: &Persisted) -> Value {
        json!({"manifestStatus": output.manifest_status})
    }
}

fn data_outcome(validated: Validated) -> std::result::Result<(Outcome, Persisted), StageError> {
    let Validated { extracted, is_complete, result } = validated;
    let settings = extracted.text.loaded.extraction.as_ref();
    let llm_currency = settings.and_then(|settings| settings.pricing.currency());
    let cost = total_cost(&extracted.text, extracted.spent.cost, llm_currency);
    let manifest_status = if is_complete { ManifestStatus::Completed } else { ManifestStatus::Partial };
    let confidence = extracted.data.pointer("/_extraction_info/confidence").and_then(Value::as_f64);
    let threshold = settings
        .and_then(|settings| settings.schema.validation_settings.as_ref())
        .and_then(|settings| settings.get("autoApproveConfidenceThreshold"))
        .and_then(Value::as_f64)
        .filter(|threshold| *threshold > 0.0);
    let is_sure = threshold.zip(confidence).is_some_and(|(threshold, confidence)| confidence >= threshold);
    let approves = is_sure && is_complete && result.error_count == 0;
    let outcome = Outcome {
        manifest_status: manifest_status.as_str().to_owned(),
        validation_results: Some(serde_json::to_value(&result).map_err(internal)?),
        confidence,
        approves,
        text_cost_nano: cost.text.0,
        llm_cost_nano: cost.llm.0,
        total_cost_nano: cost.total.map(|total| total.0),
        currency: cost.currency.clone(),
        input_tokens: i32::try_from(extracted.spent.usage.input_tokens).ok(),
        output_tokens: i32::try_from(extracted.spent.usage.output_tokens).ok(),
        pages: i32::try_from(extracted.text.pages.len()).unwrap_or(i32::MAX),
        assistant_response: Some(extracted.response),
        extracted_data: Some(extracted.data),
    };
    let extractor_id = extracted.text.loaded.reader.extractor_id;
    Ok((outcome, Persisted { manifest_status, cost, extractor_id, text: None }))
}

fn text_outcome(text: &TextExtracted) -> std::result::Result<(Outcome, Persisted), StageError> {
    let cost = total_cost(text, NanoAmount::ZERO, None);
    let manifest_status: ManifestStatus = text.loaded.manifest.status.parse().map_err(internal)?;
    let outcome = Outcome {
        manifest_status: manifest_status.as_str().to_owned(),
        extracted_data: None,
        validation_results: None,
        confidence: None,
        approves: false,
        text_cost_nano: cost.text.0,
        llm_cost_nano: 0,
        total_cost_nano: cost.total.map(|total| total.0),
        currency: cost.currency.clone(),
        input_tokens: None,
        output_tokens: None,
        pages: i32::try_from(text.pages.len()).unwrap_or(i32::MAX),
        assistant_response: None,
    };
    let extractor_id = text.loaded.reader.extractor_id;
    let text = Some((text.quality_score, text.processed_at));
    Ok((outcome, Persisted { manifest_status, cost, extractor_id, text }))
}

fn total_cost(text: &TextExtracted, llm: NanoAmount, llm_currency: Option<&str>) -> CostBreakdown {
    let pricing = &text.loaded.reader.pricing;
    cost::total(pricing.pages(text.pages_read), pricing.currency(), llm, llm_currency)
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> StageError {
    StageError { source: Some(Box::new(error)), ..StageError::new(ErrorKind::Internal, "internal error") }
}
