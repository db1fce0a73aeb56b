//! What does not pass the checks is asked for again, and only that.

use serde_json::Value;
use sluice_core::ErrorKind;
use sluice_extraction::field::FieldPath;
use sluice_extraction::reply;
use sluice_extraction::validate::{Issue, Severity};

use super::Draft;
use super::calls::Calls;
use super::whole::{self, Whole};
use crate::error::StageError;

/// Asks for the fields that do not pass until they do or the calls are used up. An answer is taken where it has fewer
/// errors than what was there.
pub(super) async fn until_valid(calls: &mut Calls<'_>, mut draft: Draft) -> Result<Draft, StageError> {
    while calls.corrections > 0 {
        let errors = errors(calls, &draft.data);
        let fields = fields_of(&errors, calls, &draft.data);
        if errors.is_empty() || fields.is_empty() {
            break;
        }
        calls.corrections -= 1;
        let mut known = fields.iter().fold(draft.data.clone(), |data, field| field.without(&data));
        drop_info(&mut known);
        let answer = match whole::fields(calls, &fields, &known, &list(&errors)).await {
            Ok(Whole::Data(answer)) => answer,
            Ok(Whole::Cut(_)) => break,
            // What there is was paid for; that no better one is to be had does not spoil it.
            Err(error) if error.parked.is_some() || matches!(error.kind, ErrorKind::Invalid | ErrorKind::Forbidden) => {
                break;
            }
            Err(error) => return Err(error),
        };
        let answer = reply::convert(answer, &calls.subject.schema);
        let mut better = draft.data.clone();
        for field in &fields {
            let value = field.find(&answer).filter(|value| !value.is_null());
            if let Some(Ok(merged)) = value.map(|value| field.merge(&better, Some(value.clone()), None)) {
                better = merged;
            }
        }
        if self::errors(calls, &better).len() < errors.len() {
            draft.data = better;
        }
    }
    Ok(draft)
}

fn errors(calls: &Calls<'_>, data: &Value) -> Vec<Issue> {
    let mut issues = calls.subject.check(data);
    issues.retain(|issue| issue.severity == Severity::Error);
    issues
}

/// The fields that the errors speak of. An error of the document as a whole speaks of what is required and missing.
fn fields_of(errors: &[Issue], calls: &Calls<'_>, data: &Value) -> Vec<FieldPath> {
    let mut fields: Vec<FieldPath> = errors.iter().filter_map(|error| FieldPath::parse(&error.field)).collect();
    if errors.iter().any(|error| error.field.is_empty()) {
        let required = calls.subject.settings.schema.required_fields.iter();
        let missing = required.filter_map(|path| FieldPath::parse(path));
        fields.extend(missing.filter(|field| field.find(data).is_none_or(Value::is_null)));
    }
    let mut distinct: Vec<FieldPath> = Vec::new();
    for field in fields {
        let path = field.to_string();
        if !distinct.iter().any(|known| known.overlaps(&path)) {
            distinct.push(field);
        }
    }
    distinct
}

/// What was said of an answer is no value of the document.
pub(super) fn drop_info(data: &mut Value) {
    if let Some(fields) = data.as_object_mut() {
        fields.shift_remove("_extraction_info");
    }
}

pub(super) fn list(issues: &[Issue]) -> String {
    issues.iter().map(|issue| format!("- {}", issue.message)).collect::<Vec<_>>().join("\n")
}
