//! Whether data is what its schema asks for.

use chrono::{DateTime, SecondsFormat, Utc};
use jsonschema::Validator;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::scripts::{self, ScriptVersion};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// Wrong.
    Error,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// Dot path of the field; empty for the whole document.
    pub field: String,
    /// What is wrong, for a person.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is there, if a script says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<Value>,
    /// What should be there, if a script says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// The check that found it, as a word for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// A value that would mend it; never applied by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<Value>,
}

impl Issue {
    /// Something wrong.
    #[must_use]
    pub const fn error(field: String, message: String) -> Self {
        Self { field, message, severity: Severity::Error, actual: None, expected: None, check: None, suggestion: None }
    }
}

/// What is stored and shown of a validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidationResult {
    /// The findings.
    pub issues: Vec<Issue>,
    /// How many are errors.
    pub error_count: usize,
    /// How many are warnings.
    pub warning_count: usize,
    /// When, in ISO 8601.
    pub validated_at: String,
    /// The schema.
    pub schema_id: Option<i32>,
    /// Its version.
    pub schema_version: Option<String>,
    /// The version of the scripts that took part; none when none did.
    pub validation_scripts_version: Option<String>,
    /// The scripts that took part.
    pub validation_script_ids: Vec<i32>,
}

impl ValidationResult {
    /// Counts findings.
    #[must_use]
    pub fn new(issues: Vec<Issue>, now: DateTime<Utc>, schema: Option<(i32, &str)>) -> Self {
        let count = |severity| issues.iter().filter(|issue| issue.severity == severity).count();
        Self {
            error_count: count(Severity::Error),
            warning_count: count(Severity::Warning),
            validated_at: now.to_rfc3339_opts(SecondsFormat::Millis, true),
            schema_id: schema.map(|(id, _)| id),
            schema_version: schema.map(|(_, version)| version.to_owned()),
            validation_scripts_version: None,
            validation_script_ids: Vec::new(),
            issues,
        }
    }

