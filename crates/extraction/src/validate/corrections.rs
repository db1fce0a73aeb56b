//! What OCR often misreads, put right before the checks, and told.
//!
//! A mapping for a field, or for whole words, is applied wherever it fits. A mapping of one or two characters for the whole document
//! (`O` is `0`) would spoil every name, so it is applied only to values that fail without it and pass with it. Numbers are never
//! touched, nor are texts that are numbers already and would become others.

use std::collections::BTreeSet;

use serde_json::Value;

use super::issue::{Issue, Severity, bounded};
use super::paths::{Path, find_mut, leaves};
use super::rules::unusable_rule;
use crate::decimal;
use crate::prompt::Rule;
use crate::rule::{ANYWHERE, CORRECTION, read_config};

/// The check of issues that tell a correction.
pub const CORRECTED: &str = "ocr_correction";

/// Mappings up to this length are confusions of characters.
const CONFUSION: usize = 2;

/// Mappings, and where they apply.
#[derive(Debug)]
pub(super) struct Correction {
    path: Option<Path>,
    mappings: Vec<(String, String)>,
    message: Option<String>,
}

/// A change that is about to be made.
struct Change {
    place: String,
    before: String,
    after: String,
    /// Whether only a value that fails is worth it.
    must_mend: bool,
    message: Option<String>,
}

impl Correction {
    pub(super) fn read_all(rules: &[Rule], unusable: &mut Vec<Issue>) -> Vec<Self> {
        let mut read = Vec::new();
        for rule in rules.iter().filter(|rule| rule.operator == CORRECTION) {
            let empty = serde_json::Map::new();
            match read_config(&rule.operator, rule.config.as_object().unwrap_or(&empty)) {
                Ok(config) => read.push(Self::of(rule, config.get("mappings").unwrap_or(&Value::Null))),
                Err(problem) => unusable.push(unusable_rule(rule, &problem)),
            }
        }
        read
    }

    fn of(rule: &Rule, mappings: &Value) -> Self {
        let text = |mapping: &Value, key: &str| mapping.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mappings = mappings.as_array().into_iter().flatten();
        let path = rule.field_path.trim();
        Self {
            path: (!path.is_empty() && path != ANYWHERE).then(|| Path::read(path)),
            mappings: mappings.map(|mapping| (text(mapping, "from"), text(mapping, "to"))).collect(),
            message: rule.message.clone().filter(|message| !message.trim().is_empty()),
        }
    }

    fn change(&self, place: String, before: &str) -> Option<Change> {
        let (mut after, mut must_mend) = (before.to_owned(), false);
        for (from, to) in self.mappings.iter().filter(|(from, _)| !from.is_empty()) {
            if after.contains(from.as_str()) {
                after = after.replace(from.as_str(), to);
                must_mend |= self.path.is_none() && from.chars().count() <= CONFUSION;
            }
        }
        let is_other_number =
            decimal::read_text(before).is_some_and(|number| decimal::read_text(&after) != Some(number));
        if after == before || after.trim().is_empty() || is_other_number {
            return None;
        }
        Some(Change { place, before: before.to_owned(), after, must_mend, message: self.message.clone() })
    }

    fn changes(&self, data: &Value) -> Vec<Change> {
        let all = match &self.path {
            None => leaves(data),
            Some(path) => path.find_all(data).into_iter().flat_map(|(place, value)| below(place, value)).collect(),
        };
        all.into_iter().filter_map(|(place, value)| self.change(place, value.as_str()?)).collect()
    }
}

/// A value, or the values inside it.
fn below(place: String, value: &Value) -> Vec<(String, &Value)> {
    leaves(value)
        .into_iter()
        .map(|(inner, value)| {
            let whole = if inner.is_empty() { place.clone() } else { format!("{place}.{inner}") };
            (whole, value)
        })
        .collect()
}

/// Applies corrections; `failing` answers the places of data that break the schema or a rule.
pub(super) fn apply(
    corrections: &[Correction],
    data: &mut Value,
    failing: impl Fn(&Value) -> BTreeSet<String>,
) -> Vec<Issue> {
    let mut failed_before: Option<BTreeSet<String>> = None;
    let mut issues = Vec::new();
    for correction in corrections {
        let changes = correction.changes(data);
        if changes.is_empty() {
            continue;
        }
        let before = failed_before.take().unwrap_or_else(|| failing(data));
        let wanted: Vec<Change> =
            changes.into_iter().filter(|change| !change.must_mend || before.contains(&change.place)).collect();
        wanted.iter().for_each(|change| put(data, &change.place, &change.after));
        let after = failing(data);
        let mut is_undone = false;
        for change in wanted {
            // What mends nothing where it had to, or breaks what was good, is taken back.
            if after.contains(&change.place) && (change.must_mend || !before.contains(&change.place)) {
                put(data, &change.place, &change.before);
                is_undone = true;
                continue;
            }
            let told = format!("{}: \"{}\" was corrected to \"{}\"", change.place, change.before, change.after);
            let message = change.message.map_or_else(|| told.clone(), |message| format!("{told}: {message}"));
            let issue = Issue::of_check(CORRECTED, Severity::Warning, change.place, message);
            issues.push(issue.with_values(Some(change.before.into()), Some(change.after.into())));
        }
        failed_before = (!is_undone).then_some(after);
    }
    bounded(issues)
}

