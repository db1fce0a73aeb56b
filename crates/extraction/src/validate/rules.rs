//! The rules of a schema, held against every value that their path names.
//!
//! A *restriction* says what may stand in a field: what breaks it is an error. A *verification* says what to look at: what
//! breaks it is a warning.

use jsonschema::Validator;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::issue::{Issue, Severity, bounded, show};
use super::json_schema::compile;
use super::paths::{Found, Path, join, leaves};
use crate::decimal;
use crate::prompt::Rule;
use crate::rule::{ANYWHERE, CORRECTION, read_config};

/// The check of warnings about rules that can't be used.
pub const UNUSABLE: &str = "unusable_rule";

/// What checks of schema rules begin with; the operator follows.
pub const RULE_PREFIX: &str = "rule_";

/// A rule that can be held against values.
#[derive(Debug)]
pub(super) struct FieldRule {
    path: Path,
    is_anywhere: bool,
    test: Test,
    check: String,
    severity: Severity,
    message: Option<String>,
    /// What is asked for, as the rule's settings say it.
    expected: Value,
}

#[derive(Debug)]
enum Test {
    Pattern { regex: String, validator: Box<Validator> },
    Choice(Vec<Value>),
    Least(Decimal),
    Most(Decimal),
    Shortest(usize),
    Longest(usize),
}

impl FieldRule {
    /// Reads the rules that test; those that correct are others' to read. What can't be used is a warning.
    pub(super) fn read_all(rules: &[Rule], unusable: &mut Vec<Issue>) -> Vec<Self> {
        let mut read = Vec::new();
        for rule in rules.iter().filter(|rule| rule.operator != CORRECTION) {
            match Self::read(rule) {
                Ok(rule) => read.push(rule),
                Err(problem) => unusable.push(unusable_rule(rule, &problem)),
            }
        }
        read
    }

    fn read(rule: &Rule) -> Result<Self, String> {
        let empty = serde_json::Map::new();
        let config = read_config(&rule.operator, rule.config.as_object().unwrap_or(&empty))?;
        let expected = config.values().next().cloned().unwrap_or_default();
        let number = || decimal::read(&expected).ok_or("the number has too many digits");
        let length =
            || expected.as_u64().and_then(|length| usize::try_from(length).ok()).ok_or("the length is too long");
        let test = match rule.operator.as_str() {
            "pattern" => {
                let validator = compile(&json!({"pattern": expected})).map_err(|error| error.message)?;
                let regex = expected.as_str().unwrap_or_default().to_owned();
                Test::Pattern { regex, validator: Box::new(validator) }
            }
            "enum" => Test::Choice(expected.as_array().cloned().unwrap_or_default()),
            "range_min" => Test::Least(number()?),
            "range_max" => Test::Most(number()?),
            "length_min" => Test::Shortest(length()?),
            _ => Test::Longest(length()?),
        };
        Ok(Self {
            path: Path::read(&rule.field_path),
            is_anywhere: rule.field_path.trim() == ANYWHERE,
            test,
            check: format!("{RULE_PREFIX}{}", rule.operator),
            severity: if rule.rule_type == "verification" { Severity::Warning } else { Severity::Error },
            message: rule.message.clone().filter(|message| !message.trim().is_empty()),
            expected,
        })
    }

    /// What breaks the rule.
    pub(super) fn issues(&self, data: &Value) -> Vec<Issue> {
        let found = self.values(data).into_iter().filter_map(|(place, value)| self.issue(place, value));
        bounded(found.collect())
    }

    fn values<'a>(&self, data: &'a Value) -> Vec<Found<'a>> {
        let found = if self.is_anywhere { leaves(data) } else { self.path.find_all(data) };
        // The length of a list is how many rows it has; everything else is asked of its values.
        if matches!(self.test, Test::Shortest(_) | Test::Longest(_)) {
            return found;
        }
        let values = found.into_iter().flat_map(|(place, value)| match value {
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.map(|(index, item)| (join(&place, &index.to_string()), item)).collect()
            }
            _ => vec![(place, value)],
        });
        values.collect()
    }

    /// The issue of one value. A value that is not there breaks no rule.
    fn issue(&self, place: String, value: &Value) -> Option<Issue> {
        let problem = self.problem(value)?;
        let message = self.message.clone().unwrap_or_else(|| format!("{place} {problem}"));
        let issue = Issue::of_check(&self.check, self.severity, place, message);
        Some(issue.with_values(Some(value.clone()), Some(self.expected.clone())))
    }

    /// Where it is broken.
    pub(super) fn places(&self, data: &Value) -> Vec<String> {
        let broken = self.values(data).into_iter().filter(|(_, value)| self.problem(value).is_some());
        broken.map(|(place, _)| place).collect()
    }

    fn problem(&self, value: &Value) -> Option<String> {
        if value.is_null() {
            return None;
        }
        let found = show(value);
        let is_met = match &self.test {
            Test::Pattern { validator, .. } => {
                text_of(value).is_none_or(|text| validator.is_valid(&Value::String(text)))
            }
            Test::Choice(values) => value.is_object() || values.iter().any(|choice| is_same(choice, value)),
            Test::Least(_) | Test::Most(_) => {
                let Some(number) = decimal::read(value) else {
                    return Some(format!("is {found}, which is no number"));
                };
                match &self.test {
                    Test::Least(limit) => number >= *limit,
                    Test::Most(limit) => number <= *limit,
                    _ => true,
                }
            }
            Test::Shortest(limit) => length(value).is_none_or(|length| length >= *limit),
            Test::Longest(limit) => length(value).is_none_or(|length| length <= *limit),
        };
        (!is_met).then(|| match &self.test {
            Test::Pattern { regex, .. } => format!("is {found}, which does not match the pattern {regex}"),
            Test::Choice(values) => {
                let choices: Vec<String> = values.iter().take(20).map(show).collect();
                format!("must be one of {}, but is {found}", choices.join(", "))
            }
            Test::Least(limit) => format!("must be at least {limit}, but is {found}"),
            Test::Most(limit) => format!("must be at most {limit}, but is {found}"),
            Test::Shortest(limit) => format!("must have a length of at least {limit}, but is {found}"),
            Test::Longest(limit) => format!("must have a length of at most {limit}, but is {found}"),
        })
    }
}

