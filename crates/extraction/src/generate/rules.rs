//! Rules of a schema from a description.

use serde_json::{Map, Value};

use super::{Result, Unusable, read_object};
use crate::prompt::Prompt;
use crate::rule::{ANYWHERE, CORRECTION, OPERATORS, TYPES, has_field, read_config, tidy_path};
use crate::schema::in_order;

/// A rule that can be stored as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedRule {
    /// The field, as required paths are written; `*` for the whole document.
    pub field_path: String,
    /// One of [`TYPES`].
    pub rule_type: String,
    /// One of [`OPERATORS`].
    pub rule_operator: String,
    /// The operator's settings.
    pub rule_config: Map<String, Value>,
    /// What to say when it is broken.
    pub error_message: Option<String>,
    /// From 0 to 10.
    pub priority: Option<i32>,
    /// Whether it is in force.
    pub enabled: Option<bool>,
    /// What it is for.
    pub description: Option<String>,
}

const INSTRUCTION: &str = "\
You write rules for values that are extracted from documents. Answer with one JSON object {\"rules\": [...]} and nothing else.

Each rule is {\"fieldPath\", \"ruleType\", \"ruleOperator\", \"ruleConfig\", \"errorMessage\", \"priority\", \"description\"}:
- fieldPath: a field of the JSON Schema below, as a dot path; fields of items as \"items[].amount\".
- ruleType: \"verification\" (the value is to be checked) or \"restriction\" (no other value is possible).
- ruleOperator and its ruleConfig: \"pattern\" {\"regex\"}, \"enum\" {\"values\": [...]}, \"range_min\" and \"range_max\" {\"value\": number}, \
\"length_min\" and \"length_max\" {\"value\": whole number}, \"ocr_correction\" {\"mappings\": [{\"from\", \"to\"}]}.
- errorMessage: what to tell a person when the rule is broken. description: what the rule is for.
- priority: 0 to 10; 10 is the most important.

Write only rules that were asked for or plainly follow from what was said.";

/// A rule that is dropped is named, the first few.
const MAX_PROBLEMS: usize = 5;

/// The messages.
#[must_use]
pub fn prompt(description: &str, context: Option<&str>, json_schema: &Value) -> Prompt {
    let schema = in_order(json_schema);
    let context = context.map(|context| format!("\n\nMore about these documents:\n\n{context}")).unwrap_or_default();
    Prompt {
        system: format!("{INSTRUCTION}\n\nJSON Schema:\n{schema:#}"),
        user: format!("The rules that are wanted:\n\n{description}{context}"),
    }
}

/// Reads the answer; rules that can't be used are dropped.
///
/// # Errors
/// When none is left, with what is wrong with the first of them.
pub fn read(content: &str, finish_reason: &str, json_schema: &Value) -> Result<Vec<GeneratedRule>> {
    let answer = read_object(content, finish_reason)?;
    let entries = answer.get("rules").and_then(Value::as_array);
    let entries = entries.ok_or_else(|| Unusable::new("it has no list \"rules\""))?;
    let mut rules = Vec::new();
    let mut problems = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match read_rule(entry, json_schema) {
            Ok(rule) => rules.push(rule),
            Err(problem) => problems.push(format!("rule {}: {problem}", index + 1)),
        }
    }
    if rules.is_empty() {
        problems.truncate(MAX_PROBLEMS);
        let what = if problems.is_empty() { "it has no rules".to_owned() } else { problems.join("; ") };
        return Err(Unusable(what));
    }
    Ok(rules)
}

