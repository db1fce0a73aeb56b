//! PERSIST: the result is written and the job ends, in one transaction.
//!
//! - **Reads** the manifest's data, when one field of them is written.
//! - **Writes** the job's end and cost, and the manifest's data, citations, checks, cost and status; no other column.
//! - **Fails when** the database is down.
//! - **Safe to repeat because** only the running attempt of a job that has not ended can win.

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use serde_json::{Value, json};
use sluice_core::{CostBreakdown, ErrorKind, ManifestStatus, NanoAmount, StageName};
use sluice_db::AsyncPgConnection;
use sluice_db::models::citations;
use sluice_db::models::runs::{self, Attempt, Outcome};
use sluice_extraction::cost;
use sluice_extraction::field::FieldPath;
use sluice_extraction::validate::{CORRECTED, Issue, ValidationResult};

use crate::error::StageError;
use crate::ground::{ground_now, is_within};
use crate::pipeline::{Stage, StageContext};
use crate::stages::validate::invalid_schema;
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
        let attempt = context.attempt;
        let now = self.0.clock.now();
        let written = self
            .0
            .pool
            .transaction(move |connection| async move { write(connection, result, attempt, now).await }.boxed())
            .await??;
        let taken =
            || StageError::new(ErrorKind::Conflict, "another worker has taken the job over, or it was canceled");
        written.ok_or_else(taken)
    }

    fn checkpoint(output: &Persisted) -> Value {
        json!({"manifestStatus": output.manifest_status})
    }
}

type Written = std::result::Result<Option<Persisted>, StageError>;

/// Writes the result; `None` when the attempt is not the running one.
async fn write(
    connection: &mut AsyncPgConnection,
    result: Result,
    attempt: Attempt,
    now: DateTime<Utc>,
) -> sluice_db::Result<Written> {
    let outcome = match result {
        Result::Text(text) => (text_outcome(&text), None),
        Result::Data(mut validated) => {
            if validated.extracted.patch.is_some() {
                let Some(data) = runs::lock_data(connection, attempt).await? else { return Ok(Ok(None)) };
                if let Err(error) = rebase(&mut validated, data, now) {
                    return Ok(Err(error));
                }
            }
            let extraction = validated.extracted.text.loaded.extraction.as_ref();
            let field = extraction.and_then(|settings| settings.field.as_ref()).map(|task| task.path.clone());
            let rows = validated.grounded.rows(attempt, field.as_ref());
            (data_outcome(*validated), Some((rows, field)))
        }
    };
    let ((outcome, persisted), cited) = match outcome {
        (Ok(outcome), cited) => (outcome, cited),
        (Err(error), _) => return Ok(Err(error)),
    };
    if !runs::complete(connection, attempt, &outcome, now).await? {
        return Ok(Ok(None));
    }
    if let Some((rows, field)) = cited {
        cite(connection, attempt, &rows, field.as_ref()).await?;
    }
    Ok(Ok(Some(persisted)))
}

/// Writes where the values are printed; of one field that was asked for anew, only its own.
async fn cite(
    connection: &mut AsyncPgConnection,
    attempt: Attempt,
    rows: &[citations::Citation],
    field: Option<&FieldPath>,
) -> sluice_db::Result<()> {
    let Some(field) = field else { return citations::replace_all(connection, attempt.manifest_id, rows).await };
    let known = citations::list(connection, attempt.manifest_id).await?;
    let outdated = known.into_iter().map(|citation| citation.path).filter(|path| is_within(path, field));
    let outdated: Vec<String> = outdated.collect();
    citations::delete_paths(connection, attempt.manifest_id, &outdated).await?;
    citations::insert(connection, rows).await
}

/// Puts the one field into the data as they are now: people edit while a model thinks.
fn rebase(
    validated: &mut Validated,
    current: Option<Value>,
    now: DateTime<Utc>,
) -> std::result::Result<(), StageError> {
    let extracted = &mut validated.extracted;
    let (Some(settings), Some(patch)) = (&extracted.text.loaded.extraction, &extracted.patch) else {
        return Ok(());
    };
    let current = current.filter(Value::is_object).unwrap_or_else(|| json!({}));
    let Some(task) = settings.field.as_ref().filter(|task| task.data != current) else { return Ok(()) };
    let merged = task.path.merge(&current, patch.value.clone(), patch.info.as_ref());
    extracted.data = merged.map_err(|error| StageError::invalid(error.to_string()))?;
    let schema = &settings.schema;
    let (schema_id, schema_version) = (schema.id, schema.schema_version.clone());
    let examiner = settings.examiner().map_err(|error| invalid_schema(&error))?;
    let findings = examiner.examine(&extracted.data);
    validated.is_complete = findings.failures().next().is_none();
    let mut issues = findings.issues;
    // What was corrected is told whatever the rest of the data is; the patch has it already.
    let corrected = |issue: &&Issue| issue.check.as_deref() == Some(CORRECTED);
    issues.extend(validated.result.issues.iter().filter(corrected).cloned());
    validated.corroborated = findings.corroborated.len();
    validated.grounded = ground_now(extracted, &issues, &findings.corroborated);
    // What scripts found was found in other data; it shows that they have not seen these.
    validated.result = ValidationResult::new(issues, now, Some((schema_id, &schema_version)));
    Ok(())
}

fn data_outcome(validated: Validated) -> std::result::Result<(Outcome, Persisted), StageError> {
    let Validated { extracted, is_complete, result, grounded, .. } = validated;
    let settings = extracted.text.loaded.extraction.as_ref();
    let llm_currency = settings.and_then(|settings| settings.pricing.currency());
    let cost = total_cost(&extracted.text, extracted.spent.cost, llm_currency);
    let manifest_status = if is_complete { ManifestStatus::Completed } else { ManifestStatus::Partial };
    let confidence = grounded.confidence(settings);
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
    cost::total(pricing.run(text.pages_read, text.usage), pricing.currency(), llm, llm_currency)
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> StageError {
    StageError { source: Some(Box::new(error)), ..StageError::new(ErrorKind::Internal, "internal error") }
}
