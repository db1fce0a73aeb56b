//! What came of an evaluation, in figures.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sluice_core::NanoAmount;
use sluice_extraction::scoring::{DocumentScore, Verdict, auroc, f1};

use super::documents::{Document, Documents};
use super::options::Bound;
use super::record::{Output, Record};

/// A document, how it ran, and what of it is right.
#[derive(Debug)]
pub(crate) struct Scored<'a> {
    pub(crate) document: &'a Document,
    pub(crate) record: Record,
    pub(crate) has_answer: bool,
    pub(crate) result: Judgement,
}

/// What of a document is right.
#[derive(Debug)]
pub(crate) enum Judgement {
    Scored(DocumentScore),
    /// It holds nothing to extract, and this says whether it was treated so.
    BadInput(bool),
}

/// Right ones of some.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    all: usize,
    right: usize,
    missing: usize,
}

/// An evaluation in figures.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) about: Value,
    pub(crate) summary: Map<String, Value>,
    pub(crate) per_field: Map<String, Value>,
    /// Cells of the line items.
    pub(crate) per_column: Map<String, Value>,
    pub(crate) seconds_by_stage: Map<String, Value>,
    pub(crate) documents: Map<String, Value>,
    /// Truths without a document.
    pub(crate) missing_documents: Vec<String>,
    pub(crate) not_run: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comparison: Option<Value>,
}

/// Scores what was kept of the documents that were run.
pub(crate) fn score<'a>(documents: &'a Documents, done: &BTreeSet<String>, output: &Output) -> Vec<Scored<'a>> {
    let mut records = output.records();
    let run = documents.list.iter().filter(|document| done.contains(&document.name));
    let scored = run.filter_map(|document| {
        let prediction = output.prediction(&document.name).unwrap_or_default();
        let scorer = &documents.schemas.get(document.schema)?.scorer;
        let has_failed = prediction.get("error").is_some_and(|error| !error.is_null());
        let has_answer = prediction.is_object() && !has_failed;
        let data = if has_answer { prediction } else { Value::Null };
        let mut record = records.remove(&document.name).unwrap_or_else(|| Record {
            name: document.name.clone(),
            outcome: if has_answer { "completed" } else { "failed" }.to_owned(),
            ..Record::default()
        });
        if !has_answer {
            record.confidences.clear();
        }
        let result = match document.bad_input() {
            Some(expected) => Judgement::BadInput(expected.is_met(has_failed, scorer.has_values(&data))),
            None => Judgement::Scored(scorer.score(&document.truth, &data, &record.confidences)),
        };
        Some(Scored { document, record, has_answer, result })
    });
    scored.collect()
}

