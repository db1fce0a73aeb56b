//! The rows of the document's table: none is lost silently.

use serde_json::{Map, Value};
use sluice_core::NanoAmount;
use sluice_extraction::concepts::Concept;
use sluice_extraction::field::FieldPath;
use sluice_extraction::prompt::Task;
use sluice_extraction::rows::{Part, Rows};
use sluice_extraction::validate::{Issue, Severity};
use sluice_extraction::{outline, reply, tokens};

use super::calls::{CallError, Calls, Reply, cut_error};
use super::subject::Subject;
use super::whole::{Whole, in_windows};
use crate::error::StageError;

/// The share of an answer's limit that is planned with, in percent: estimates of tokens are rough.
const PLANNED_PERCENT: u32 = 75;
/// Tokens of a value and the marks around it.
const VALUE_TOKENS: u32 = 8;
/// Rows asked for at a time where rows were missing: few, so that none is passed over.
const CAREFUL_ROWS: usize = 12;
/// A part that gave too few rows is cut in two this often: what looks like a row need not be one.
const MAX_CUTS: u32 = 1;

/// The list of a schema and the rows that the document has for it.
pub(super) struct Table {
    list: FieldPath,
    rows: Rows,
    /// Tokens of a row in an answer.
    row_tokens: u32,
    /// Tokens of an answer without the rows.
    rest_tokens: u32,
}

impl Table {
    /// `None` when the schema has no list.
    pub(super) fn of(subject: &Subject<'_>) -> Option<Self> {
        let list = subject.list.clone()?;
        let rows = Rows::find(subject.pages);
        let row_schema = list.schema_in(&subject.schema)?.get("items")?;
        let row_tokens = answer_tokens(row_schema);
        let rest_tokens = answer_tokens(&list.cut_from(&subject.schema));
        Some(Self { list, rows, row_tokens, rest_tokens })
    }

    /// Whether the evident rows and the rest of the data can't be told in one answer.
    pub(super) fn is_too_long_for_one_answer(&self, subject: &Subject<'_>) -> bool {
        let rows = u32::try_from(self.rows.evident()).unwrap_or(u32::MAX);
        let answer = rows.saturating_mul(self.row_tokens).saturating_add(self.rest_tokens);
        rows > 1 && answer > planned(subject)
    }

    /// Asks for all but the rows, then for the rows part by part.
    pub(super) async fn extract_apart(&self, calls: &mut Calls<'_>) -> Result<Value, StageError> {
        let rest = self.list.cut_from(&calls.subject.schema);
        let Whole::Data(data) = in_windows(calls, &rest).await? else {
            return Err(cut_error(calls.subject.settings.endpoint.max_tokens));
        };
        self.with_rows(calls, data).await
    }

