//! What models write besides data: schemas, rules, scripts and instructions. Each file has the messages that ask for one
//! kind and the reader that decides whether the answer can be used.

use crate::reply::{self, ReplyError};

pub mod instructions;
pub mod rules;
pub mod schema;
pub mod script;

/// What is wrong with an answer; the model and the person who asked are told the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

/// The result of reading an answer.
pub type Result<T> = std::result::Result<T, Unusable>;

impl Unusable {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl From<ReplyError> for Unusable {
    fn from(error: ReplyError) -> Self {
        Self(match error {
            ReplyError::Cut => "it was cut at the model's limit of tokens".to_owned(),
            ReplyError::NoObject { reason } => format!("it is no JSON object: {reason}"),
            ReplyError::NoField { field } => format!("it has no {field}"),
        })
    }
}

/// Reads a text: without a fence around it, and not empty.
///
/// # Errors
/// When nothing is left of it, or it was cut.
pub fn read_text(content: &str, finish_reason: &str) -> Result<String> {
    if finish_reason == "length" {
        return Err(ReplyError::Cut.into());
    }
    let text = without_fence(content);
    if text.is_empty() { Err(Unusable::new("it is empty")) } else { Ok(text.to_owned()) }
}

fn read_object(content: &str, finish_reason: &str) -> Result<serde_json::Value> {
    Ok(reply::parse(content, finish_reason)?)
}

/// The text inside a fence that surrounds all of it.
fn without_fence(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    // The first line of a fence names the language.
    inner.and_then(|inner| inner.split_once('\n')).map_or(text, |(_, body)| body.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_around_a_text_is_no_part_of_it() {
        for content in ["# Rules", "```markdown\n# Rules\n```", "  ```\n# Rules\n```\n"] {
            assert_eq!(read_text(content, "stop"), Ok("# Rules".to_owned()), "{content}");
        }
        let with_code = "# Rules\n```\nx\n```";
        assert_eq!(read_text(with_code, "stop").as_deref(), Ok(with_code));
    }

    #[test]
    fn a_text_that_is_empty_or_cut_is_refused() {
        for content in ["", " \n", "```\n```", "```markdown\n\n```"] {
            assert_eq!(read_text(content, "stop").unwrap_err().to_string(), "it is empty", "{content}");
        }
        assert!(read_text("# Rules", "length").is_err());
    }
}
