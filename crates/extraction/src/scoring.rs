//! How much of what was extracted is right, against a truth that a person has written or checked.
//!
//! What counts as right follows from the schema: numbers are compared as decimals, dates as dates, identifiers by their
//! letters and digits, words of a list as they are, other texts by similarity. Only what the truth has is scored, so a truth
//! of four values asks for four. The table with the most columns is the line items, whose rows are matched one to one; any
//! other array is one value, which is right as a whole or not.

mod auroc;
mod compare;
mod leaves;
mod moment;
mod number;
mod rows;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use self::auroc::auroc;
use self::compare::{Manner, is_empty};
use self::leaves::{at, below, leaves};
use self::rows::match_rows;
use crate::data_filter::{MAX_PARTS, branches};

/// How deep tables are looked for in a schema.
const MAX_DEPTH: usize = 6;
/// The key of what a truth says of itself.
const META: &str = "_meta";

/// Scores documents of a schema.
#[derive(Debug, Clone)]
pub struct Scorer {
    schema: Value,
    /// Dot path of the line items.
    lines: Option<String>,
}

/// What became of a value of the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is there.
    Right,
    /// Another is there.
    Wrong,
    /// Nothing is there.
    Missing,
}

/// What became of the line items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineScore {
    /// Rows of the truth.
    pub wanted: usize,
    /// Rows of the prediction.
    pub found: usize,
    /// Rows of the truth that are there with every cell right.
    pub right: usize,
    /// By column: cells that are right, and all.
    pub columns: BTreeMap<String, (usize, usize)>,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentScore {
    /// By dot path.
    pub fields: BTreeMap<String, Verdict>,
    /// The line items, when the truth has any.
    pub lines: Option<LineScore>,
    /// Confidences of values that were judged, and whether they were right.
    pub judged: Vec<(f64, bool)>,
}

/// What a truth wants of a document that holds nothing to extract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadInput(BTreeSet<String>);

impl Scorer {
    /// Scores by a JSON Schema.
    #[must_use]
    pub fn new(schema: Value) -> Self {
        let lines = find_lines(&schema);
        Self { schema, lines }
    }

    /// How well the schema fits a truth: the part of its values that it knows, in thousandths.
    #[must_use]
    pub fn fit(&self, truth: &Value) -> usize {
        let values = leaves(&self.schema, &self.top(), truth);
        let known = values.iter().filter(|leaf| leaf.is_known()).count();
        known.saturating_mul(1000).checked_div(values.len()).unwrap_or_default()
    }

    /// Scores a prediction; `Null` has nothing right. Confidences are by concrete path, as in `line_items.0.amount`.
    #[must_use]
    pub fn score(&self, truth: &Value, prediction: &Value, confidences: &BTreeMap<String, f64>) -> DocumentScore {
        let manner = manner_of(truth);
        let skipped = skipped_of(truth);
        let mut score = DocumentScore { fields: BTreeMap::new(), lines: None, judged: Vec::new() };
        for leaf in leaves(&self.schema, &self.top(), truth) {
            if skipped.contains(leaf.path.as_str()) {
                continue;
            }
            if let (Some(rows), true) = (leaf.rows(), self.lines.as_deref() == Some(&leaf.path)) {
                let rows = without_skipped(rows, &leaf.path, &skipped);
                let found = at(prediction, &leaf.path);
                let matched = match_rows((&self.schema, &leaf.row_schemas()), &rows, Some(found), manner);
                score.judged.extend(judge_cells(&leaf.path, &matched.judged, confidences));
                let rows::Matched { wanted, found, right, columns, .. } = matched;
                score.lines = Some(LineScore { wanted, found, right, columns });
                continue;
            }
            let verdict = if leaf.is_met_in(prediction, manner) {
                Verdict::Right
            } else if is_empty(at(prediction, &leaf.path)) {
                Verdict::Missing
            } else {
                Verdict::Wrong
            };
            score.judged.extend(confidences.get(&leaf.path).map(|one| (*one, verdict == Verdict::Right)));
            score.fields.insert(leaf.path, verdict);
        }
        score
    }

    /// Whether data holds values. Words of a fixed list do not count: a model must choose one even where there is nothing.
    #[must_use]
    pub fn has_values(&self, data: &Value) -> bool {
        let is_choice = |leaf: &leaves::Leaf<'_>| leaf.schemas.iter().any(|schema| schema.get("enum").is_some());
        leaves(&self.schema, &self.top(), data).iter().any(|leaf| !is_choice(leaf))
    }

