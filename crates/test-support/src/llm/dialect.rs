//! How servers that call themselves compatible differ.

use serde_json::{Value, json};

use super::Reply;

/// How a scripted model speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Takes a strict JSON schema, and everything else.
    #[default]
    StrictSchema,
    /// Knows `json_object` only and answers 400 to a schema.
    ObjectOnly,
    /// Answers 400 to any form.
    NoForm,
    /// Sends words, nulls and fields that nobody expects.
    OddWords,
    /// Never tells tokens.
    NoUsage,
    /// Wants `max_completion_tokens` and no temperature, as models that reason do.
    Reasoning,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::StrictSchema, Self::ObjectOnly, Self::NoForm, Self::OddWords, Self::NoUsage, Self::Reasoning];

    /// What it answers to a request that it does not understand.
    pub(super) fn refusal(self, request: &Value) -> Option<Reply> {
        let form = request.pointer("/response_format/type").and_then(Value::as_str);
        let message = match (self, form) {
            (Self::ObjectOnly, Some("json_schema")) => "response_format.type must be one of text, json_object",
            (Self::NoForm, Some(_)) => "unknown field: response_format",
            (Self::Reasoning, _) if request.get("max_tokens").is_some() => {
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            }
            (Self::Reasoning, _) if request.get("temperature").is_some_and(|value| value != 1) => {
                "Unsupported value: 'temperature' does not support this value with this model."
            }
            _ => return None,
        };
        Some(Reply::error(400, message))
    }

    /// Makes a chunk or an answer odd.
    pub(super) fn change(self, body: &mut Value) {
        if self != Self::OddWords {
            return;
        }
        if let Some(choice) = body.pointer_mut("/choices/0").and_then(Value::as_object_mut) {
            let is_last = choice.get("finish_reason").is_some_and(|reason| !reason.is_null());
            choice.insert("finish_reason".to_owned(), json!(""));
            choice.insert("matched_stop".to_owned(), json!(128_009));
            if is_last && choice.contains_key("delta") {
                choice.insert("delta".to_owned(), Value::Null);
            }
        }
        if let Some(fields) = body.as_object_mut() {
            fields.insert("object".to_owned(), json!("chat.completion.of.another.kind"));
            fields.insert("service_tier".to_owned(), json!({"odd": [null]}));
            fields.insert("created".to_owned(), json!("yesterday"));
        }
    }
}
