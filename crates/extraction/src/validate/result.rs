//! What is stored and shown of a validation.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::issue::{Issue, Severity};
use crate::scripts::{self, ScriptVersion};

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
