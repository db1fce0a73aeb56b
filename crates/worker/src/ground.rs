//! What VALIDATE adds to checked data: the place of each value on the pages, and how far it can be trusted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sluice_core::{ErrorKind, Page};
use sluice_db::models::citations::{self, Place};
use sluice_db::models::runs::Attempt;
use sluice_extraction::confidence::{self, Assessment, Evidence, Info, ModelInfo};
use sluice_extraction::field::FieldPath;
use sluice_extraction::grounding::{self, Citation};
use sluice_extraction::validate::Issue;

use crate::error::StageError;
use crate::state::{ExtractionSettings, LlmExtracted};

/// Where the values are and how far they can be trusted.
#[derive(Debug)]
pub(crate) struct Grounded {
    citations: Vec<Citation>,
    assessment: Assessment,
    /// What the model said of itself.
    model: ModelInfo,
}

/// Finds the values of the data on the pages, weighs them, and notes in the data what came of it. On a thread of its own:
/// a long document takes a while.
pub(crate) async fn ground(
    extracted: LlmExtracted,
    issues: Vec<Issue>,
    corroborated: BTreeSet<String>,
) -> Result<(LlmExtracted, Vec<Issue>, Grounded), StageError> {
    let work = move || {
        let mut extracted = extracted;
        let grounded = ground_now(&mut extracted, &issues, &corroborated);
        (extracted, issues, grounded)
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| StageError {
        source: Some(Box::new(error)),
        ..StageError::new(ErrorKind::Internal, "internal error")
    })
}

/// As [`ground`], on the caller's thread.
pub(crate) fn ground_now(extracted: &mut LlmExtracted, issues: &[Issue], corroborated: &BTreeSet<String>) -> Grounded {
    let model = match &extracted.patch {
        // Then the rest of the data says what was known of it before.
        Some(patch) if patch.info.is_none() => ModelInfo::kept(&extracted.data),
        _ => ModelInfo::of_reply(&extracted.data),
    };
    let settings = extracted.text.loaded.extraction.as_ref();
    let (schema, required) = match settings.map(|settings| &settings.schema) {
        Some(schema) => (&schema.json_schema, schema.required_fields.as_slice()),
        None => (&Value::Null, [].as_slice()),
    };
    let pages: &[Page] = &extracted.text.pages;
    let citations = grounding::ground(&extracted.data, pages, schema);
    let assessment = confidence::assess(&Evidence {
        data: &extracted.data,
        required,
        citations: &citations,
        issues,
        corroborated,
        logprobs: &BTreeMap::new(),
        // Of an e-invoice no model was asked.
        is_structured: extracted.text.einvoice.is_some() && extracted.spent.usage.input_tokens == 0,
    });
    Info::write(&mut extracted.data, &assessment, &model);
    Grounded { citations, assessment, model }
}

impl Grounded {
    /// How far the document can be trusted: as computed, or, where a project wants it so, as the model said.
    pub(crate) fn confidence(&self, settings: Option<&ExtractionSettings>) -> Option<f64> {
        let wanted = settings
            .and_then(|settings| settings.schema.validation_settings.as_ref())
            .and_then(|settings| settings.get("confidenceSource"))
            .and_then(Value::as_str);
        match wanted {
            Some("model") => self.model.confidence,
            _ => Some(self.assessment.confidence),
        }
    }

    /// The rows of the citations; those of one field when only it was asked for.
    pub(crate) fn rows(&self, attempt: Attempt, field: Option<&FieldPath>) -> Vec<citations::Citation> {
        let fields: BTreeMap<&str, &confidence::FieldConfidence> =
            self.assessment.fields.iter().map(|field| (field.path.as_str(), field)).collect();
        self.citations
            .iter()
            .filter(|citation| field.is_none_or(|field| is_within(&citation.path, field)))
            .map(|citation| {
                let field = fields.get(citation.path.as_str());
                let reasons = field.map_or(&[][..], |field| &field.reasons);
                let place = place(citation);
                let ids = (attempt.manifest_id, attempt.job_id);
                citations::Citation::new(ids, &place, field.map(|field| field.confidence), reasons)
            })
            .collect()
    }
}

fn place(found: &Citation) -> Place<'_> {
    Place {
        path: &found.path,
        page: found.page,
        bounds: found.bounds,
        match_kind: found.match_kind.as_str(),
        text: found.text.as_deref(),
        confidence: found.confidence,
    }
}

/// Whether a path is a field or leads into it.
pub(crate) fn is_within(path: &str, field: &FieldPath) -> bool {
    let field = field.to_string();
    path.strip_prefix(field.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_what_is_in_it_and_not_its_neighbours() {
        let field = FieldPath::parse("items[1]").unwrap();
        assert!(is_within("items.1", &field) && is_within("items.1.amount", &field));
        assert!(!is_within("items.10.amount", &field) && !is_within("items", &field));
    }
}