    /// Goes on after an answer for everything was cut: what of it is whole is kept, but not its rows.
    pub(super) async fn extract_after_cut(&self, calls: &mut Calls<'_>, content: &str) -> Result<Value, StageError> {
        let mut rest = self.list.cut_from(&calls.subject.schema);
        let list = self.list.to_string();
        let mut known = Map::new();
        for (name, value) in reply::whole_fields(content) {
            // A field that holds the list is asked for again without it.
            if let (Some(field), false) = (FieldPath::parse(&name), list.split('.').next() == Some(name.as_str())) {
                rest = field.cut_from(&rest);
                known.insert(name, value);
            }
        }
        let has_more = rest.get("properties").and_then(Value::as_object).is_some_and(|more| !more.is_empty());
        let mut data = reply::convert(Value::Object(known), &calls.subject.schema);
        if has_more {
            let Whole::Data(more) = in_windows(calls, &rest).await? else {
                return Err(cut_error(calls.subject.settings.endpoint.max_tokens));
            };
            if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
                data.extend(more);
            }
        }
        self.with_rows(calls, data).await
    }

    async fn with_rows(&self, calls: &mut Calls<'_>, data: Value) -> Result<Value, StageError> {
        self.put(self.all_rows(calls).await?, &data)
    }

    /// All rows of the table, as many in an answer as it has room for.
    pub(super) async fn all_rows(&self, calls: &mut Calls<'_>) -> Result<Vec<Value>, StageError> {
        self.ask_in_parts(calls, self.rows_per_answer(calls.subject)).await
    }

    /// Data with these rows.
    pub(super) fn put(&self, rows: Vec<Value>, data: &Value) -> Result<Value, StageError> {
        let put = self.list.merge(data, Some(Value::Array(rows)), None);
        put.map_err(|error| StageError::invalid(error.to_string()))
    }

    fn rows_per_answer(&self, subject: &Subject<'_>) -> usize {
        usize::try_from(planned(subject) / self.row_tokens.max(1)).unwrap_or(usize::MAX).max(1)
    }

    /// Asks for rows that are missing, and tells what is still missing then.
    pub(super) async fn complete(&self, calls: &mut Calls<'_>, data: &mut Value) -> Result<Vec<Issue>, StageError> {
        if !self.lacks_rows(calls.subject, data) {
            return Ok(Vec::new());
        }
        let found = self.count(data);
        tracing::info!(found, evident = self.rows.evident(), "rows are missing and asked for in parts");
        let rows = self.ask_in_parts(calls, CAREFUL_ROWS.min(self.rows_per_answer(calls.subject))).await?;
        let merged = self.put(rows, data)?;
        let is_better =
            self.count(&merged) > found && calls.subject.check(&merged).len() <= calls.subject.check(data).len();
        if is_better || sum_meets(calls.subject, &merged) == Some(true) {
            *data = merged;
        }
        if !self.lacks_rows(calls.subject, data) {
            return Ok(Vec::new());
        }
        let (evident, found) = (self.rows.evident(), self.count(data));
        let sums = sum_meets(calls.subject, data);
        let proof = if sums == Some(false) { ", and their amounts do not add up to the document's totals" } else { "" };
        let message = format!("the document's table has {evident} rows, {found} were found{proof}");
        let severity = if sums == Some(false) { Severity::Error } else { Severity::Warning };
        Ok(vec![Issue::of_check("rows_missing", severity, self.list.to_string(), message)])
    }

    /// Whether the document evidently has more rows. Rows that add up are all there, whatever the page looks like.
    fn lacks_rows(&self, subject: &Subject<'_>, data: &Value) -> bool {
        self.count(data) < self.rows.evident() && sum_meets(subject, data) != Some(true)
    }

    fn count(&self, data: &Value) -> usize {
        self.list.find(data).and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// Asks for the rows of the table in parts of at most so many, and puts them one behind another.
    async fn ask_in_parts(&self, calls: &mut Calls<'_>, max_rows: usize) -> Result<Vec<Value>, StageError> {
        let schema = self.list.narrow(&calls.subject.schema);
        let parts = self.rows.parts(max_rows);
        let of = parts.len();
        let mut rows = Vec::new();
        for (index, part) in parts.into_iter().enumerate() {
            calls.set_share(index, of);
            rows.extend(self.ask_part(calls, &schema, (&part, index + 1, of), 0).await?);
        }
        Ok(rows)
    }

    /// Asks for the rows of one part. When the answer is cut, or has fewer rows than the part, its halves are asked for.
    async fn ask_part(
        &self,
        calls: &mut Calls<'_>,
        schema: &Value,
        (part, number, of): (&Part, usize, usize),
        cuts: u32,
    ) -> Result<Vec<Value>, StageError> {
        let text = self.rows.text(part);
        let columns = if text.contains(self.rows.columns()) { "" } else { self.rows.columns() };
        let task = Task::Rows { list: &self.list, columns, number, of };
        let question = calls.subject.question(schema, &text, task);
        let found = match calls.ask(&question).await {
            Ok(Reply::Object(object)) => {
                let data = reply::convert(object, &calls.subject.schema);
                let rows = self.list.find(&data).and_then(Value::as_array).cloned().unwrap_or_default();
                if rows.len() >= part.rows || cuts >= MAX_CUTS {
                    return Ok(rows);
                }
                Some(rows)
            }
            Ok(Reply::Cut(_)) => None,
            Err(CallError::Overflow(error)) if self.rows.halve(part).is_none() => return Err(error),
            Err(CallError::Overflow(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(halves) = self.rows.halve(part) else {
            return found.ok_or_else(|| cut_error(calls.subject.settings.endpoint.max_tokens));
        };
        let mut rows = Vec::new();
        for half in &halves {
            // Cutting because of the answer's limit has an end of its own: a single row.
            let cuts = if found.is_some() { cuts + 1 } else { cuts };
            rows.extend(Box::pin(self.ask_part(calls, schema, (half, number, of), cuts)).await?);
        }
        Ok(found.filter(|found| found.len() >= rows.len()).unwrap_or(rows))
    }
}

/// Tokens that may be planned with in one answer.
fn planned(subject: &Subject<'_>) -> u32 {
    subject.settings.endpoint.max_tokens.saturating_mul(PLANNED_PERCENT) / 100
}

/// Tokens of an answer of a form: its names, and something for each value.
fn answer_tokens(schema: &Value) -> u32 {
    let names: String =
        outline::write(schema).lines().map(|line| format!("{}\n", line.split("//").next().unwrap_or(""))).collect();
    let values = u32::try_from(names.lines().count()).unwrap_or(u32::MAX);
    let keys: u32 = names.lines().map(|line| tokens::estimate(line.trim().split(": ").next().unwrap_or(""))).sum();
    keys.saturating_add(values.saturating_mul(VALUE_TOKENS))
}

/// Whether the rows' amounts add up to one of the document's totals; `None` when either is not there.
fn sum_meets(subject: &Subject<'_>, data: &Value) -> Option<bool> {
    let concepts = subject.examiner.concepts();
    let amount = |value: &Value| value.as_f64().and_then(NanoAmount::from_f64);
    let rows = concepts.rows(data, Concept::Lines)?;
    let totals = [Concept::LinesNet, Concept::Net, Concept::Gross, Concept::Due];
    let totals: Vec<NanoAmount> = totals.into_iter().filter_map(|total| amount(concepts.value(data, total)?)).collect();
    let sums = [Concept::LineAmount, Concept::LineGross].into_iter().filter_map(|column| {
        let amounts: Option<Vec<NanoAmount>> =
            rows.iter().map(|row| amount(concepts.row_value(row, column)?)).collect();
        amounts
            .filter(|amounts| !amounts.is_empty())
            .map(|amounts| amounts.into_iter().fold(NanoAmount::ZERO, NanoAmount::plus))
    });
    let sums: Vec<NanoAmount> = sums.collect();
    (!totals.is_empty() && !sums.is_empty()).then(|| sums.iter().any(|sum| totals.contains(sum)))
}
