//! Whether data is what it should be: by its schema, by the rules of people, and by what all invoices have in common.
//!
//! Errors come from what the user's schema and rules say. What Sluice notices by itself (a sum that does not meet, an IBAN that is
//! none) is a warning, because documents do print such things and values are reported as printed.

mod checks;
mod corrections;
mod cross_field;
mod dates;
mod examiner;
mod expression;
mod issue;
mod json_schema;
pub(crate) mod paths;
mod result;
mod rules;

use std::collections::BTreeSet;

use serde_json::Value;

pub use checks::arithmetic::GROSS_AMOUNT;
pub use checks::duplicates::{DUPLICATE_NUMBER, Identity};
pub use corrections::CORRECTED;
pub use cross_field::CROSS_FIELD;
pub use examiner::Examiner;
pub use issue::{Issue, Severity};
pub(crate) use json_schema::compile;
pub use json_schema::{InvalidSchema, REQUIRED, SCHEMA, check_schema};
pub(crate) use paths::{dot_path, is_present};
pub use result::ValidationResult;
pub use rules::{RULE_PREFIX, UNUSABLE};

/// What was found in data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// What is wrong or doubtful.
    pub issues: Vec<Issue>,
    /// Dot paths of values that take part in an equation that meets, such as lines and the sum that they come to.
    pub corroborated: BTreeSet<String>,
}

impl Findings {
    /// What the user's own schema and rules call wrong: what data is incomplete by, and worth asking a model again for.
    pub fn failures(&self) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(|issue| is_failure(issue))
    }
}

fn is_failure(issue: &Issue) -> bool {
    let check = issue.check.as_deref().unwrap_or_default();
    issue.severity == Severity::Error
        && ([SCHEMA, REQUIRED, CROSS_FIELD].contains(&check) || check.starts_with(RULE_PREFIX))
}

/// Checks data against a schema and its required paths alone.
///
/// # Errors
/// When the schema is none.
pub fn check(data: &Value, json_schema: &Value, required_fields: &[String]) -> Result<Vec<Issue>, InvalidSchema> {
    Ok(json_schema::issues(&json_schema::without_notes(data), &compile(json_schema)?, required_fields))
}
