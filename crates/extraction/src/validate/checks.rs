//! What all invoices, receipts and orders have in common: amounts that add up, account numbers and tax numbers with check digits,
//! dates in order. Fields are found by what they mean (`concepts`); what a schema does not have is not checked.
//!
//! `validationSettings.builtInChecks` switches them: `false` all off, `{"iban": false}` one off, `{"gross_amount": "error"}` one up.

pub(crate) mod arithmetic;
mod dates;
pub(super) mod duplicates;
mod equation;
mod identifiers;
mod lines;
mod repair;
mod vat_id;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::equation::Equation;
use super::Findings;
use super::issue::{Issue, Severity, bounded, show};
use crate::concepts::Concepts;
use crate::decimal;

/// The setting.
const SETTING: &str = "builtInChecks";

/// Which checks are done, and how bad what they find is.
#[derive(Debug, Default)]
pub(super) struct Checks {
    are_off: bool,
    /// `None` is off.
    chosen: BTreeMap<String, Option<Severity>>,
}

impl Checks {
    pub(super) fn read(settings: Option<&Value>) -> Self {
        let setting = settings.and_then(|settings| settings.get(SETTING));
        let chosen = setting.and_then(Value::as_object).into_iter().flatten().filter_map(|(name, value)| {
            let severity = match value {
                Value::Bool(false) => None,
                Value::Bool(true) => Some(Severity::Warning),
                Value::String(text) if text == "error" => Some(Severity::Error),
                Value::String(text) if text == "warning" => Some(Severity::Warning),
                _ => return None,
            };
            Some((name.clone(), severity))
        });
        Self { are_off: setting == Some(&Value::Bool(false)), chosen: chosen.collect() }
    }

    pub(super) fn severity_of(&self, check: &str) -> Option<Severity> {
        if self.are_off { None } else { self.chosen.get(check).copied().unwrap_or(Some(Severity::Warning)) }
    }

    /// Checks data and adds what is found.
    pub(super) fn run(&self, data: &Value, concepts: &Concepts, findings: &mut Findings) {
        let mut notes = Notes { data, concepts, doubts: Vec::new(), unmet: Vec::new(), corroborated: BTreeSet::new() };
        lines::check(&mut notes);
        arithmetic::check(&mut notes);
        identifiers::check(&mut notes);
        dates::check(&mut notes);
        let Notes { mut doubts, unmet, corroborated, .. } = notes;
        findings.corroborated.extend(corroborated);
        // Only now is it known which values others vouch for.
        doubts.extend(unmet.iter().filter_map(|alternatives| doubt_of(alternatives, &findings.corroborated)));
        let mut by_check: BTreeMap<&str, Vec<Issue>> = BTreeMap::new();
        for doubt in doubts {
            if let Some(severity) = self.severity_of(doubt.check) {
                by_check.entry(doubt.check).or_default().push(doubt.issue(severity));
            }
        }
        findings.issues.extend(by_check.into_values().flat_map(bounded));
    }
}

/// What the checks of one document noted.
struct Notes<'a> {
    data: &'a Value,
    concepts: &'a Concepts,
    doubts: Vec<Doubt>,
    /// Equations that do not meet: of each question those that may be meant, the likeliest first.
    unmet: Vec<Vec<Equation>>,
    corroborated: BTreeSet<String>,
}

/// An issue that the settings have not rated yet.
struct Doubt {
    check: &'static str,
    field: String,
    message: String,
    actual: Option<Value>,
    expected: Option<Value>,
    suggestion: Option<Value>,
}

impl Doubt {
    fn new(check: &'static str, field: impl Into<String>, message: String) -> Self {
        Self { check, field: field.into(), message, actual: None, expected: None, suggestion: None }
    }

    fn issue(self, severity: Severity) -> Issue {
        let suggestion = self.suggestion;
        let message = match &suggestion {
            Some(value) => format!("{}; {} may be {} misread", self.message, self.field, show(value)),
            None => self.message,
        };
        let issue = Issue::of_check(self.check, severity, self.field, message);
        Issue { suggestion, ..issue.with_values(self.actual, self.expected) }
    }
}

impl Notes<'_> {
    /// Notes whether one of several equations meets. When none does, one of the first `told` is told.
    fn ask(&mut self, mut alternatives: Vec<Equation>, told: usize) {
        match alternatives.iter().find(|equation| equation.meets()) {
            Some(equation) if equation.is_exact() => {
                self.corroborated.extend(equation.operands().map(|operand| operand.path.clone()));
            }
            Some(_) => {}
            None => {
                alternatives.truncate(told);
                self.unmet.push(alternatives);
            }
        }
    }
}

/// Of several equations that may be meant, the one that a misread value would explain; else the first.
fn doubt_of(alternatives: &[Equation], corroborated: &BTreeSet<String>) -> Option<Doubt> {
    let explained: Vec<_> = alternatives
        .iter()
        .filter_map(|equation| repair::of(equation, corroborated).map(|repair| (equation, repair)))
        .collect();
    let is_one = explained.windows(2).all(|pair| matches!(pair, [(_, left), (_, right)] if left == right));
    let explained = explained.into_iter().next().filter(|_| is_one);
    let equation = explained.as_ref().map(|(equation, _)| *equation).or_else(|| alternatives.first())?;
    let mut doubt = Doubt::new(equation.check, equation.result.path.clone(), equation.message());
    doubt.actual = Some(decimal::to_value(equation.result.value));
    doubt.expected = equation.computed().map(decimal::to_value);
    if let Some((_, (path, value))) = explained {
        let operand = equation.operands().find(|operand| operand.path == path);
        // What is there now is the value that may be misread.
        doubt.actual = operand.map(|operand| decimal::to_value(operand.value));
        doubt.expected = None;
        doubt.field = path;
        doubt.suggestion = Some(decimal::to_value(value));
    }
    Some(doubt)
}

#[cfg(test)]
mod tests;