/// The warning that stands for a rule that can't be used.
pub(super) fn unusable_rule(rule: &Rule, problem: &str) -> Issue {
    let message = format!("the rule {} of {} is not used: {problem}", rule.operator, rule.field_path);
    Issue::of_check(UNUSABLE, Severity::Warning, String::new(), message)
}

/// What a pattern looks at; patterns say nothing of objects and lists.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Whether a value is a choice: the same value, or the same number however it is written.
fn is_same(choice: &Value, value: &Value) -> bool {
    let is_number = |value: &Value| value.is_number();
    choice == value
        || (is_number(choice) || is_number(value))
            && decimal::read(choice).is_some_and(|number| decimal::read(value) == Some(number))
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => Some(items.len()),
        Value::Object(_) | Value::Null => None,
        _ => text_of(value).map(|text| text.chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(rule_type: &str, operator: &str, field_path: &str, config: Value, message: Option<&str>) -> Rule {
        Rule {
            priority: 0,
            rule_type: rule_type.to_owned(),
            operator: operator.to_owned(),
            field_path: field_path.to_owned(),
            config,
            message: message.map(str::to_owned),
        }
    }

    fn found(operator: &str, path: &str, config: Value, data: &Value) -> Vec<String> {
        let mut unusable = Vec::new();
        let rules = FieldRule::read_all(&[rule("restriction", operator, path, config, None)], &mut unusable);
        assert_eq!(unusable, []);
        rules[0].issues(data).into_iter().map(|issue| issue.field).collect()
    }

    #[test]
    fn every_value_that_a_path_names_is_tested() {
        let data = json!({"number": "R-1", "amount": 5, "text_amount": "1.234,50", "empty": null, "tags": ["a", "toolong"],
            "items": [{"code": "A1", "q": 1}, {"code": "b2", "q": 0}, {"q": "x"}], "_extraction_info": {"note": "b2"}});
        let none: [&str; 0] = [];
        assert_eq!(found("pattern", "number", json!({"regex": "^R-"}), &data), none);
        assert_eq!(found("pattern", "amount", json!({"regex": "^\\d$"}), &data), none);
        for path in ["items[].code", "items.*.code", "items[*].code", "items.code"] {
            assert_eq!(found("pattern", path, json!({"regex": "^[A-Z]\\d$"}), &data), ["items.1.code"], "{path}");
        }
        assert_eq!(found("pattern", "items[1].code", json!({"regex": "^[A-Z]"}), &data), ["items.1.code"]);
        assert_eq!(found("pattern", "*", json!({"regex": "^[^b]*$"}), &data), ["items.1.code"]);
        assert_eq!(found("enum", "items[].code", json!({"values": ["A1", "B2"]}), &data), ["items.1.code"]);
        assert_eq!(found("enum", "amount", json!({"values": ["5.0"]}), &data), none);
        assert_eq!(found("range_min", "items[].q", json!({"value": 1}), &data), ["items.1.q", "items.2.q"]);
        assert_eq!(found("range_max", "text_amount", json!({"value": 1234}), &data), ["text_amount"]);
        assert_eq!(found("range_max", "text_amount", json!({"value": 1234.5}), &data), none);
        assert_eq!(found("length_max", "tags[]", json!({"value": 3}), &data), ["tags.1"]);
        assert_eq!(found("length_max", "items", json!({"value": 2}), &data), ["items"]);
        assert_eq!(found("length_min", "number", json!({"value": 4}), &data), ["number"]);
        for path in ["empty", "missing", "missing[].x", "number.deeper"] {
            assert_eq!(found("length_min", path, json!({"value": 9}), &data), none, "{path}");
        }
    }

    #[test]
    fn what_is_told_is_what_the_rule_says() {
        let mut unusable = Vec::new();
        let rules = [
            rule("restriction", "enum", "currency", json!({"values": ["EUR"]}), Some("only euros")),
            rule("verification", "range_max", "total", json!({"value": 100}), None),
            rule("verification", "pattern", "total", json!({"regex": "("}), None),
            rule("restriction", CORRECTION, "*", json!({}), None),
        ];
        let read = FieldRule::read_all(&rules, &mut unusable);
        let data = json!({"currency": "USD", "total": 100.5});
        let issues: Vec<Issue> = read.iter().flat_map(|rule| rule.issues(&data)).collect();
        assert_eq!(
            serde_json::to_value(issues).unwrap(),
            json!([
                {"field": "currency", "message": "only euros", "severity": "error", "actual": "USD", "expected": ["EUR"], "check": "rule_enum"},
                {"field": "total", "message": "total must be at most 100, but is 100.5", "severity": "warning", "actual": 100.5, "expected": 100, "check": "rule_range_max"},
            ])
        );
        assert_eq!((unusable.len(), unusable[0].severity), (1, Severity::Warning));
        assert!(unusable[0].message.contains("pattern of total"), "{}", unusable[0].message);
    }

    #[test]
    fn a_long_list_is_told_in_short() {
        let rows: Vec<Value> = (0..5_000).map(|_| json!({"q": 0})).collect();
        assert_eq!(found("range_min", "items[].q", json!({"value": 1}), &json!({"items": rows})).len(), 101);
    }
}
