//! Everything that the data of one schema is held against, read once.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::Value;

use super::Findings;
use super::checks::Checks;
use super::corrections::{self, Correction};
use super::cross_field::CrossFieldRule;
use super::issue::{Issue, Severity};
use super::json_schema::{self, InvalidSchema, compile, without_notes};
use super::paths::{dot_path, find_mut};
use super::rules::FieldRule;
use crate::concepts::Concepts;
use crate::field::FieldPath;
use crate::prompt::Rule;

/// Checks the data of one schema.
#[derive(Debug)]
pub struct Examiner {
    validator: Validator,
    required_fields: Vec<String>,
    rules: Vec<FieldRule>,
    corrections: Vec<Correction>,
    cross_field: Vec<CrossFieldRule>,
    /// Rules that can't be used.
    unusable: Vec<Issue>,
    concepts: Concepts,
    checks: Checks,
}

impl Examiner {
    /// Reads schema, required paths, rules and validation settings. A rule that can't be used becomes a warning of every examination.
    ///
    /// # Errors
    /// When the schema is none.
    pub fn new(
        json_schema: &Value,
        required_fields: &[String],
        rules: &[Rule],
        settings: Option<&Value>,
    ) -> Result<Self, InvalidSchema> {
        let mut unusable = Vec::new();
        Ok(Self {
            validator: compile(json_schema)?,
            required_fields: required_fields.to_vec(),
            rules: FieldRule::read_all(rules, &mut unusable),
            corrections: Correction::read_all(rules, &mut unusable),
            cross_field: CrossFieldRule::read_all(settings, json_schema, &mut unusable),
            unusable,
            concepts: Concepts::of(json_schema),
            checks: Checks::read(settings),
        })
    }

    /// What the fields of the schema mean.
    #[must_use]
    pub const fn concepts(&self) -> &Concepts {
        &self.concepts
    }

    /// How bad what a built-in check finds is; `None` when the settings switch it off.
    #[must_use]
    pub fn severity_of(&self, check: &str) -> Option<Severity> {
        self.checks.severity_of(check)
    }

    /// Puts right what the schema's corrections say that OCR misreads, and tells each.
    pub fn correct(&self, data: &mut Value) -> Vec<Issue> {
        if self.corrections.is_empty() {
            return Vec::new();
        }
        corrections::apply(&self.corrections, data, |data| self.failing(data))
    }

    /// The same for one field; the rest was not extracted now and stays as it is.
    pub fn correct_field(&self, data: &mut Value, field: &FieldPath) -> Vec<Issue> {
        let mut corrected = data.clone();
        let mut issues = self.correct(&mut corrected);
        issues.retain(|issue| field.overlaps(&issue.field));
        for issue in &issues {
            let after = find_mut(&mut corrected, &issue.field).map(Value::take);
            if let (Some(value), Some(after)) = (find_mut(data, &issue.field), after) {
                *value = after;
            }
        }
        issues
    }

    /// Checks data.
    #[must_use]
    pub fn examine(&self, data: &Value) -> Findings {
        let data = &*without_notes(data);
        let issues = json_schema::issues(data, &self.validator, &self.required_fields);
        let mut findings = Findings { issues, corroborated: BTreeSet::new() };
        for rule in &self.rules {
            findings.issues.extend(rule.issues(data));
        }
        findings.issues.extend(self.unusable.iter().cloned());
        for rule in &self.cross_field {
            rule.ask(data, &mut findings);
        }
        self.checks.run(data, &self.concepts, &mut findings);
        findings
    }

    /// Checks data as they are after corrections.
    #[must_use]
    pub fn examine_corrected(&self, data: &Value) -> Findings {
        let mut data = data.clone();
        self.correct(&mut data);
        self.examine(&data)
    }

    /// What a model is to be asked again for: what is wrong in data by the user's own schema and rules, after corrections.
    #[must_use]
    pub fn failures(&self, data: &Value) -> Vec<Issue> {
        self.examine_corrected(data).failures().cloned().collect()
    }

    /// The places that break the schema or a rule.
    fn failing(&self, data: &Value) -> BTreeSet<String> {
        let data = &*without_notes(data);
        let of_schema = self.validator.iter_errors(data).map(|error| dot_path(&error.instance_path().to_string()));
        let of_rules = self.rules.iter().flat_map(|rule| rule.places(data));
        of_schema.chain(of_rules).collect()
    }
}