fn read_rule(entry: &Value, json_schema: &Value) -> std::result::Result<GeneratedRule, String> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let rule_type = text("ruleType").unwrap_or_default().to_lowercase();
    if !TYPES.contains(&rule_type.as_str()) {
        return Err(format!("ruleType must be one of {}", TYPES.join(", ")));
    }
    let rule_operator = text("ruleOperator").unwrap_or_default().to_lowercase();
    if !OPERATORS.contains(&rule_operator.as_str()) {
        return Err(format!("ruleOperator must be one of {}", OPERATORS.join(", ")));
    }
    let field_path = read_path(text("fieldPath").unwrap_or_default(), &rule_operator, json_schema)?;
    let empty = Map::new();
    let config = entry.get("ruleConfig").and_then(Value::as_object).unwrap_or(&empty);
    let priority = entry.get("priority").and_then(Value::as_f64).map(|priority| priority.round().clamp(0.0, 10.0));
    Ok(GeneratedRule {
        rule_config: read_config(&rule_operator, config)?,
        field_path,
        rule_type,
        rule_operator,
        error_message: text("errorMessage").map(str::to_owned),
        // A whole number from 0 to 10 prints as one.
        priority: priority.and_then(|priority| format!("{priority}").parse().ok()),
        enabled: entry.get("enabled").and_then(Value::as_bool),
        description: text("description").map(str::to_owned),
    })
}

fn read_path(path: &str, operator: &str, json_schema: &Value) -> std::result::Result<String, String> {
    let is_anywhere = path.is_empty() || path == ANYWHERE;
    if is_anywhere {
        return if operator == CORRECTION { Ok(ANYWHERE.to_owned()) } else { Err("fieldPath is missing".to_owned()) };
    }
    let tidy = tidy_path(path);
    if has_field(json_schema, &tidy) { Ok(tidy) } else { Err(format!("the schema has no field {path}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "properties": {"number": {"type": "string"},
               "items": {"type": "array", "items": {"type": "object", "properties": {"amount": {"type": "number"}}}}}})
    }

    fn rule(changes: Value) -> Value {
        let mut rule = json!({"fieldPath": "number", "ruleType": "verification", "ruleOperator": "pattern",
                              "ruleConfig": {"regex": "^\\d+$"}});
        for (key, value) in changes.as_object().unwrap() {
            rule[key] = value.clone();
        }
        rule
    }

    #[test]
    fn rules_that_can_t_be_used_are_dropped() {
        let answer = json!({"rules": [
            rule(json!({"errorMessage": "digits only", "priority": 12, "enabled": false})),
            rule(json!({"fieldPath": "nowhere"})),
            rule(json!({"ruleType": "hope"})),
            rule(json!({"ruleConfig": {"regex": "("}})),
            "no rule at all",
            rule(json!({"fieldPath": "items.0.amount", "ruleOperator": "range_min", "ruleConfig": {"value": 0}})),
            rule(json!({"fieldPath": "", "ruleOperator": "ocr_correction",
                        "ruleConfig": {"mappings": [{"from": "O", "to": "0"}]}})),
        ]});
        let rules = read(&answer.to_string(), "stop", &schema()).unwrap();
        let paths: Vec<&str> = rules.iter().map(|rule| rule.field_path.as_str()).collect();
        assert_eq!(paths, ["number", "items[].amount", "*"]);
        assert_eq!((rules[0].priority, rules[0].enabled), (Some(10), Some(false)));
        assert_eq!(rules[0].error_message.as_deref(), Some("digits only"));
    }

    #[test]
    fn when_none_is_left_it_is_said_why() {
        let answer = json!({"rules": [rule(json!({"fieldPath": "nowhere"})), rule(json!({"fieldPath": "*"}))]});
        let error = read(&answer.to_string(), "stop", &schema()).unwrap_err();
        assert_eq!(error.to_string(), "rule 1: the schema has no field nowhere; rule 2: fieldPath is missing");
        assert_eq!(read("{\"rules\": []}", "stop", &schema()).unwrap_err().to_string(), "it has no rules");
        assert_eq!(read("{\"a\": 1}", "stop", &schema()).unwrap_err().to_string(), "it has no list \"rules\"");
    }

    #[test]
    fn the_schema_and_the_wish_are_told() {
        let prompt = prompt("numbers are digits", Some("from Ulm"), &schema());
        assert!(prompt.system.contains("\"amount\""));
        assert!(prompt.user.contains("numbers are digits") && prompt.user.contains("from Ulm"));
    }
}
