//! What a number of edits have in common.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sluice_db::models::reports::corrections::LoggedEdit;
use utoipa::ToSchema;

use crate::wire;

const MAX_FIELDS: usize = 20;
const MAX_EXAMPLES: usize = 5;
const MAX_CONFUSIONS: usize = 100;
const MAX_CONTEXTS: usize = 20;
/// Longer texts are prose: what differs there is no misread character.
const MAX_TEXT_CHARS: usize = 100;
const MAX_DIFFERENCES: usize = 5;

/// What people corrected in the manifests of a project.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CorrectionAnalysis {
    /// Edits.
    pub(crate) total_logs: usize,
    /// Values that they changed.
    pub(crate) total_diffs: usize,
    date_range: EditSpan,
    /// The values that were corrected most often.
    top_corrected_fields: Vec<CorrectedField>,
    /// Characters that were corrected inside of texts, the most frequent first.
    pub(crate) ocr_confusions: Vec<Confusion>,
    summary: EditSummary,
}

/// When the first and the last of the edits were made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
struct EditSpan {
    #[serde(serialize_with = "wire::optional_time")]
    from: Option<DateTime<Utc>>,
    #[serde(serialize_with = "wire::optional_time")]
    to: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct CorrectedField {
    /// Dot path, indexes as segments.
    path: String,
    count: usize,
    /// The most frequent corrections.
    examples: Vec<Correction>,
}

/// What a value was changed into, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Correction {
    pub(super) before: Value,
    pub(super) after: Value,
    pub(super) count: usize,
}

/// A character that was read as another.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Confusion {
    /// As it was read.
    pub(super) from: String,
    /// As it should have been.
    pub(super) to: String,
    pub(super) count: usize,
    /// In which values, `*` for any index.
    pub(super) contexts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EditSummary {
    manifests_with_corrections: usize,
    unique_fields_corrected: usize,
    /// With one decimal.
    avg_diffs_per_log: f64,
}

/// One changed value of an edit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Diff<'a> {
    pub(super) path: &'a str,
    pub(super) before: &'a Value,
    pub(super) after: &'a Value,
}

/// Says what a number of edits have in common.
pub(crate) fn analyze(edits: &[LoggedEdit]) -> CorrectionAnalysis {
    let diffs: Vec<Diff<'_>> = edits.iter().flat_map(diffs).collect();
    let mut fields: Vec<CorrectedField> = group(&diffs, |diff| diff.path.to_owned())
        .into_iter()
        .map(|(path, diffs)| CorrectedField { path, count: diffs.len(), examples: corrections(&diffs, MAX_EXAMPLES) })
        .collect();
    // The sort is stable, so that equals stay in the order of their paths.
    fields.sort_by_key(|field| std::cmp::Reverse(field.count));
    let manifests: HashSet<i32> = edits.iter().map(|edit| edit.manifest_id).collect();
    let summary = EditSummary {
        manifests_with_corrections: manifests.len(),
        unique_fields_corrected: fields.len(),
        avg_diffs_per_log: average(diffs.len(), edits.len()),
    };
    fields.truncate(MAX_FIELDS);
    CorrectionAnalysis {
        total_logs: edits.len(),
        total_diffs: diffs.len(),
        date_range: EditSpan {
            from: edits.iter().map(|edit| edit.created_at).min(),
            to: edits.iter().map(|edit| edit.created_at).max(),
        },
        top_corrected_fields: fields,
        ocr_confusions: confusions(&diffs),
        summary,
    }
}

/// The changed values of an edit; what is no difference in the stored JSON is passed over.
pub(super) fn diffs(edit: &LoggedEdit) -> impl Iterator<Item = Diff<'_>> {
    const NOTHING: Value = Value::Null;
    edit.diffs.as_array().into_iter().flatten().filter_map(|diff| {
        Some(Diff {
            path: diff.get("path")?.as_str()?,
            before: diff.get("before").unwrap_or(&NOTHING),
            after: diff.get("after").unwrap_or(&NOTHING),
        })
    })
}

