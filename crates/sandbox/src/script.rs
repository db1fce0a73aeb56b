//! Users' scripts: what they are, what they may answer, and how they fail.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most rows that one run may make of one manifest.
const MAX_ROWS: usize = 5_000;
/// What an issue consists of; all else that a script adds is dropped.
const ISSUE_FIELDS: [&str; 5] = ["field", "message", "severity", "actual", "expected"];

/// What a script is for, and so which of its functions is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScriptKind {
    /// `validate(extractedData)` answers issues.
    Validate,
    /// `exportRows(extractedData, ctx)` answers rows.
    Export,
}

/// A script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The key of its row; 0 when it has none.
    pub id: i32,
    /// Its name, which stands in the frames of its errors.
    pub name: String,
    /// The JavaScript.
    pub source: String,
}

/// What came of a run.
#[derive(Debug)]
pub struct ScriptRun {
    /// What the function answered, checked; or what is wrong with the script.
    pub outcome: Result<Value, ScriptError>,
    /// The last lines that the script wrote to the console.
    pub logs: Vec<LogLine>,
}

/// What is wrong with a script. It is its author's to read, and tells nothing of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptError {
    /// What happened.
    pub message: String,
    /// The line of the script, from 1.
    pub line: Option<u32>,
    /// The frames of the script, after a line that says what was thrown.
    pub stack: Option<String>,
}

/// A line on the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `log`, `info`, `warn`, `error` or `debug`.
    pub level: String,
    /// What was written.
    pub message: String,
}

impl ScriptKind {
    /// The function that is called.
    #[must_use]
    pub const fn function(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Export => "exportRows",
        }
    }

    /// Whether a source declares the function.
    #[must_use]
    pub fn is_declared_in(self, source: &str) -> bool {
        let after_names = source.match_indices("function").map(|(at, word)| source.get(at + word.len()..));
        after_names.flatten().any(|rest| {
            let name = rest.trim_start();
            let is_apart = name.len() < rest.len();
            is_apart && name.strip_prefix(self.function()).is_some_and(|rest| rest.trim_start().starts_with('('))
        })
    }

    /// Checks what a script answered.
    pub(crate) fn check_answer(self, answer: Value) -> Result<Value, ScriptError> {
        let function = self.function();
        let Value::Array(items) = answer else {
            return Err(ScriptError::new(format!("{function} must return an array")));
        };
        match self {
            Self::Validate => items.into_iter().enumerate().map(|(index, item)| check_issue(index, item)).collect(),
            Self::Export if items.len() > MAX_ROWS => {
                Err(ScriptError::new(format!("{function} returned {} rows, {MAX_ROWS} are allowed", items.len())))
            }
            Self::Export => match items.iter().position(|item| !item.is_object()) {
                Some(index) => Err(ScriptError::new(format!("{function} must return objects, row {index} is none"))),
                None => Ok(Value::Array(items)),
            },
        }
    }
}

fn check_issue(index: usize, item: Value) -> Result<Value, ScriptError> {
    let wrong = |what: &str| ScriptError::new(format!("issue {index} {what}"));
    let Value::Object(mut given) = item else { return Err(wrong("is not an object")) };
    for name in ["field", "message"] {
        if given.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(wrong(&format!("has no {name}")));
        }
    }
    if !matches!(given.get("severity").and_then(Value::as_str), Some("warning" | "error")) {
        return Err(wrong("has a severity that is neither warning nor error"));
    }
    let kept: Map<String, Value> =
        ISSUE_FIELDS.into_iter().filter_map(|name| Some((name.to_owned(), given.remove(name)?))).collect();
    Ok(Value::Object(kept))
}

impl ScriptError {
    /// An error that has no place in the script.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), line: None, stack: None }
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.line {
            Some(line) => write!(f, " (line {line})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ScriptError {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_function_is_found_by_its_declaration() {
        for source in ["function validate(d) {}", "x();\nfunction\n validate (d) {}", "async function validate(){}"] {
            assert!(ScriptKind::Validate.is_declared_in(source), "{source}");
        }
        for source in ["", "functionvalidate(", "function validated(d) {}", "validate(1)", "const validate = d => []"] {
            assert!(!ScriptKind::Validate.is_declared_in(source), "{source}");
        }
        assert!(ScriptKind::Export.is_declared_in("function exportRows(data, ctx) { return [data] }"));
    }

    #[test]
    fn issues_are_checked_and_keep_what_is_known() {
        let answer = json!([{"expected": 2, "severity": "error", "message": "m", "field": "f", "more": 1}]);
        let checked = ScriptKind::Validate.check_answer(answer).unwrap();
        assert_eq!(checked, json!([{"field": "f", "message": "m", "severity": "error", "expected": 2}]));
        for (answer, message) in [
            (json!({}), "validate must return an array"),
            (json!([3]), "issue 0 is not an object"),
            (json!([{"message": "m", "severity": "error"}]), "issue 0 has no field"),
            (json!([{"field": "f", "message": 3, "severity": "error"}]), "issue 0 has no message"),
            (
                json!([{"field": "f", "message": "m", "severity": "fatal"}]),
                "issue 0 has a severity that is neither warning nor error",
            ),
        ] {
            assert_eq!(ScriptKind::Validate.check_answer(answer).unwrap_err().message, message);
        }
    }

    #[test]
    fn rows_are_objects_and_not_too_many() {
        let kind = ScriptKind::Export;
        assert_eq!(kind.check_answer(json!([{"a": 1}])).unwrap(), json!([{"a": 1}]));
        assert!(kind.check_answer(json!([{"a": 1}, [1]])).unwrap_err().message.contains("row 1"));
        assert!(kind.check_answer(Value::Array(vec![json!({}); MAX_ROWS])).is_ok());
        assert!(kind.check_answer(Value::Array(vec![json!({}); MAX_ROWS + 1])).is_err());
    }

    #[test]
    fn an_error_says_its_line() {
        let error = ScriptError { line: Some(3), ..ScriptError::new("x is not defined") };
        assert_eq!(error.to_string(), "x is not defined (line 3)");
    }
}
