//! What is known after each stage. A state owns the one before it, so a stage can't read what does not exist yet.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sluice_core::{CostBreakdown, FileFormat, ManifestStatus, Page, ReadOptions};
use sluice_db::models::manifests::Manifest;
use sluice_db::models::schemas::Schema;
use sluice_extraction::cost::{ExtractorPricing, ModelPricing, Usage};
use sluice_extraction::einvoice::Mapped;
use sluice_extraction::field::FieldPath;
use sluice_extraction::prompt::{Example, Rule};
use sluice_extraction::validate::{Examiner, InvalidSchema, Issue, ValidationResult};
use sluice_llm::Endpoint;
use sluice_remote_extractors::{paddle_ocr, vision};
use uuid::Uuid;

use crate::ground::Grounded;

/// After LOAD: everything that the job needs exists and fits together.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) manifest: Manifest,
    pub(crate) format: FileFormat,
    pub(crate) reader: ReaderSettings,
    /// Absent for a job that only reads text.
    pub(crate) extraction: Option<ExtractionSettings>,
}

/// How the file is read.
#[derive(Debug)]
pub(crate) struct ReaderSettings {
    pub(crate) extractor_id: Uuid,
    pub(crate) extractor_type: String,
    pub(crate) options: ReadOptions,
    /// Whether the XML of an e-invoice is believed, so that no model is asked.
    pub(crate) uses_embedded_invoice: bool,
    /// The service that reads; absent when we do.
    pub(crate) remote: Option<RemoteReader>,
    pub(crate) pricing: ExtractorPricing,
}

/// A service that reads pages.
#[derive(Debug)]
pub(crate) enum RemoteReader {
    PaddleOcr(paddle_ocr::Settings),
    Vision(vision::Settings),
}

/// What is asked of which model.
#[derive(Debug)]
pub(crate) struct ExtractionSettings {
    pub(crate) schema: Schema,
    pub(crate) rules: Vec<Rule>,
    pub(crate) prompt: Option<String>,
    pub(crate) endpoint: Endpoint,
    pub(crate) pricing: ModelPricing,
    /// What people have verified in other documents of the schema.
    pub(crate) examples: Vec<Example>,
    /// Absent when all fields are asked for.
    pub(crate) field: Option<FieldTask>,
}

impl ExtractionSettings {
    /// What data is held against.
    pub(crate) fn examiner(&self) -> Result<Examiner, InvalidSchema> {
        let schema = &self.schema;
        Examiner::new(&schema.json_schema, &schema.required_fields, &self.rules, schema.validation_settings.as_ref())
    }
}

/// One field that is asked for anew.
#[derive(Debug)]
pub(crate) struct FieldTask {
    pub(crate) path: FieldPath,
    /// The data that the field is a part of.
    pub(crate) data: Value,
}

/// After `TEXT_EXTRACT`.
#[derive(Debug)]
pub(crate) struct TextExtracted {
    pub(crate) loaded: Loaded,
    pub(crate) pages: Vec<Page>,
    /// Pages that had to be read; the others were known and cost nothing.
    pub(crate) pages_read: u32,
    /// Tokens that reading took, where a model reads.
    pub(crate) usage: Usage,
    pub(crate) quality_score: i32,
    pub(crate) processed_at: DateTime<Utc>,
    /// The data, where the file is or carries an e-invoice that has what the schema asks for.
    pub(crate) einvoice: Option<Mapped>,
}

/// After `LLM_EXTRACT`.
#[derive(Debug)]
pub(crate) struct LlmExtracted {
    pub(crate) text: TextExtracted,
    pub(crate) data: Value,
    /// What the data has from this answer, when one field was asked for.
    pub(crate) patch: Option<Patch>,
    /// What is known to be wrong with the data beside what the checks find.
    pub(crate) issues: Vec<Issue>,
    pub(crate) response: String,
    pub(crate) spent: Spent,
}

/// The new value of one field.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    /// Absent when the document does not show it.
    pub(crate) value: Option<Value>,
    /// What the model said of its answer.
    pub(crate) info: Option<Value>,
}

/// What the calls of a job took, those of earlier attempts included.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    pub(crate) usage: Usage,
    pub(crate) cost: sluice_core::NanoAmount,
}

/// After VALIDATE.
#[derive(Debug)]
pub(crate) struct Validated {
    pub(crate) extracted: LlmExtracted,
    /// Whether the user's schema and rules have all that they ask for; scripts and built-in checks have no say in it.
    pub(crate) is_complete: bool,
    /// How many values take part in an equation that meets.
    pub(crate) corroborated: usize,
    pub(crate) result: ValidationResult,
    /// Where the values are on the pages and how far they can be trusted.
    pub(crate) grounded: Grounded,
}

/// After PERSIST: the job has ended in the database.
#[derive(Debug)]
pub(crate) struct Persisted {
    pub(crate) manifest_status: ManifestStatus,
    pub(crate) cost: CostBreakdown,
    pub(crate) extractor_id: Uuid,
    /// For a job that only reads text.
    pub(crate) text: Option<(i32, DateTime<Utc>)>,
}