fn put(data: &mut Value, place: &str, text: &str) {
    if let Some(value) = find_mut(data, place) {
        *value = Value::String(text.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(field_path: &str, mappings: &[(&str, &str)]) -> Rule {
        let mappings: Vec<Value> = mappings.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
        Rule {
            priority: 0,
            rule_type: "verification".to_owned(),
            operator: CORRECTION.to_owned(),
            field_path: field_path.to_owned(),
            config: json!({"mappings": mappings}),
            message: None,
        }
    }

    fn corrected(rules: &[Rule], mut data: Value, failing: impl Fn(&Value) -> BTreeSet<String>) -> (Value, Vec<Issue>) {
        let issues = apply(&Correction::read_all(rules, &mut Vec::new()), &mut data, failing);
        (data, issues)
    }

    /// Numbers of documents are digits.
    fn digits_only(data: &Value) -> BTreeSet<String> {
        let text = data["number"].as_str().unwrap_or_default();
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            BTreeSet::new()
        } else {
            BTreeSet::from(["number".to_owned()])
        }
    }

    #[test]
    fn a_field_is_corrected_and_it_is_told() {
        let data = json!({"number": "4O71", "seller": "OTTO", "total": 10});
        let (data, issues) = corrected(&[rule("number", &[("O", "0")])], data, digits_only);
        assert_eq!(data, json!({"number": "4071", "seller": "OTTO", "total": 10}));
        assert_eq!(issues.len(), 1);
        let issue = &issues[0];
        assert_eq!(
            (issue.field.as_str(), issue.severity, issue.check.as_deref()),
            ("number", Severity::Warning, Some(CORRECTED))
        );
        assert_eq!((&issue.actual, &issue.expected), (&Some(json!("4O71")), &Some(json!("4071"))));
        assert_eq!(issue.message, "number: \"4O71\" was corrected to \"4071\"");
    }

    #[test]
    fn a_confusion_anywhere_mends_only_what_fails() {
        let data = json!({"number": "4O71", "seller": "OTTO", "items": [{"text": "ROPE"}]});
        let (data, issues) = corrected(&[rule("*", &[("O", "0")])], data, digits_only);
        assert_eq!(data, json!({"number": "4071", "seller": "OTTO", "items": [{"text": "ROPE"}]}));
        assert_eq!(issues.len(), 1);
        // It does not help, so it is not done.
        let before = json!({"number": "4O7X"});
        assert_eq!(corrected(&[rule("", &[("O", "0")])], before.clone(), digits_only), (before, vec![]));
    }

    #[test]
    fn words_are_corrected_anywhere() {
        let data = json!({"seller": "Seil Gmbl-l", "items": [{"text": "Gmbl-l"}, {"text": null}]});
        let (data, issues) = corrected(&[rule("*", &[("Gmbl-l", "GmbH")])], data, |_| BTreeSet::new());
        assert_eq!(data, json!({"seller": "Seil GmbH", "items": [{"text": "GmbH"}, {"text": null}]}));
        assert_eq!(issues.iter().map(|issue| issue.field.as_str()).collect::<Vec<_>>(), ["seller", "items.0.text"]);
    }

    #[test]
    fn numbers_keep_their_meaning() {
        let data = json!({"a": 10, "b": "10.50", "c": "1O.5O", "_extraction_info": {"x": "1O"}});
        let rules = [
            rule("*", &[("1O", "10")]),
            rule("b", &[("1", "7"), ("0", "8")]),
            rule("c", &[("O", "0")]),
            rule("a", &[("1", "7")]),
        ];
        let (data, issues) = corrected(&rules, data, |_| BTreeSet::new());
        assert_eq!(data, json!({"a": 10, "b": "10.50", "c": "10.50", "_extraction_info": {"x": "1O"}}));
        assert_eq!(issues.len(), 1);
    }

    #[test]
    fn a_correction_that_breaks_what_was_good_is_taken_back() {
        let before = json!({"number": "4711"});
        let rules = [rule("number", &[("471", "47I")])];
        assert_eq!(corrected(&rules, before.clone(), digits_only), (before, vec![]));
    }
}
