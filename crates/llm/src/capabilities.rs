//! What an endpoint was found to be able to do.

use serde::{Deserialize, Serialize};

/// What an endpoint was found to be able to do. What could not be found out is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// The strictest form of answers that it takes.
    pub response_format: Option<ResponseFormat>,
    /// Whether answers keep to a schema that was asked for, or it is only taken.
    pub enforces_schema: Option<bool>,
    /// Whether whole answers tell their tokens.
    pub usage: Option<bool>,
    /// Whether answers in pieces do.
    pub stream_usage: Option<bool>,
    /// Whether it tells how sure it is of each token.
    pub logprobs: Option<bool>,
    /// Whether it takes pictures.
    pub vision: Option<bool>,
    /// Tokens of question and answer together.
    pub context_tokens: Option<u32>,
    /// By which word it limits answers.
    pub token_limit: Option<TokenLimit>,
    /// Why its answer ended, in its own word.
    pub finish_reason: Option<String>,
}

/// A form of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFormat {
    /// A JSON object of a schema.
    JsonSchema,
    /// A JSON object.
    JsonObject,
    /// Text; JSON can only be asked for in words.
    None,
}

/// The word that limits an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// `max_tokens`.
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
    /// It takes `max_tokens` and answers longer all the same.
    Ignored,
}
