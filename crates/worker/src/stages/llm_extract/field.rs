//! One field anew, at a person's wish.

use serde_json::{Value, json};
use sluice_extraction::reply::{self, ReplyError};
use sluice_extraction::validate::Issue;

use super::Draft;
use super::calls::{Calls, cut_error};
use super::correct::{drop_info, list};
use super::list::Table;
use super::whole::{self, Whole};
use crate::error::StageError;
use crate::state::{FieldTask, Patch};

/// Asks for the field until its value passes the checks or the calls are used up. What does not pass is worth keeping
/// where nothing is; it must not take the place of what is there.
pub(super) async fn extract(calls: &mut Calls<'_>, task: &FieldTask) -> Result<Draft, StageError> {
    let mut known = task.path.without(&task.data);
    drop_info(&mut known);
    let mut errors = String::new();
    loop {
        let answer = match whole::fields(calls, std::slice::from_ref(&task.path), &known, &errors).await? {
            Whole::Data(answer) => answer,
            Whole::Cut(_) => after_cut(calls, task).await?,
        };
        let refusal = match read(calls, answer, task) {
            Ok((draft, issues)) => match issues.first() {
                None => return Ok(draft),
                Some(issue) => {
                    errors = list(&issues);
                    format!("the model's answer for {} does not pass the checks: {}", task.path, issue.message)
                }
            },
            Err(error) => {
                errors = format!("- {error}");
                error.to_string()
            }
        };
        if calls.corrections < 1 {
            return Err(StageError::invalid(refusal));
        }
        calls.corrections -= 1;
    }
}

/// A list that is too long for one answer, asked for in parts.
async fn after_cut(calls: &mut Calls<'_>, task: &FieldTask) -> Result<Value, StageError> {
    let is_list = calls.subject.list.as_ref() == Some(&task.path);
    let Some(table) = Table::of(calls.subject).filter(|_| is_list) else {
        return Err(cut_error(calls.subject.settings.endpoint.max_tokens));
    };
    let rows = table.all_rows(calls).await?;
    table.put(rows, &json!({}))
}

/// The answer's value in the data that is there. Only what the checks find at the field counts: the rest is as it was.
fn read(calls: &Calls<'_>, answer: Value, task: &FieldTask) -> Result<(Draft, Vec<Issue>), ReplyError> {
    let path = &task.path;
    let no_field = || ReplyError::NoField { field: path.to_string() };
    path.find(&answer).ok_or_else(no_field)?;
    // By the whole schema, in which a field may be optional: a null of one is left out.
    let converted = reply::convert(answer, &calls.subject.schema);
    let patch = Patch {
        value: path.find(&converted).cloned(),
        info: converted.get("_extraction_info").filter(|info| info.is_object()).cloned(),
    };
    let merged = path.merge(&task.data, patch.value.clone(), patch.info.as_ref());
    let data = merged.map_err(|_no_place| no_field())?;
    let mut issues = calls.subject.check(&data);
    issues.retain(|issue| !issue.field.is_empty() && path.overlaps(&issue.field));
    Ok((Draft { data, patch: Some(patch), issues: Vec::new() }, issues))
}