    fn top(&self) -> Vec<&Value> {
        branches(&self.schema, vec![&self.schema], &mut { MAX_PARTS })
    }
}

impl DocumentScore {
    /// Whether every value and every row is right, and no row is there that the truth does not have.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.fields.values().all(|verdict| *verdict == Verdict::Right)
            && self.lines.as_ref().is_none_or(|lines| lines.right == lines.wanted && lines.found == lines.wanted)
    }
}

impl BadInput {
    /// What a truth of the type `bad_input` expects: of `reject`, `no_data` and `bounded` any will do.
    #[must_use]
    pub fn of(truth: &Value) -> Option<Self> {
        if truth.get("doc_type")?.as_str()? != "bad_input" {
            return None;
        }
        let words = truth.get("expected").and_then(Value::as_array).into_iter().flatten();
        Some(Self(words.filter_map(|word| Some(word.as_str()?.to_owned())).collect()))
    }

    /// Whether it was met by an answer that failed or not, with values or without.
    #[must_use]
    pub fn is_met(&self, has_failed: bool, has_values: bool) -> bool {
        let wants = |word: &str| self.0.contains(word);
        wants("bounded") || wants("reject") && has_failed && !has_values || wants("no_data") && !has_values
    }
}

/// The harmonic mean of precision and recall; 1 when there is nothing to find and nothing was found.
#[must_use]
pub fn f1(right: usize, wanted: usize, found: usize) -> f64 {
    let count = |number: usize| u32::try_from(number).map_or(f64::MAX, f64::from);
    if wanted + found == 0 { 1.0 } else { 2.0 * count(right) / count(wanted + found) }
}

/// The array of objects with the most properties; of equals the first.
fn find_lines(schema: &Value) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    let mut open = vec![(String::new(), branches(schema, vec![schema], &mut { MAX_PARTS }), 0_usize)];
    while let Some((path, schemas, depth)) = open.pop() {
        let entries = below(schema, &schemas, |part| part.get("items"));
        let columns = properties(&entries).len();
        if columns > 0 && !path.is_empty() {
            if best.as_ref().is_none_or(|(most, _)| columns > *most) {
                best = Some((columns, path));
            }
            continue;
        }
        if depth < MAX_DEPTH {
            for name in properties(&schemas).into_iter().rev() {
                let inner = below(schema, &schemas, |part| part.get("properties")?.get(name));
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                open.push((path, inner, depth + 1));
            }
        }
    }
    best.map(|(_, path)| path)
}

fn properties<'a>(schemas: &[&'a Value]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for schema in schemas {
        for name in schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|fields| fields.keys()) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    names
}

fn manner_of(truth: &Value) -> Manner {
    let kinds = ["doc_type", "document_type", "type"].into_iter().filter_map(|name| truth.get(name)?.as_str());
    let has_lost_spaces = truth.get(META).and_then(|meta| meta.get("text_nospace")) == Some(&Value::Bool(true));
    Manner {
        is_any_sign_right: kinds.into_iter().any(|kind| kind.to_ascii_lowercase().contains("credit")),
        spaces_count: !has_lost_spaces,
    }
}

/// Paths whose value can't be read on the page, such as `totals.gross` or `line_items[0].quantity`.
fn skipped_of(truth: &Value) -> BTreeSet<&str> {
    let listed = truth.get(META).and_then(|meta| meta.get("not_visible")).and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn without_skipped(rows: &[Value], path: &str, skipped: &BTreeSet<&str>) -> Vec<Value> {
    let mut rows = rows.to_vec();
    for (index, row) in rows.iter_mut().enumerate() {
        if let Some(fields) = row.as_object_mut() {
            fields.retain(|name, _| !skipped.contains(format!("{path}[{index}].{name}").as_str()));
        }
    }
    rows
}

/// The confidences of a table's cells: of rows with a partner by cell, of surplus rows all that they have.
fn judge_cells(
    path: &str,
    judged: &[(usize, Option<String>, bool)],
    confidences: &BTreeMap<String, f64>,
) -> Vec<(f64, bool)> {
    let mut found = Vec::new();
    for (index, column, is_right) in judged {
        match column {
            Some(column) => {
                found.extend(confidences.get(&format!("{path}.{index}.{column}")).map(|one| (*one, *is_right)));
            }
            None => {
                let prefix = format!("{path}.{index}.");
                let of_row = confidences.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
                found.extend(of_row.map(|(_, one)| (*one, *is_right)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