/// Puts diffs together that have the same key.
pub(super) fn group<'a>(diffs: &[Diff<'a>], key: impl Fn(&Diff<'a>) -> String) -> BTreeMap<String, Vec<Diff<'a>>> {
    let mut groups: BTreeMap<String, Vec<Diff<'a>>> = BTreeMap::new();
    for diff in diffs {
        groups.entry(key(diff)).or_default().push(*diff);
    }
    groups
}

/// The different corrections among some diffs, the most frequent first.
pub(super) fn corrections(diffs: &[Diff<'_>], most: usize) -> Vec<Correction> {
    let mut counts: BTreeMap<(String, String), Correction> = BTreeMap::new();
    for diff in diffs {
        let key = (diff.before.to_string(), diff.after.to_string());
        let correction = Correction { before: diff.before.clone(), after: diff.after.clone(), count: 0 };
        counts.entry(key).or_insert(correction).count += 1;
    }
    let mut corrections: Vec<Correction> = counts.into_values().collect();
    corrections.sort_by_key(|correction| std::cmp::Reverse(correction.count));
    corrections.truncate(most);
    corrections
}

/// The path with `*` for every index.
pub(super) fn without_indexes(path: &str) -> String {
    let is_index = |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let segments: Vec<&str> = path.split('.').map(|segment| if is_index(segment) { "*" } else { segment }).collect();
    segments.join(".")
}

fn confusions(diffs: &[Diff<'_>]) -> Vec<Confusion> {
    let mut found: BTreeMap<(char, char), (usize, BTreeSet<String>)> = BTreeMap::new();
    for diff in diffs {
        let (Value::String(before), Value::String(after)) = (diff.before, diff.after) else {
            continue;
        };
        for pair in substitutions(before, after) {
            let (count, contexts) = found.entry(pair).or_default();
            *count += 1;
            if contexts.len() < MAX_CONTEXTS {
                contexts.insert(without_indexes(diff.path));
            }
        }
    }
    let confusion = |((from, to), (count, contexts)): ((char, char), (usize, BTreeSet<String>))| Confusion {
        from: from.to_string(),
        to: to.to_string(),
        count,
        contexts: contexts.into_iter().collect(),
    };
    let mut confusions: Vec<Confusion> = found.into_iter().map(confusion).collect();
    confusions.sort_by_key(|confusion| std::cmp::Reverse(confusion.count));
    confusions.truncate(MAX_CONFUSIONS);
    confusions
}

/// The characters that were replaced, when two texts differ in a few of them alone.
fn substitutions(before: &str, after: &str) -> Vec<(char, char)> {
    let length = before.chars().count();
    if length > MAX_TEXT_CHARS || length != after.chars().count() {
        return Vec::new();
    }
    let pairs: Vec<(char, char)> = before.chars().zip(after.chars()).filter(|(old, new)| old != new).collect();
    if pairs.len() > MAX_DIFFERENCES { Vec::new() } else { pairs }
}

/// With one decimal.
fn average(diffs: usize, logs: usize) -> f64 {
    if logs == 0 {
        return 0.0;
    }
    // In whole tenths, halves rounded up.
    let tenths = (diffs.saturating_mul(20).saturating_add(logs)) / logs.saturating_mul(2);
    format!("{}.{}", tenths / 10, tenths % 10).parse().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn edit(manifest_id: i32, minute: i64, diffs: Value) -> LoggedEdit {
        let created_at = DateTime::from_timestamp(minute * 60, 0).unwrap();
        LoggedEdit { manifest_id, diffs, created_at }
    }

    #[test]
    fn edits_are_counted_by_value_and_by_character() {
        let edits = [
            edit(1, 5, json!([{"path": "po", "before": "PO-1O", "after": "PO-10"}])),
            edit(
                1,
                3,
                json!([{"path": "items.0.code", "before": "O1l", "after": "011"}, {"path": "total", "before": 1, "after": 2}]),
            ),
            edit(
                2,
                4,
                json!([{"path": "po", "before": "PO-1O", "after": "PO-10"}, {"path": "po", "before": null, "after": "x"}]),
            ),
        ];
        let expected = json!({
            "totalLogs": 3, "totalDiffs": 5,
            "dateRange": {"from": "1970-01-01T00:03:00.000Z", "to": "1970-01-01T00:05:00.000Z"},
            "topCorrectedFields": [
                {"path": "po", "count": 3, "examples": [
                    {"before": "PO-1O", "after": "PO-10", "count": 2}, {"before": null, "after": "x", "count": 1}]},
                {"path": "items.0.code", "count": 1, "examples": [{"before": "O1l", "after": "011", "count": 1}]},
                {"path": "total", "count": 1, "examples": [{"before": 1, "after": 2, "count": 1}]},
            ],
            "ocrConfusions": [
                {"from": "O", "to": "0", "count": 3, "contexts": ["items.*.code", "po"]},
                {"from": "l", "to": "1", "count": 1, "contexts": ["items.*.code"]},
            ],
            "summary": {"manifestsWithCorrections": 2, "uniqueFieldsCorrected": 3, "avgDiffsPerLog": 1.7},
        });
        assert_eq!(serde_json::to_value(analyze(&edits)).unwrap(), expected);
    }

    #[test]
    fn without_edits_there_is_nothing_to_say() {
        let expected = json!({
            "totalLogs": 0, "totalDiffs": 0, "dateRange": {"from": null, "to": null}, "topCorrectedFields": [],
            "ocrConfusions": [],
            "summary": {"manifestsWithCorrections": 0, "uniqueFieldsCorrected": 0, "avgDiffsPerLog": 0.0},
        });
        assert_eq!(serde_json::to_value(analyze(&[])).unwrap(), expected);
    }

    #[test]
    fn what_is_stored_in_another_form_is_passed_over() {
        for stored in [json!(null), json!({"path": "a"}), json!(["a", {"before": 1}, {"path": 3}])] {
            assert_eq!(analyze(&[edit(1, 0, stored)]).total_diffs, 0);
        }
    }

    #[test]
    fn only_few_differences_in_short_texts_are_confusions() {
        assert_eq!(substitutions("abcdef", "ABCDEf"), [('a', 'A'), ('b', 'B'), ('c', 'C'), ('d', 'D'), ('e', 'E')]);
        assert_eq!(substitutions("größe", "grösse"), []);
        assert_eq!(substitutions("größe", "gro\u{df}e"), [('ö', 'o')]);
        for (before, after) in [("abcdef".to_owned(), "ABCDEF".to_owned()), ("a".repeat(101), "b".repeat(101))] {
            assert_eq!(substitutions(&before, &after), []);
        }
        assert_eq!(substitutions("same", "same"), []);
    }

    #[test]
    fn lists_are_bounded() {
        let many: Vec<Value> = (0..50)
            .map(|number| json!({"path": format!("field{number}"), "before": number, "after": "x"}))
            .chain((0..50).map(|number| json!({"path": "field7", "before": number, "after": "y"})))
            .collect();
        let analysis = analyze(&[edit(1, 0, json!(many))]);
        assert_eq!((analysis.top_corrected_fields.len(), analysis.summary.unique_fields_corrected), (20, 50));
        assert_eq!((analysis.top_corrected_fields[0].count, analysis.top_corrected_fields[0].examples.len()), (51, 5));
    }

    #[test]
    fn indexes_are_stars() {
        for (path, expected) in
            [("items.0.q", "items.*.q"), ("0", "*"), ("a.b2", "a.b2"), ("a.10.11", "a.*.*"), ("", ""), ("a..1", "a..*")]
        {
            assert_eq!(without_indexes(path), expected);
        }
    }
}