impl Report {
    /// Adds up.
    pub(crate) fn new(about: Value, documents: &Documents, scored: &[Scored<'_>]) -> Self {
        let done: BTreeSet<&str> = scored.iter().map(|one| one.document.name.as_str()).collect();
        let names = documents.list.iter().map(|document| document.name.clone());
        let (per_field, per_column) = (count_fields(scored), count_columns(scored));
        let mut summary = summarize(scored, &per_field, &per_column);
        let not_run: Vec<String> = names.filter(|name| !done.contains(name.as_str())).collect();
        summary.insert("missing_documents".to_owned(), documents.missing.len().into());
        summary.insert("not_run".to_owned(), not_run.len().into());
        Self {
            about,
            summary,
            per_field: per_field.into_iter().map(|(path, count)| (path, count.to_json())).collect(),
            per_column: per_column.into_iter().map(|(path, count)| (path, count.to_json())).collect(),
            seconds_by_stage: stages(scored),
            documents: scored.iter().map(|one| (one.document.name.clone(), one.to_json(documents))).collect(),
            missing_documents: documents.missing.clone(),
            not_run,
            comparison: None,
        }
    }

    /// A figure by its name: of the summary, or `per_field.PATH`, or `per_column.PATH`.
    fn figure(&self, name: &str) -> Option<f64> {
        let rate = |counts: &Map<String, Value>, path: &str| counts.get(path)?.get("rate")?.as_f64();
        if let Some(path) = name.strip_prefix("per_field.") {
            return rate(&self.per_field, path);
        }
        if let Some(path) = name.strip_prefix("per_column.") {
            return rate(&self.per_column, path);
        }
        self.summary.get(name)?.as_f64()
    }

    /// The bounds that are passed, in words. A figure that is not there passes every bound.
    pub(crate) fn broken_bounds(&self, min: &[Bound], max: &[Bound]) -> Vec<String> {
        let check = |bound: &Bound, word: &str, holds: fn(f64, f64) -> bool| {
            let Bound { name, value } = bound;
            match self.figure(name) {
                Some(figure) if holds(figure, *value) => None,
                Some(figure) => Some(format!("{name} is {figure:.4}, must be at {word} {value}")),
                None => Some(format!("{name} is not known, must be at {word} {value}")),
            }
        };
        let least = min.iter().filter_map(|bound| check(bound, "least", |figure, value| figure >= value));
        let most = max.iter().filter_map(|bound| check(bound, "most", |figure, value| figure <= value));
        least.chain(most).collect()
    }

    /// Compares with another run, value by value, over the documents that both have.
    pub(crate) fn compare(&mut self, name: &str, before: &Value) -> Result<()> {
        let old = before.get("documents").and_then(Value::as_object);
        ensure!(old.is_some(), "{name} is no report of sluice eval");
        let mut better = Vec::new();
        let mut worse = Vec::new();
        let mut shared = 0_usize;
        for (document, now) in &self.documents {
            let Some(then) = old.and_then(|old| old.get(document)) else { continue };
            shared += 1;
            let (now, then) = (right_values(now), right_values(then));
            for (path, is_right) in &now {
                match (then.get(path), is_right) {
                    (Some(false), true) => better.push(format!("{document}: {path}")),
                    (Some(true), false) => worse.push(format!("{document}: {path}")),
                    _ => {}
                }
            }
        }
        let figures = self.summary.iter().filter_map(|(name, now)| {
            let (now, then) = (now.as_f64()?, before.get("summary")?.get(name)?.as_f64()?);
            Some((name.clone(), json!({"before": then, "now": now, "change": rounded(now - then)})))
        });
        let figures: Map<String, Value> = figures.collect();
        self.comparison = Some(json!({
            "with": name, "documents": shared, "became_right": better, "became_wrong": worse, "figures": figures}));
        Ok(())
    }
}

impl Count {
    fn add(&mut self, verdict: Verdict) {
        self.all += 1;
        self.right += usize::from(verdict == Verdict::Right);
        self.missing += usize::from(verdict == Verdict::Missing);
    }

    fn sum<'a>(counts: impl Iterator<Item = &'a Self>) -> Self {
        counts.fold(Self::default(), |sum, one| Self {
            all: sum.all + one.all,
            right: sum.right + one.right,
            missing: sum.missing + one.missing,
        })
    }

    fn rate(self) -> Value {
        ratio(self.right, self.all)
    }

    fn to_json(self) -> Value {
        json!({"count": self.all, "right": self.right, "missing": self.missing, "rate": self.rate()})
    }
}

