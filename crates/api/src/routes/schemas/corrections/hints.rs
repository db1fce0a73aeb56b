//! What edits suggest to tell the model.

use serde::Serialize;
use serde_json::Value;
use sluice_db::models::reports::corrections::LoggedEdit;
use utoipa::ToSchema;

use super::analysis::{Confusion, Correction, analyze, corrections, diffs, group, without_indexes};

const MAX_PATTERNS: usize = 10;
const MAX_SUGGESTIONS: usize = 100;
const MAX_CONFUSIONS: usize = 20;
const MAX_FIELD_HINTS: usize = 10;
/// Longer values are cut in what is meant to be read.
const MAX_SHOWN_CHARS: usize = 60;

/// A rule that edits of a value suggest.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CorrectionSuggestion {
    /// Dot path, `*` for any index.
    field_path: String,
    correction_count: usize,
    /// Corrections that were made more than once.
    patterns: Vec<Correction>,
    /// A sentence for the rules of the prompt.
    suggested_rule: String,
}

/// Hints in the form of a schema's `ocrDomainHints`.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DomainHints {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    known_confusions: Vec<KnownConfusion>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    field_hints: Vec<FieldHint>,
}

#[derive(Debug, PartialEq, Serialize, ToSchema)]
struct KnownConfusion {
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    context: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, ToSchema)]
struct FieldHint {
    field: String,
    hint: String,
}

/// Suggests a rule for each value that was corrected often enough, the most frequent first.
pub(super) fn suggest(edits: &[LoggedEdit], threshold: usize) -> Vec<CorrectionSuggestion> {
    let diffs: Vec<_> = edits.iter().flat_map(diffs).collect();
    let mut suggestions: Vec<CorrectionSuggestion> = group(&diffs, |diff| without_indexes(diff.path))
        .into_iter()
        .filter(|(_, diffs)| diffs.len() >= threshold)
        .map(|(field_path, diffs)| {
            let mut patterns = corrections(&diffs, MAX_PATTERNS);
            patterns.retain(|pattern| pattern.count >= 2);
            let suggested_rule = rule(&field_path, diffs.len(), &patterns);
            CorrectionSuggestion { correction_count: diffs.len(), field_path, patterns, suggested_rule }
        })
        .collect();
    suggestions.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.correction_count));
    suggestions.truncate(MAX_SUGGESTIONS);
    suggestions
}

/// Hints from confusions and corrections that are frequent enough.
pub(super) fn hint(edits: &[LoggedEdit], threshold: usize) -> DomainHints {
    let is_frequent = |confusion: &Confusion| confusion.count >= threshold;
    let known = |confusion: Confusion| KnownConfusion {
        from: confusion.from,
        to: confusion.to,
        context: (!confusion.contexts.is_empty()).then(|| confusion.contexts.join(", ")),
    };
    let confusions = analyze(edits).ocr_confusions.into_iter().filter(is_frequent);
    let hint = |suggestion: CorrectionSuggestion| FieldHint {
        hint: advice(suggestion.correction_count, &suggestion.patterns),
        field: suggestion.field_path,
    };
    DomainHints {
        known_confusions: confusions.take(MAX_CONFUSIONS).map(known).collect(),
        field_hints: suggest(edits, threshold).into_iter().take(MAX_FIELD_HINTS).map(hint).collect(),
    }
}

fn rule(path: &str, count: usize, patterns: &[Correction]) -> String {
    format!("Check `{path}`: {}", advice(count, patterns))
}

fn advice(count: usize, patterns: &[Correction]) -> String {
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    match patterns.first() {
        Some(pattern) => {
            let (before, after) = (shown(&pattern.before), shown(&pattern.after));
            format!("people corrected it {times}, most often {before} to {after}.")
        }
        None => format!("people corrected it {times}, each time in another way; copy it exactly as it is printed."),
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return "nothing".to_owned(),
        Value::String(text) if text.is_empty() => return "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let cut: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if cut.len() < text.len() { format!("\"{cut}…\"") } else { format!("\"{cut}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use serde_json::json;

    fn edits() -> Vec<LoggedEdit> {
        let change = |path: &str, before: Value, after: Value| json!({"path": path, "before": before, "after": after});
        let all = [
            json!([change("items.0.code", json!("A1O"), json!("A10")), change("total", json!(1), json!(2))]),
            json!([change("items.1.code", json!("A1O"), json!("A10")), change("total", json!(1.5), json!(3))]),
            json!([change("items.0.code", json!(null), json!("B1")), change("po", json!("O"), json!("0"))]),
        ];
        all.into_iter().map(|diffs| LoggedEdit { manifest_id: 1, diffs, created_at: DateTime::UNIX_EPOCH }).collect()
    }

    #[test]
    fn values_that_were_corrected_often_get_a_rule() {
        let expected = json!([
            {"fieldPath": "items.*.code", "correctionCount": 3,
             "patterns": [{"before": "A1O", "after": "A10", "count": 2}],
             "suggestedRule": "Check `items.*.code`: people corrected it 3 times, most often \"A1O\" to \"A10\"."},
            {"fieldPath": "total", "correctionCount": 2, "patterns": [],
             "suggestedRule": "Check `total`: people corrected it 2 times, each time in another way; copy it exactly as it is printed."},
        ]);
        assert_eq!(serde_json::to_value(suggest(&edits(), 2)).unwrap(), expected);
        assert_eq!(suggest(&edits(), 1).len(), 3);
        assert_eq!(suggest(&edits(), 4), []);
    }

    #[test]
    fn hints_name_confusions_and_fields_and_leave_out_what_is_empty() {
        let expected = json!({
            "knownConfusions": [{"from": "O", "to": "0", "context": "items.*.code, po"}],
            "fieldHints": [{"field": "items.*.code", "hint": "people corrected it 3 times, most often \"A1O\" to \"A10\"."}],
        });
        assert_eq!(serde_json::to_value(hint(&edits(), 3)).unwrap(), expected);
        assert_eq!(serde_json::to_value(hint(&edits(), 4)).unwrap(), json!({}));
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(shown(&json!("ü".repeat(61))), format!("\"{}…\"", "ü".repeat(60)));
        assert_eq!((shown(&json!("")), shown(&json!({"a": 1}))), ("nothing".to_owned(), r#""{"a":1}""#.to_owned()));
    }
}
