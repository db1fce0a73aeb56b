//! One finding.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// What is there, if the check says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<Value>,
    /// What should be there, if the check says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// Which check found it, as a word for machines such as `sum_of_lines`; absent when a script did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The one value that, put at `field`, would make it right and that OCR may well have misread as what is there. Never applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<Value>,
}

impl Issue {
    /// Something wrong.
    #[must_use]
    pub const fn error(field: String, message: String) -> Self {
        let (actual, expected, check, suggestion) = (None, None, None, None);
        Self { field, message, severity: Severity::Error, actual, expected, check, suggestion }
    }

    /// What a check found.
    #[must_use]
    pub fn of_check(check: &str, severity: Severity, field: impl Into<String>, message: impl Into<String>) -> Self {
        let check = Some(check.to_owned());
        Self { severity, check, ..Self::error(field.into(), message.into()) }
    }

    /// Adds what is there and what should be.
    #[must_use]
    pub fn with_values(self, actual: Option<Value>, expected: Option<Value>) -> Self {
        Self { actual, expected, ..self }
    }
}

/// How many issues one check may tell; the rest is counted.
const MOST_OF_A_CHECK: usize = 100;

/// Keeps the first issues of a check, and says of how many more there are.
pub(super) fn bounded(mut issues: Vec<Issue>) -> Vec<Issue> {
    let more = issues.len().saturating_sub(MOST_OF_A_CHECK);
    if more > 0
        && let Some(kept) = issues.get(MOST_OF_A_CHECK - 1).cloned()
    {
        issues.truncate(MOST_OF_A_CHECK);
        let message = format!("and {more} more of this kind");
        issues.push(Issue { field: String::new(), message, actual: None, expected: None, suggestion: None, ..kept });
    }
    issues
}

/// A value in a message: short, whatever it is.
pub(super) fn show(value: &Value) -> String {
    const LONGEST: usize = 80;
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::String(text) if text.chars().count() > LONGEST => {
            format!("\"{}…\"", text.chars().take(LONGEST).collect::<String>())
        }
        other => other.to_string(),
    }
}

/// A field in a message.
pub(super) fn label(field: &str) -> &str {
    if field.is_empty() { "the document" } else { field }
}
