//! The rules of a schema that are about several fields.

use serde_json::Value;

use super::Findings;
use super::expression::{Expression, Violation};
use super::issue::{Issue, Severity, bounded, show};
use super::paths::Path;
use super::rules::UNUSABLE;
use crate::rule;

/// The check of issues that cross-field rules find.
pub const CROSS_FIELD: &str = "cross_field";

/// People write rules by hand.
const MOST: usize = 200;

/// A rule that can be asked.
#[derive(Debug)]
pub(super) struct CrossFieldRule {
    name: String,
    text: String,
    expression: Expression,
    message: Option<String>,
    severity: Severity,
    /// Paths that the schema does not have.
    strange: Vec<String>,
}

impl CrossFieldRule {
    /// Reads the rules of the validation settings that are switched on; one that can't be read is a warning.
    pub(super) fn read_all(settings: Option<&Value>, json_schema: &Value, unusable: &mut Vec<Issue>) -> Vec<Self> {
        let rules = settings.and_then(|settings| settings.get("crossFieldRules")).and_then(Value::as_array);
        let mut read = Vec::new();
        for rule in
            rules.into_iter().flatten().take(MOST).filter(|rule| rule.get("enabled") == Some(&Value::Bool(true)))
        {
            let text = |key: &str| rule.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
            let Some(expression) = text("expression") else { continue };
            let name = text("name").or_else(|| text("id")).unwrap_or(expression).to_owned();
            match Expression::parse(expression) {
                Ok(parsed) => read.push(Self {
                    strange: strange_paths(&parsed, json_schema),
                    name,
                    text: expression.to_owned(),
                    expression: parsed,
                    message: text("errorMessage").map(str::to_owned),
                    severity: if text("severity") == Some("warning") { Severity::Warning } else { Severity::Error },
                }),
                Err(error) => {
                    let message = format!("the cross-field rule \"{name}\" is not used: {error}");
                    unusable.push(Issue::of_check(UNUSABLE, Severity::Warning, String::new(), message));
                }
            }
        }
        read
    }

    /// Asks the rule of data.
    pub(super) fn ask(&self, data: &Value, findings: &mut Findings) {
        // A rule about a field that never is passes always, which nobody would notice.
        let strange = self.strange.iter().find(|path| Path::read(path).find_all(data).is_empty());
        if let Some(path) = strange {
            let message =
                format!("the cross-field rule \"{}\" names {path}, which the schema does not have", self.name);
            findings.issues.push(Issue::of_check(UNUSABLE, Severity::Warning, String::new(), message));
        }
        let verdict = self.expression.ask(data);
        findings.corroborated.extend(verdict.corroborated);
        let issues = verdict.violations.into_iter().map(|violation| self.issue(violation));
        findings.issues.extend(bounded(issues.collect()));
    }

    fn issue(&self, violation: Violation) -> Issue {
        let Violation { field, actual, expected } = violation;
        let message = self.message.clone().unwrap_or_else(|| {
            let values = actual.as_ref().zip(expected.as_ref());
            let values = values.map(|(left, right)| format!(" ({} against {})", show(left), show(right)));
            format!("{} does not hold: {}{}", self.name, self.text, values.unwrap_or_default())
        });
        Issue::of_check(CROSS_FIELD, self.severity, field, message).with_values(actual, expected)
    }
}

/// A schema without properties says nothing of which fields there are.
fn strange_paths(expression: &Expression, json_schema: &Value) -> Vec<String> {
    let has_properties =
        json_schema.get("properties").and_then(Value::as_object).is_some_and(|fields| !fields.is_empty());
    if !has_properties {
        return Vec::new();
    }
    let paths = expression.paths().into_iter();
    paths.filter(|path| !rule::has_field(json_schema, &rule::tidy_path(path))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"properties": {"net": {"type": "number"}, "gross": {"type": "number"}, "note": {"type": "string"},
            "items": {"type": "array", "items": {"type": "object", "properties": {"amount": {"type": "number"}}}}}})
    }

    fn findings(rules: &Value, data: &Value) -> (Findings, Vec<Issue>) {
        let (mut findings, mut unusable) = (Findings::default(), Vec::new());
        let settings = json!({"crossFieldRules": rules});
        for rule in CrossFieldRule::read_all(Some(&settings), &schema(), &mut unusable) {
            rule.ask(data, &mut findings);
        }
        (findings, unusable)
    }

    #[test]
    fn rules_say_what_they_were_told_to_say() {
        let data = json!({"net": 10, "gross": 9, "items": [{"amount": 4}, {"amount": 6}]});
        let (found, unusable) = findings(
            &json!([
                {"id": "1", "name": "gross", "expression": "gross >= net", "errorMessage": "less than net", "severity": "error", "enabled": true},
                {"id": "2", "expression": "gross == net", "severity": "warning", "enabled": true},
                {"id": "3", "expression": "gross == 0", "enabled": false},
                {"id": "4", "expression": "gross == 0"},
                {"id": "5", "name": "sum", "expression": "net == sum(items[].amount)", "errorMessage": "x", "severity": "error", "enabled": true},
                {"id": "6", "expression": 5, "enabled": true},
            ]),
            &data,
        );
        assert_eq!(unusable, []);
        assert_eq!(
            serde_json::to_value(&found.issues).unwrap(),
            json!([
                {"field": "gross", "message": "less than net", "severity": "error", "actual": 9, "expected": 10, "check": "cross_field"},
                {"field": "gross", "message": "2 does not hold: gross == net (9 against 10)", "severity": "warning", "actual": 9, "expected": 10, "check": "cross_field"},
            ])
        );
        assert_eq!(
            found.corroborated.iter().map(String::as_str).collect::<Vec<_>>(),
            ["items.0.amount", "items.1.amount", "net"]
        );
    }

    #[test]
    fn a_rule_that_can_never_be_broken_is_told() {
        let (found, unusable) = findings(
            &json!([
                {"name": "broken", "expression": "gross === (net", "enabled": true},
                {"name": "strange", "expression": "groß >= net", "severity": "error", "enabled": true},
                {"name": "known", "expression": "extra == 1", "severity": "error", "enabled": true},
                {"name": "rows", "expression": "items.0.amount >= 1 and count(items[]) >= 1", "severity": "error", "enabled": true},
            ]),
            &json!({"net": 1, "extra": 1, "items": [{"amount": 1}]}),
        );
        assert_eq!(unusable.len(), 1);
        assert!(
            unusable[0].message.contains("\"broken\"") && unusable[0].message.contains("at character"),
            "{unusable:?}"
        );
        assert_eq!(found.issues.len(), 1);
        assert!(found.issues[0].message.contains("groß"), "{found:?}");
        assert_eq!(found.issues[0].severity, Severity::Warning);
    }

    #[test]
    fn settings_of_any_form_are_read() {
        for rules in [json!(null), json!("x"), json!([1, null, {}]), json!({"a": 1})] {
            let (found, unusable) = findings(&rules, &json!({}));
            assert_eq!((found.issues.len(), unusable.len()), (0, 0), "{rules}");
        }
    }
}
