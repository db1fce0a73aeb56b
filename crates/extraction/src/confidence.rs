//! How far each extracted value can be trusted, computed from evidence, with the reasons.
//!
//! A value's confidence is a sum of evidence in log-odds, brought back to 0..=1: how it was found on the page, how sure
//! the reader was of its least certain word, whether it takes part in a sum that meets, what checks say against it, how
//! likely the model held its tokens. What the model says of itself does not count.
//!
//! A document's confidence is the geometric mean of its fields', times the square root of the least one among its required
//! fields. Columns of lists count as one field each, required and key fields three times; values that are not there do
//! not count, required ones that are not there count as `MISSING`.

mod info;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use info::{Info, ModelInfo};
use serde_json::Value;

use crate::field::FieldPath;
use crate::grounding::{Citation, MatchKind};
use crate::validate::{Issue, Severity, is_present};

/// The confidence of a required value that is missing.
const MISSING: f64 = 0.3;
/// No evidence makes a value more certain than this.
const MOST: f64 = 0.99;
/// And none less.
const LEAST: f64 = 0.01;

/// What is known of some data.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The data.
    pub data: &'a Value,
    /// Dot paths of what must be there; items of lists as `items[].x`.
    pub required: &'a [String],
    /// Where the values are printed.
    pub citations: &'a [Citation],
    /// What checks say.
    pub issues: &'a [Issue],
    /// Paths of values that take part in a sum or product that meets.
    pub corroborated: &'a BTreeSet<String>,
    /// How likely the model held the least certain token of a value, as a natural logarithm; for the paths that have it.
    pub logprobs: &'a BTreeMap<String, f64>,
    /// Whether the values come from data that the document carries, and not from what is printed.
    pub is_structured: bool,
}

/// How far one value can be trusted.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldConfidence {
    /// Its path, as in its citation.
    pub path: String,
    /// 0..=1.
    pub confidence: f64,
    /// What speaks against it, for a person.
    pub reasons: Vec<String>,
}

/// How far some data can be trusted.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// Of the document, 0..=1.
    pub confidence: f64,
    /// Of each value that is there, in the order of the citations.
    pub fields: Vec<FieldConfidence>,
}

/// Weighs what is known of each value.
#[must_use]
pub fn assess(evidence: &Evidence<'_>) -> Assessment {
    let found: BTreeMap<&str, Vec<&Issue>> = issues_by_path(evidence);
    let fields: Vec<FieldConfidence> = evidence
        .citations
        .iter()
        .map(|citation| {
            let issues = found.get(citation.path.as_str()).map(Vec::as_slice).unwrap_or_default();
            assess_field(citation, issues, evidence)
        })
        .collect();
    Assessment { confidence: of_document(&fields, evidence), fields }
}

/// The issues of each value; one of a list or an object says nothing of a single value in it.
fn issues_by_path<'a>(evidence: &Evidence<'a>) -> BTreeMap<&'a str, Vec<&'a Issue>> {
    let known: HashMap<&str, &'a str> =
        evidence.citations.iter().map(|citation| (citation.path.as_str(), citation.path.as_str())).collect();
    let mut found: BTreeMap<&'a str, Vec<&'a Issue>> = BTreeMap::new();
    for issue in evidence.issues.iter().filter(|issue| !issue.field.is_empty()) {
        if let Some(path) = known.get(issue.field.as_str()) {
            found.entry(path).or_default().push(issue);
        } else if let Some(path) = FieldPath::parse(&issue.field).map(|path| path.to_string())
            && let Some(path) = known.get(path.as_str())
        {
            found.entry(path).or_default().push(issue);
        }
    }
    found
}