impl Scored<'_> {
    fn to_json(&self, documents: &Documents) -> Value {
        let Record { outcome, error, seconds, stages, attempts, calls, input_tokens, output_tokens, .. } = &self.record;
        let schema = documents.schemas.get(self.document.schema).map(|schema| schema.name.as_str());
        let mut json = json!({
            "outcome": outcome, "error": error, "schema": schema, "seconds": seconds, "stages": stages,
            "attempts": attempts, "calls": calls, "input_tokens": input_tokens, "output_tokens": output_tokens,
            "pages": self.record.pages, "cost": self.record.cost_nano.map(NanoAmount),
            "currency": self.record.currency, "confidence": self.record.confidence,
            "validation_errors": self.record.validation_errors});
        let Some(fields) = json.as_object_mut() else { return json };
        match &self.result {
            Judgement::BadInput(is_met) => {
                fields.insert("bad_input_ok".to_owned(), (*is_met).into());
            }
            Judgement::Scored(score) => {
                fields.insert("exact".to_owned(), (self.has_answer && score.is_exact()).into());
                let verdicts = score.fields.iter().map(|(path, verdict)| (path.clone(), word(*verdict).into()));
                fields.insert("fields".to_owned(), Value::Object(verdicts.collect()));
                let lines = score.lines.as_ref();
                let lines =
                    lines.map(|lines| json!({"wanted": lines.wanted, "found": lines.found, "right": lines.right}));
                fields.insert("line_items".to_owned(), lines.unwrap_or_default());
            }
        }
        json
    }

    /// In a line, for those who watch.
    pub(crate) fn line(&self) -> String {
        let seconds = self.record.seconds.map(|seconds| format!(", {seconds:.1} s")).unwrap_or_default();
        let outcome = &self.record.outcome;
        let error = self.record.error.as_deref().map(|error| format!(" ({error})")).unwrap_or_default();
        match &self.result {
            Judgement::BadInput(is_met) => {
                let word = if *is_met { "as it should" } else { "NOT as it should" };
                format!("{outcome}, {word}{seconds}{error}")
            }
            Judgement::Scored(score) => {
                let right = score.fields.values().filter(|verdict| **verdict == Verdict::Right).count();
                let lines = score.lines.as_ref().map(|lines| format!(", {}/{} lines", lines.right, lines.wanted));
                let lines = lines.unwrap_or_default();
                format!("{outcome}, {right}/{} fields{lines}{seconds}{error}", score.fields.len())
            }
        }
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Right => "right",
        Verdict::Wrong => "wrong",
        Verdict::Missing => "missing",
    }
}

