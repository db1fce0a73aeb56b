//! All of a schema, of a document of any length.

use serde_json::Value;
use sluice_extraction::field::FieldPath;
use sluice_extraction::merge::{self, Join};
use sluice_extraction::prompt::Task;
use sluice_extraction::{reply, tokens, windows};

use super::calls::{CallError, Calls, Reply, cut_error};
use super::{Draft, list};
use crate::error::StageError;

/// Tokens of what stands around the document in a question, beside the system message.
const AROUND_TOKENS: u32 = 200;
/// A part of a document that is smaller says nothing any more.
const SMALLEST_PART_TOKENS: u32 = 256;

/// Asks for everything: in one call where document and answer are short enough, else in parts, rows of the table apart.
pub(super) async fn extract(calls: &mut Calls<'_>) -> Result<Draft, StageError> {
    let subject = calls.subject;
    let table = list::Table::of(subject);
    let mut data = match &table {
        Some(table) if table.is_too_long_for_one_answer(subject) => table.extract_apart(calls).await?,
        _ => match in_windows(calls, &subject.schema).await? {
            Whole::Data(data) => data,
            Whole::Cut(content) => {
                let Some(table) = &table else { return Err(cut_error(subject.settings.endpoint.max_tokens)) };
                table.extract_after_cut(calls, &content).await?
            }
        },
    };
    let issues = match &table {
        Some(table) => table.complete(calls, &mut data).await?,
        None => Vec::new(),
    };
    Ok(Draft { data, patch: None, issues })
}

/// What comes of asking for everything.
pub(super) enum Whole {
    /// The data, in the form of the schema.
    Data(Value),
    /// The answer was cut; what came before.
    Cut(String),
}

/// Asks for a schema, of all the document's text: at once, or in windows that fit into the model's context.
pub(super) async fn in_windows(calls: &mut Calls<'_>, schema: &Value) -> Result<Whole, StageError> {
    let mut budget = budget(calls)?;
    'smaller: loop {
        let parts = windows::split(calls.subject.pages, budget);
        let of = parts.len();
        let mut answers = Vec::new();
        for (index, text) in parts.iter().enumerate() {
            calls.set_share(index, of);
            let task = if of == 1 { Task::All } else { Task::Part { number: index + 1, of } };
            let question = calls.subject.question(schema, text, task);
            match calls.ask(&question).await {
                Ok(Reply::Object(object)) => answers.push(reply::convert(object, &calls.subject.schema)),
                Ok(Reply::Cut(content)) => return Ok(Whole::Cut(content)),
                Err(CallError::Overflow(error)) => {
                    // The endpoint has not told how much it reads: it is found out by halves.
                    budget = tokens::estimate(text) / 2;
                    if budget < SMALLEST_PART_TOKENS {
                        return Err(error);
                    }
                    continue 'smaller;
                }
                Err(error) => return Err(error.into()),
            }
        }
        return Ok(Whole::Data(join(calls, answers)));
    }
}

/// Joins what was answered about consecutive parts of the document.
fn join(calls: &Calls<'_>, answers: Vec<Value>) -> Value {
    let rows = calls.subject.list.as_ref().map(FieldPath::to_string);
    merge::parts(answers, Join { rows: rows.as_deref(), last_wins: &calls.subject.totals() })
}

/// The tokens that are left for the document in a question.
fn budget(calls: &Calls<'_>) -> Result<u32, StageError> {
    let endpoint = &calls.subject.settings.endpoint;
    let Some(context) = endpoint.context_tokens else { return Ok(u32::MAX) };
    let system = tokens::estimate(&calls.subject.system_message());
    let taken = system.saturating_add(endpoint.max_tokens).saturating_add(AROUND_TOKENS);
    let left = context.saturating_sub(taken);
    if left >= SMALLEST_PART_TOKENS {
        return Ok(left);
    }
    Err(StageError::invalid(format!(
        "the model reads {context} tokens; the schema takes about {system} of them and the answer up to {}, which leaves no \
         room for the document",
        endpoint.max_tokens
    )))
}

/// Asks for some fields anew, window by window until each has a value; answers what was said of them.
pub(super) async fn fields(
    calls: &mut Calls<'_>,
    fields: &[FieldPath],
    known: &Value,
    errors: &str,
) -> Result<Whole, StageError> {
    let schema = FieldPath::narrow_to(fields, &calls.subject.schema);
    let parts = windows::split(calls.subject.pages, budget(calls)?);
    let mut answers = Vec::new();
    for text in &parts {
        let question = calls.subject.question(&schema, text, Task::Fields { fields, known, errors });
        match calls.ask(&question).await? {
            Reply::Object(object) => answers.push(object),
            Reply::Cut(content) => return Ok(Whole::Cut(content)),
        }
        let has_value =
            |field: &FieldPath| answers.iter().any(|answer| field.find(answer).is_some_and(|value| !value.is_null()));
        if fields.iter().all(has_value) {
            break;
        }
    }
    Ok(Whole::Data(join(calls, answers)))
}