fn assess_field(citation: &Citation, issues: &[&Issue], evidence: &Evidence<'_>) -> FieldConfidence {
    let mut reasons = Vec::new();
    let mut odds = match citation.match_kind {
        MatchKind::Exact | MatchKind::Normalized => 3.0,
        MatchKind::Derived => 2.0,
        MatchKind::Fuzzy => {
            reasons.push(misread(citation, evidence.data));
            0.2
        }
        MatchKind::NotFound => {
            reasons.push("not found on the page".to_owned());
            -1.2
        }
    };
    if evidence.is_structured {
        // What a page does not show, or shows otherwise, is still what the document says.
        odds += 3.0;
    }
    if let Some(confidence) = citation.confidence.map(f64::from) {
        odds += ((confidence - 0.85) * 6.0).clamp(-3.0, 0.6);
        if confidence < 0.8 {
            reasons.push(format!("OCR confidence {confidence:.2}"));
        }
    }
    if mixes_digits(citation) {
        odds -= 1.0;
        reasons.push("digits and letters are mixed".to_owned());
    }
    if citation.alternatives > 0 {
        odds -= 0.4;
        reasons.push("found more than once".to_owned());
    }
    if evidence.corroborated.contains(&citation.path) {
        odds += 2.0;
    }
    for issue in issues {
        odds -= match issue.severity {
            Severity::Error => 2.5,
            Severity::Warning => 1.8,
        };
        reasons.push(issue.message.clone());
    }
    if let Some(logprob) = evidence.logprobs.get(&citation.path) {
        let probability = logprob.exp().clamp(LEAST, MOST);
        // As much as certainty is worth, and more the less certain it was.
        odds += (((probability / (1.0 - probability)).ln() - 2.0) * 0.5).clamp(-2.0, 1.0);
        if probability < 0.8 {
            reasons.push(format!("the model was {:.0} % sure", probability * 100.0));
        }
    }
    let confidence = (1.0 / (1.0 + (-odds).exp())).clamp(LEAST, MOST);
    FieldConfidence { path: citation.path.clone(), confidence, reasons }
}

fn misread(citation: &Citation, data: &Value) -> String {
    let value = FieldPath::parse(&citation.path).and_then(|path| match path.find(data)? {
        Value::String(text) => Some(text.clone()),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Some(value.to_string())
        }
    });
    match (citation.text.as_deref(), value) {
        (Some(text), Some(value)) if text.chars().count() <= 40 => {
            format!("read as {text:?} on the page, for {value:?}")
        }
        _ => "only a similar text is on the page".to_owned(),
    }
}

/// Whether a word that is mostly digits has a letter between them, as scans make of digits.
fn mixes_digits(citation: &Citation) -> bool {
    let is_mixed = |word: &str| {
        let count = |wanted: fn(&char) -> bool| word.chars().filter(wanted).count();
        let (digits, letters) = (count(char::is_ascii_digit), count(char::is_ascii_alphabetic));
        let is_between =
            word.chars().skip_while(|c| !c.is_ascii_digit()).any(|c| matches!(c, 'O' | 'o' | 'l' | 'I' | 'S' | 'B'));
        digits >= 2 && letters > 0 && letters <= 2 && is_between
    };
    citation.text.as_deref().is_some_and(|text| text.split_whitespace().any(is_mixed))
}

fn of_document(fields: &[FieldConfidence], evidence: &Evidence<'_>) -> f64 {
    // Logarithms of each field's values, those of a list together.
    let mut columns: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for field in fields {
        let column = columns.entry(column_of(&field.path)).or_default();
        column.0 += field.confidence.ln();
        column.1 += 1.0;
    }
    let required: BTreeSet<String> = evidence.required.iter().map(|path| column_of(path)).collect();
    let mut least: f64 = 1.0;
    let (mut sum, mut weights) = (0.0, 0.0);
    for (path, (logarithms, count)) in &columns {
        let weight = if required.contains(path) || is_key(path) { 3.0 } else { 1.0 };
        sum += weight * logarithms / count;
        weights += weight;
        if required.contains(path) {
            least = least.min((logarithms / count).exp());
        }
    }
    for _ in evidence.required.iter().filter(|path| !is_present(evidence.data, path)) {
        sum += 3.0 * MISSING.ln();
        weights += 3.0;
        least = least.min(MISSING);
    }
    if weights > 0.0 { (sum / weights).exp() * least.sqrt() } else { 0.0 }
}

/// A path without positions: `items.3.amount` and `items[].amount` are one column.
fn column_of(path: &str) -> String {
    let path = path.replace("[]", "");
    let names = path.split('.').filter(|part| !part.is_empty() && !part.bytes().all(|byte| byte.is_ascii_digit()));
    names.collect::<Vec<_>>().join(".")
}

/// What documents are known and paid by.
fn is_key(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path).to_lowercase();
    !path.contains("item")
        && ["total", "gross", "number", "_no", "issue_date", "iban"].iter().any(|word| last.contains(word))
}

#[cfg(test)]
mod tests;
