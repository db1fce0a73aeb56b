//! A manifest as clients see it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use sluice_core::NanoAmount;
use sluice_db::models::manifests::Manifest;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire;

/// A manifest as clients see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManifestDto {
    id: i32,
    filename: String,
    original_filename: String,
    storage_path: String,
    file_size: i64,
    file_type: String,
    status: String,
    group_id: i32,
    extracted_data: Option<Value>,
    confidence: Option<f64>,
    purchase_order: Option<String>,
    invoice_date: Option<NaiveDate>,
    department: Option<String>,
    human_verified: bool,
    validation_results: Option<Value>,
    /// Always null: the text is large and has a route of its own.
    ocr_result: Option<Value>,
    #[serde(serialize_with = "wire::optional_time")]
    ocr_processed_at: Option<DateTime<Utc>>,
    ocr_quality_score: Option<i32>,
    #[schema(value_type = Option<f64>)]
    text_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    llm_cost: Option<NanoAmount>,
    #[schema(value_type = Option<f64>)]
    extraction_cost: Option<NanoAmount>,
    extraction_cost_currency: Option<String>,
    text_extractor_id: Option<Uuid>,
    last_error: Option<String>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    updated_at: DateTime<Utc>,
}

/// A manifest that was uploaded, or was there already.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadedDto {
    #[serde(flatten)]
    manifest: ManifestDto,
    is_duplicate: bool,
}

impl UploadedDto {
    pub(crate) fn new(manifest: Manifest, is_duplicate: bool) -> Self {
        Self { manifest: manifest.into(), is_duplicate }
    }
}

impl ManifestDto {
    pub(crate) fn with_last_error(mut self, last_error: Option<String>) -> Self {
        self.last_error = last_error;
        self
    }
}

impl From<Manifest> for ManifestDto {
    fn from(row: Manifest) -> Self {
        Self {
            id: row.id,
            filename: row.filename,
            original_filename: row.original_filename,
            storage_path: row.storage_key,
            file_size: row.file_size_bytes,
            file_type: row.file_type,
            status: row.status,
            group_id: row.group_id,
            extracted_data: row.extracted_data,
            confidence: row.confidence,
            purchase_order: row.purchase_order,
            invoice_date: row.invoice_date,
            department: row.department,
            human_verified: row.human_verified,
            validation_results: row.validation_results,
            ocr_result: None,
            ocr_processed_at: row.ocr_processed_at,
            ocr_quality_score: row.ocr_quality_score,
            text_cost: row.text_cost_nano.map(NanoAmount),
            llm_cost: row.llm_cost_nano.map(NanoAmount),
            extraction_cost: row.extraction_cost_nano.map(NanoAmount),
            extraction_cost_currency: row.extraction_cost_currency,
            text_extractor_id: row.text_extractor_id,
            last_error: None,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
