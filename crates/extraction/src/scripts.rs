//! What users' scripts contribute to a validation. They are run elsewhere.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::fingerprint;
use crate::validate::Issue;

/// The field of issues that are about a script and not about data.
pub const SCRIPT_FIELD: &str = "__script__";

/// What makes one state of a script differ from another.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the columns of the script's row")]
pub struct ScriptVersion<'a> {
    pub id: i32,
    pub enabled: bool,
    pub severity: &'a str,
    pub updated_at: DateTime<Utc>,
    pub script: &'a str,
}

/// One version for all scripts that took part, whatever their order; none for none.
#[must_use]
pub fn version(scripts: &[ScriptVersion<'_>]) -> Option<String> {
    let mut sorted = scripts.to_vec();
    sorted.sort_by_key(|script| script.id);
    if sorted.is_empty() { None } else { fingerprint::of(&sorted).ok() }
}

/// The issues that a script answered; one instead of them when they can't be read.
#[must_use]
pub fn read_issues(id: i32, name: &str, answer: Value) -> Vec<Issue> {
    serde_json::from_value(answer).unwrap_or_else(|error| vec![failure(id, name, &error.to_string())])
}

/// The issue that stands for what a failed script would have found.
#[must_use]
pub fn failure(id: i32, name: &str, error: &str) -> Issue {
    Issue::error(SCRIPT_FIELD.to_owned(), format!("Validation script \"{name}\" (id {id}) failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::Severity;
    use serde_json::json;

    fn script(id: i32, script: &str) -> ScriptVersion<'_> {
        ScriptVersion { id, enabled: true, severity: "warning", updated_at: DateTime::UNIX_EPOCH, script }
    }

    #[test]
    fn a_version_tells_states_apart_and_not_orders() {
        let (a, b) = (script(1, "a"), script(2, "b"));
        assert_eq!(version(&[]), None);
        assert_eq!(version(&[a, b]), version(&[b, a]));
        let others = [
            vec![a],
            vec![a, script(2, "c")],
            vec![a, script(3, "b")],
            vec![a, ScriptVersion { enabled: false, ..b }],
            vec![a, ScriptVersion { severity: "error", ..b }],
        ];
        for other in others {
            assert_ne!(version(&[a, b]), version(&other), "{other:?}");
        }
    }

    #[test]
    fn issues_keep_what_was_and_what_should_be() {
        let answer = json!([
            {"field": "total", "message": "off", "severity": "warning", "actual": 1.5, "expected": 2},
            {"field": "a", "message": "m", "severity": "error"},
        ]);
        let issues = read_issues(1, "S", answer.clone());
        assert_eq!(issues.len(), 2);
        assert_eq!(serde_json::to_value(issues).unwrap(), answer);
        let issues = read_issues(7, "Totals", json!({}));
        assert_eq!((issues[0].field.as_str(), issues[0].severity), ("__script__", Severity::Error));
        assert!(issues[0].message.starts_with("Validation script \"Totals\" (id 7) failed: "), "{issues:?}");
    }
}