fn scores<'a>(scored: &'a [Scored<'_>]) -> impl Iterator<Item = &'a DocumentScore> {
    scored.iter().filter_map(|one| match &one.result {
        Judgement::Scored(score) => Some(score),
        Judgement::BadInput(_) => None,
    })
}

fn count_fields(scored: &[Scored<'_>]) -> BTreeMap<String, Count> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for (path, verdict) in scores(scored).flat_map(|score| &score.fields) {
        counts.entry(path.clone()).or_default().add(*verdict);
    }
    counts
}

fn count_columns(scored: &[Scored<'_>]) -> BTreeMap<String, Count> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for (path, (right, all)) in scores(scored).filter_map(|score| score.lines.as_ref()).flat_map(|lines| &lines.columns)
    {
        let count = counts.entry(path.clone()).or_default();
        count.right += right;
        count.all += all;
    }
    counts
}

fn summarize(
    scored: &[Scored<'_>],
    per_field: &BTreeMap<String, Count>,
    per_column: &BTreeMap<String, Count>,
) -> Map<String, Value> {
    let (mut documents, mut answered, mut exact, mut bad, mut bad_ok) = (0, 0, 0, 0, 0);
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for one in scored {
        *outcomes.entry(one.record.outcome.as_str()).or_default() += 1;
        match &one.result {
            Judgement::BadInput(is_met) => {
                bad += 1;
                bad_ok += usize::from(*is_met);
            }
            Judgement::Scored(score) => {
                documents += 1;
                answered += usize::from(one.has_answer);
                exact += usize::from(one.has_answer && score.is_exact());
            }
        }
    }
    let (mut wanted, mut found, mut right) = (0, 0, 0);
    for lines in scores(scored).filter_map(|score| score.lines.as_ref()) {
        (wanted, found, right) = (wanted + lines.wanted, found + lines.found, right + lines.right);
    }
    let judged: Vec<(f64, bool)> = scores(scored).flat_map(|score| score.judged.iter().copied()).collect();
    let fields = Count::sum(per_field.values());
    let line_item_f1 = if wanted + found == 0 { Value::Null } else { rounded(f1(right, wanted, found)) };
    let mut summary = json!({
        "documents": documents, "answered": answered,
        "exact": exact, "document_exact": ratio(exact, documents),
        "fields": fields.all, "fields_right": fields.right, "fields_missing": fields.missing,
        "field_accuracy": fields.rate(),
        "line_items": wanted, "line_items_found": found, "line_items_right": right, "line_item_f1": line_item_f1,
        "line_item_cell_accuracy": Count::sum(per_column.values()).rate(),
        "bad_input": bad, "bad_input_right": bad_ok, "bad_input_ok": ratio(bad_ok, bad),
        "confidence_auroc": auroc(&judged).map(rounded), "confidences": judged.len(),
        "confidences_of_wrong": judged.iter().filter(|(_, is_right)| !is_right).count(),
        "outcomes": outcomes,
    });
    if let (Some(summary), Value::Object(effort)) = (summary.as_object_mut(), effort(scored)) {
        summary.extend(effort);
    }
    match summary {
        Value::Object(summary) => summary,
        _ => Map::new(),
    }
}

/// What it took.
fn effort(scored: &[Scored<'_>]) -> Value {
    let records = || scored.iter().map(|one| &one.record);
    let times: Vec<f64> = records().filter_map(|record| record.seconds).collect();
    let mut costs: BTreeMap<&str, (i64, usize)> = BTreeMap::new();
    for record in records() {
        if let (Some(cost), Some(currency)) = (record.cost_nano, &record.currency) {
            let (sum, count) = costs.entry(currency).or_default();
            *sum = sum.saturating_add(cost);
            *count += 1;
        }
    }
    // Amounts of two currencies have no mean.
    let mean_cost = match costs.values().next() {
        Some((sum, count)) if costs.len() == 1 => mean(NanoAmount(*sum).to_f64(), *count),
        _ => Value::Null,
    };
    let cost: BTreeMap<&str, NanoAmount> = costs.iter().map(|(name, (sum, _))| (*name, NanoAmount(*sum))).collect();
    json!({
        "seconds": rounded(times.iter().sum()), "seconds_per_document": mean(times.iter().sum(), times.len()),
        "slowest_seconds": times.iter().copied().reduce(f64::max).map(rounded),
        "cost": cost, "cost_per_document": mean_cost,
        "calls": records().map(|record| record.calls).sum::<u64>(),
        "input_tokens": records().map(|record| record.input_tokens).sum::<u64>(),
        "output_tokens": records().map(|record| record.output_tokens).sum::<u64>(),
        "pages": records().filter_map(|record| record.pages).sum::<u64>(),
    })
}

fn stages(scored: &[Scored<'_>]) -> Map<String, Value> {
    let mut times: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for (stage, seconds) in scored.iter().flat_map(|one| &one.record.stages) {
        let (sum, count) = times.entry(stage).or_default();
        *sum += seconds;
        *count += 1;
    }
    let in_order = sluice_core::StageName::ALL.iter().filter_map(|stage| times.get_key_value(stage.as_str()));
    in_order
        .map(|(stage, (sum, count))| {
            ((*stage).to_owned(), json!({"documents": count, "seconds": rounded(*sum), "mean": mean(*sum, *count)}))
        })
        .collect()
}

/// By path whether the value is right; the line items are one value.
fn right_values(document: &Value) -> BTreeMap<String, bool> {
    let fields = document.get("fields").and_then(Value::as_object).into_iter().flatten();
    let mut values: BTreeMap<String, bool> = fields.map(|(path, verdict)| (path.clone(), verdict == "right")).collect();
    if let Some(lines) = document.get("line_items").filter(|lines| lines.is_object()) {
        let count = |name: &str| lines.get(name).and_then(Value::as_u64);
        values.insert("line items".to_owned(), count("right") == count("wanted") && count("found") == count("wanted"));
    }
    if let Some(is_met) = document.get("bad_input_ok").and_then(Value::as_bool) {
        values.insert("bad input".to_owned(), is_met);
    }
    values
}

fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

fn ratio(part: usize, whole: usize) -> Value {
    if whole == 0 { Value::Null } else { rounded(float(part) / float(whole)) }
}

fn mean(sum: f64, count: usize) -> Value {
    if count == 0 { Value::Null } else { rounded(sum / float(count)) }
}

/// To six places: more is noise in a report.
fn rounded(value: f64) -> Value {
    // A sum of nothing is -0.0.
    format!("{:.6}", value + 0.0).parse::<f64>().map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests;