    /// Adds which scripts took part.
    #[must_use]
    pub fn with_scripts(self, scripts: &[ScriptVersion<'_>]) -> Self {
        Self {
            validation_scripts_version: scripts::version(scripts),
            validation_script_ids: scripts.iter().map(|script| script.id).collect(),
            ..self
        }
    }
}

/// A schema that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schema is not valid: {message}")]
pub struct InvalidSchema {
    /// What is wrong.
    pub message: String,
    /// Where, as a JSON pointer.
    pub path: String,
}

/// Checks that a schema is one, by the draft that it names (draft-07 when it names none).
///
/// # Errors
/// All that is wrong.
pub fn check_schema(json_schema: &Value) -> Result<(), Vec<InvalidSchema>> {
    if !json_schema.is_object() {
        let message = "a schema must be an object".to_owned();
        return Err(vec![InvalidSchema { message, path: String::new() }]);
    }
    let result = if json_schema.get("$schema").is_some() {
        jsonschema::meta::validate(json_schema).map_err(|error| vec![describe_schema_error(&error)])
    } else {
        let errors: Vec<InvalidSchema> =
            jsonschema::draft7::meta::validate(json_schema).err().iter().map(describe_schema_error).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    };
    // What the meta-schema lets pass may still not compile: a bad pattern, a reference to nowhere.
    result.and_then(|()| compile(json_schema).map(drop).map_err(|error| vec![error]))
}

fn describe_schema_error(error: &jsonschema::ValidationError<'_>) -> InvalidSchema {
    InvalidSchema { message: error.to_string(), path: error.instance_path().to_string() }
}

pub(crate) fn compile(json_schema: &Value) -> Result<Validator, InvalidSchema> {
    let mut options = jsonschema::options();
    options = options.should_validate_formats(true);
    if json_schema.get("$schema").is_none() {
        options = options.with_draft(jsonschema::Draft::Draft7);
    }
    options.build(json_schema).map_err(|error| describe_schema_error(&error))
}

/// Checks data against a schema and its required paths.
///
/// # Errors
/// When the schema is none.
pub fn check(data: &Value, json_schema: &Value, required_fields: &[String]) -> Result<Vec<Issue>, InvalidSchema> {
    let validator = compile(json_schema)?;
    let mut issues: Vec<Issue> = validator
        .iter_errors(data)
        .map(|error| {
            let pointer = error.instance_path().to_string();
            let place = if pointer.is_empty() { "root" } else { &pointer };
            Issue::error(dot_path(&pointer), format!("{place}: {error}"))
        })
        .collect();
    for path in required_fields {
        let is_told = issues.iter().any(|issue| issue.field == *path);
        if !is_told && !is_present(data, path) {
            let message = format!("Required field '{path}' is missing or empty");
            issues.push(Issue::error(path.clone(), message));
        }
    }
    Ok(issues)
}

pub(crate) fn dot_path(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// Whether a path leads to something: `a[]` to an array with items, `a[].b` to a value in at least one of them.
pub(crate) fn is_present(data: &Value, path: &str) -> bool {
    let (segment, rest) = path.split_once('.').map_or((path, None), |(segment, rest)| (segment, Some(rest)));
    let (name, is_array) = segment.strip_suffix("[]").map_or((segment, false), |name| (name, true));
    let value = if name.is_empty() { Some(data) } else { data.get(name) };
    match (value, rest) {
        (None | Some(Value::Null), _) => false,
        (Some(value), Some(rest)) if is_array => {
            value.as_array().is_some_and(|items| items.iter().any(|item| is_present(item, rest)))
        }
        (Some(value), Some(rest)) => is_present(value, rest),
        (Some(value), None) if is_array => value.as_array().is_some_and(|items| !items.is_empty()),
        (Some(value), None) => value != "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(data: &Value, schema: &Value, required: &[&str]) -> Vec<String> {
        let required: Vec<String> = required.iter().map(|path| (*path).to_owned()).collect();
        check(data, schema, &required).unwrap().into_iter().map(|issue| issue.field).collect()
    }

    #[test]
    fn types_and_formats_are_checked() {
        let schema = json!({"type": "object", "properties": {
            "total": {"type": "number"}, "date": {"type": "string", "format": "date"}, "items": {"type": "array", "items": {"type": "object", "properties": {"q": {"type": "integer"}}}}}});
        let data = json!({"total": "12", "date": "2026-02-30", "items": [{"q": 1}, {"q": 1.5}]});
        assert_eq!(fields(&data, &schema, &[]), ["total", "date", "items.1.q"]);
        assert_eq!(fields(&json!({"total": 12, "date": "2026-02-28"}), &schema, &[]), Vec::<String>::new());
    }

    #[test]
    fn required_paths_must_lead_to_something() {
        let schema = json!({});
        let data = json!({"a": {"b": ""}, "items": [{"x": null}, {"x": 1}], "empty": []});
        let required = ["a.b", "a.c", "items[].x", "items[].y", "empty[]", "none", "items"];
        assert_eq!(fields(&data, &schema, &required), ["a.b", "a.c", "items[].y", "empty[]", "none"]);
    }

    #[test]
    fn both_drafts_are_known_and_nonsense_is_told() {
        assert_eq!(check_schema(&json!({"type": "object"})), Ok(()));
        assert_eq!(
            check_schema(&json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"})),
            Ok(())
        );
        for schema in [
            json!({"type": "strin"}),
            json!({"properties": 1}),
            json!([]),
            json!({"$ref": "#/nowhere"}),
            json!({"pattern": "("}),
        ] {
            let errors = check_schema(&schema).unwrap_err();
            assert!(!errors.is_empty() && !errors[0].message.is_empty(), "{schema}");
        }
    }

    #[test]
    fn findings_are_counted_by_severity() {
        let issue = |severity| Issue { severity, ..Issue::error(String::new(), String::new()) };
        let now = DateTime::from_timestamp(0, 0).unwrap();
        let result = ValidationResult::new(vec![issue(Severity::Error), issue(Severity::Warning)], now, Some((3, "v")));
        assert_eq!(
            serde_json::to_value(result).unwrap(),
            json!({"issues": [{"field": "", "message": "", "severity": "error"}, {"field": "", "message": "", "severity": "warning"}],
                   "errorCount": 1, "warningCount": 1, "validatedAt": "1970-01-01T00:00:00.000Z", "schemaId": 3,
                   "schemaVersion": "v", "validationScriptsVersion": null, "validationScriptIds": []})
        );
    }
}
