//! Scripts and results as callers see them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sluice_db::models::validation_scripts::ValidationScript;
use sluice_extraction::validate::{Issue, Severity, ValidationResult};
use utoipa::ToSchema;

use crate::wire;

/// A validation script.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidationScriptDto {
    id: i32,
    name: String,
    description: Option<String>,
    project_id: i32,
    script: String,
    /// How its author rates it; issues have severities of their own.
    severity: String,
    enabled: bool,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    updated_at: DateTime<Utc>,
}

impl From<ValidationScript> for ValidationScriptDto {
    fn from(script: ValidationScript) -> Self {
        Self {
            id: script.id,
            name: script.name,
            description: script.description,
            project_id: script.project_id,
            script: script.script,
            severity: script.severity,
            enabled: script.enabled,
            created_at: script.created_at,
            updated_at: script.updated_at,
        }
    }
}

/// What checks found in a manifest's data.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidationResultDto {
    issues: Vec<ValidationIssueDto>,
    error_count: usize,
    warning_count: usize,
    #[schema(format = DateTime)]
    validated_at: String,
    schema_id: Option<i32>,
    schema_version: Option<String>,
    /// Changes whenever one of the scripts does.
    validation_scripts_version: Option<String>,
    validation_script_ids: Vec<i32>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ValidationIssueDto {
    /// Dot path of the field, or `__script__` when a script failed.
    field: String,
    message: String,
    /// `warning` or `error`.
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Value>,
    /// Which check found it, such as `schema`, `rule_pattern`, `cross_field` or `sum_of_lines`; absent when a script did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    check: Option<String>,
    /// The one value that would make it right and that may have been misread as what is there. It is never applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<Value>,
}

impl From<ValidationResult> for ValidationResultDto {
    fn from(result: ValidationResult) -> Self {
        Self {
            issues: result.issues.into_iter().map(ValidationIssueDto::from).collect(),
            error_count: result.error_count,
            warning_count: result.warning_count,
            validated_at: result.validated_at,
            schema_id: result.schema_id,
            schema_version: result.schema_version,
            validation_scripts_version: result.validation_scripts_version,
            validation_script_ids: result.validation_script_ids,
        }
    }
}

impl From<Issue> for ValidationIssueDto {
    fn from(issue: Issue) -> Self {
        let severity = match issue.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let Issue { field, message, actual, expected, check, suggestion, .. } = issue;
        Self { field, message, severity, actual, expected, check, suggestion }
    }
}
