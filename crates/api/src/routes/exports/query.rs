//! What a caller asks an export for: filters in the query, or ids in the body.

use sluice_core::NanoAmount;
use sluice_db::models::manifests::export::{Matching, Selection};
use sluice_db::models::manifests::list::{DataFilter, ExtractionState, ManifestFilter, OcrQuality};

use super::MAX_MANIFESTS;
use crate::extract::{Fields, Input};

/// The longest path into extracted data.
const MAX_PATH: usize = 200;

const STATUSES: &[&str] = &["pending", "processing", "completed", "partial", "failed"];

const STATES: [(&str, ExtractionState); 5] = [
    ("not_extracted", ExtractionState::NotExtracted),
    ("extracting", ExtractionState::Extracting),
    ("complete", ExtractionState::Complete),
    ("partial", ExtractionState::Partial),
    ("failed", ExtractionState::Failed),
];

/// The filters of an export: those of the list of manifests, project and group.
#[derive(Debug)]
pub(crate) struct ExportFilters(pub(crate) Selection);

/// The manifests that are to be exported.
#[derive(Debug)]
pub(crate) struct ExportSelected(pub(crate) Selection);

/// The same with ids as texts.
#[derive(Debug)]
pub(crate) struct ExportBulk(pub(crate) Selection);

impl Input for ExportFilters {
    fn read(fields: &mut Fields) -> Self {
        let project_id = fields.integer("projectId").optional();
        let group_id = fields.integer("groupId").optional();
        // Rows come newest first, whatever is asked for.
        fields.string("sortBy").optional();
        fields.string("order").optional();
        let filter = read_filter(fields);
        let matching = Matching { project_id, group_id, filter };
        Self(Selection::Matching(Box::new(matching)))
    }
}

fn read_filter(fields: &mut Fields) -> ManifestFilter {
    let amount = |number: f64| NanoAmount::from_f64(number).map(|amount| amount.0);
    let cost = |fields: &mut Fields, name| {
        let field = fields.number(name).min(0.0).rule("max", move |number| amount(*number).is_some());
        field.optional().and_then(amount)
    };
    let confidence = |fields: &mut Fields, name| fields.number(name).min(0.0).max(1.0).optional();
    let ocr_quality = {
        let mut score = |name| fields.integer(name).within(0, 100).optional();
        match (score("ocrQualityMin"), score("ocrQualityMax")) {
            (None, None) => OcrQuality::Any,
            (Some(0), Some(0)) => OcrQuality::Unread,
            (min, max) => OcrQuality::Between(min, max),
        }
    };
    let extraction = fields.string("extractionStatus").rule("isIn", |word| state(word).is_some()).optional();
    let human_verified = fields.string("humanVerified").one_of(&["true", "false"]).optional();
    let extractor =
        fields.string("textExtractorId").format("isUuid", "uuid", |id| id.parse::<uuid::Uuid>().is_ok()).optional();
    let mut status = fields.string("status").enumeration(STATUSES).optional();
    let data = read_data_filters(fields, &mut status);
    ManifestFilter {
        status,
        human_verified: human_verified.map(|word| word == "true"),
        confidence_min: confidence(fields, "confidenceMin"),
        confidence_max: confidence(fields, "confidenceMax"),
        ocr_quality,
        extraction: extraction.and_then(|word| state(&word)),
        cost_min_nano: cost(fields, "costMin"),
        cost_max_nano: cost(fields, "costMax"),
        text_extractor_id: extractor.and_then(|id| id.parse().ok()),
        extractor_type: fields.string("extractorType").optional(),
        data,
    }
}

fn state(word: &str) -> Option<ExtractionState> {
    STATES.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, state)| *state)
}

/// Reads `filter[<path>]`, each a part of the value's text.
fn read_data_filters(fields: &mut Fields, status: &mut Option<String>) -> Vec<DataFilter> {
    let mut filters = Vec::new();
    for (name, value) in fields.take_where(|name| name.starts_with("filter[") && name.ends_with(']')) {
        let path = name.strip_prefix("filter[").and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
        let value = value.as_str().unwrap_or_default().trim();
        if path == "status" {
            if STATUSES.contains(&value) {
                *status = Some(value.to_owned());
            } else if !value.is_empty() {
                fields.fail("filter.status", "isEnum");
            }
        } else if !is_path(path) {
            fields.fail("filter", "jsonPathMap");
        } else if !value.is_empty() {
            let path = path.split('.').map(str::to_owned).collect();
            let pattern = if value.contains(['%', '_']) {
                value.to_owned()
            } else {
                format!("%{}%", value.replace('\\', "\\\\"))
            };
            filters.push(DataFilter { path, pattern });
        }
    }
    filters
}

/// Names joined by dots.
fn is_path(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    text.len() <= MAX_PATH && text.split('.').all(is_name)
}

impl Input for ExportSelected {
    fn read(fields: &mut Fields) -> Self {
        let ids = fields.integers("manifestIds").count_up_to(MAX_MANIFESTS).required();
        Self(Selection::Listed(ids))
    }
}

impl Input for ExportBulk {
    /// Its ids are texts; `integers` takes those too.
    fn read(fields: &mut Fields) -> Self {
        let ExportSelected(selection) = ExportSelected::read(fields);
        Self(selection)
    }
}
