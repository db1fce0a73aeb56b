//! Finds out what an endpoint can do, by a handful of short questions.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::capabilities::{Capabilities, TokenLimit};
use crate::client::{Client, key_of};
use crate::dialect::{Dialect, Mode};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::question::{Format, Message, Question};

/// How long each of the questions after the first may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// More of a list of models is not read.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Who is asked for four tokens and answers more characters than this does not count them.
const FOUR_TOKENS_CHARS: usize = 80;
/// An 8 by 8 PNG; smaller ones are refused by some.
const PICTURE: &str = "data:image/png;base64,\
iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGM4oKCAFTEMLQkAKj9AAXjm1WMAAAAASUVORK5CYII=";
/// What no model answers unless it is held to a schema.
const ONLY_WORD: &str = "teal";

/// What a test of a model has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name by which the model calls itself.
    pub model: Option<String>,
    /// How long its first answer took.
    pub latency: Duration,
    /// What the endpoint can do.
    pub capabilities: Capabilities,
}

/// Asks for a word.
pub(crate) fn ping(endpoint: &Endpoint, dialect: Dialect) -> Value {
    short(endpoint, dialect, json!("ping"))
}

fn short(endpoint: &Endpoint, dialect: Dialect, content: Value) -> Value {
    let limit = if dialect.has_completion_limit { "max_completion_tokens" } else { "max_tokens" };
    let mut body = json!({
        "model": endpoint.model, "messages": [{"role": "user", "content": content}], limit: 4,
    });
    if !dialect.has_own_temperature
        && let Some(fields) = body.as_object_mut()
    {
        fields.insert("temperature".to_owned(), json!(0));
    }
    body
}

impl Client {
    /// Tests an endpoint: whether it answers, and what it can do. Something that it can't do is no error.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn probe(&self, endpoint: &Endpoint) -> Result<Found> {
        self.forget(endpoint);
        let started = tokio::time::Instant::now();
        let (answer, dialect) = self.first_word(endpoint).await?;
        let latency = started.elapsed();
        let content = answer.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default();
        let token_limit = if dialect.has_completion_limit {
            TokenLimit::MaxCompletionTokens
        } else if content.chars().count() > FOUR_TOKENS_CHARS {
            TokenLimit::Ignored
        } else {
            TokenLimit::MaxTokens
        };
        let finish_reason = answer.pointer("/choices/0/finish_reason").and_then(Value::as_str).map(str::to_owned);
        let mut capabilities = Capabilities {
            usage: Some(answer.pointer("/usage/prompt_tokens").is_some_and(Value::is_u64)),
            token_limit: Some(token_limit),
            finish_reason,
            ..Capabilities::default()
        };
        let ((), logprobs, vision, context_tokens) = tokio::join!(
            self.probe_form(endpoint, &mut capabilities),
            self.probe_logprobs(endpoint, dialect),
            self.probe_vision(endpoint, dialect),
            self.probe_context(endpoint),
        );
        capabilities.logprobs = logprobs;
        capabilities.vision = vision;
        capabilities.context_tokens = context_tokens;
        let model = answer.get("model").and_then(Value::as_str).map(str::to_owned);
        Ok(Found { model, latency, capabilities })
    }

    /// The first answer, and how it had to be asked for.
    async fn first_word(&self, endpoint: &Endpoint) -> Result<(Value, Dialect)> {
        // There is no form to be weaker about: only what a refusal names is changed.
        let mut dialect = Dialect { mode: Mode::Plain, ..Dialect::default() };
        loop {
            match self.once(endpoint, ping(endpoint, dialect)).await {
                Err(error) if error.may_be_form() => match dialect.after(&error.to_string()) {
                    Some(other) => dialect = other,
                    None => return Err(error),
                },
                Err(error) => return Err(error),
                Ok(answer) => {
                    self.learn(endpoint, Dialect { mode: Mode::Schema, ..dialect });
                    return Ok((answer, dialect));
                }
            }
        }
    }

    /// The form of answers, and whether answers in pieces tell their tokens.
    async fn probe_form(&self, endpoint: &Endpoint, capabilities: &mut Capabilities) {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["answer"],
            "properties": {"answer": {"type": "string", "enum": [ONLY_WORD]}},
        });
        let ask = "What is the capital of France? Answer in JSON, as {\"answer\": \"...\"}.";
        let question = Question {
            messages: vec![Message::user(ask)],
            format: Format::Schema { name: "answer", schema, is_strict: true },
        };
        // What is said of the endpoint must not keep it from showing what it can do.
        let endpoint = Endpoint {
            max_tokens: endpoint.max_tokens.min(64),
            structured_output: true,
            capabilities: Capabilities::default(),
            ..endpoint.clone()
        };
        let progress = watch::Sender::new(0);
        let asked = tokio::time::timeout(TIMEOUT, self.ask(&endpoint, &question, &progress)).await;
        let Ok(Ok(answer)) = asked else { return };
        let mode = self.learnt(&key_of(&endpoint)).mode;
        capabilities.response_format = Some(mode.into());
        capabilities.stream_usage = Some(!answer.usage.is_estimated);
        if mode == Mode::Schema {
            let said: Option<Value> = serde_json::from_str(&answer.content).ok();
            capabilities.enforces_schema = Some(said.is_some_and(|said| said == json!({"answer": ONLY_WORD})));
        }
    }

    async fn probe_logprobs(&self, endpoint: &Endpoint, dialect: Dialect) -> Option<bool> {
        let mut body = ping(endpoint, dialect);
        body.as_object_mut()?.insert("logprobs".to_owned(), json!(true));
        let answer = self.can(endpoint, body).await?;
        let told =
            |answer: Value| answer.pointer("/choices/0/logprobs/content/0/logprob").is_some_and(Value::is_number);
        Some(answer.is_some_and(told))
    }

    async fn probe_vision(&self, endpoint: &Endpoint, dialect: Dialect) -> Option<bool> {
        let content = json!([
            {"type": "text", "text": "Name a color of this picture."},
            {"type": "image_url", "image_url": {"url": PICTURE}},
        ]);
        Some(self.can(endpoint, short(endpoint, dialect, content)).await?.is_some())
    }

    /// The answer, or none where it is refused; nothing when that can't be told.
    async fn can(&self, endpoint: &Endpoint, body: Value) -> Option<Option<Value>> {
        match tokio::time::timeout(TIMEOUT, self.once(endpoint, body)).await {
            Ok(Ok(answer)) => Some(Some(answer)),
            // Some answer 500 to what they can't do; who is busy says nothing.
            Ok(Err(Error::Refused { status, .. })) if status != 429 && status != 503 => Some(None),
            _ => None,
        }
    }

    /// The size of the context, where the endpoint tells it.
    async fn probe_context(&self, endpoint: &Endpoint) -> Option<u32> {
        let base = endpoint.base_url.trim_end_matches('/');
        let root = base.strip_suffix("/v1").unwrap_or(base);
        let (props, models) =
            tokio::join!(self.fetch(endpoint, format!("{root}/props")), self.fetch(endpoint, format!("{base}/models")));
        let of_server = props.as_ref().and_then(|props| tokens(props.pointer("/default_generation_settings/n_ctx")));
        of_server.or_else(|| context_of(&models?, &endpoint.model))
    }

    async fn fetch(&self, endpoint: &Endpoint, url: String) -> Option<Value> {
        let fetching = async {
            let request = self.http().get(url).bearer_auth(endpoint.api_key.expose_secret());
            let mut response = request.send().await.ok()?.error_for_status().ok()?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.ok()? {
                body.extend_from_slice(&chunk);
                if body.len() > MAX_BODY_BYTES {
                    return None;
                }
            }
            serde_json::from_slice(&body).ok()
        };
        tokio::time::timeout(TIMEOUT, fetching).await.ok()?
    }
}

/// What a list of models says of one of them.
fn context_of(models: &Value, name: &str) -> Option<u32> {
    const WORDS: [&str; 6] =
        ["/max_model_len", "/context_length", "/context_window", "/max_context_length", "/meta/n_ctx", "/n_ctx"];
    let models = models.get("data").and_then(Value::as_array)?;
    let named = models.iter().find(|model| model.get("id").is_some_and(|id| id == name));
    let only = if models.len() == 1 { models.first() } else { None };
    let model = named.or(only)?;
    WORDS.iter().find_map(|word| tokens(model.pointer(word)))
}

fn tokens(value: Option<&Value>) -> Option<u32> {
    value?.as_u64().and_then(|tokens| u32::try_from(tokens).ok()).filter(|tokens| *tokens > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_is_read_from_a_list_of_models() {
        let list =
            json!({"data": [{"id": "a", "max_model_len": 8192}, {"id": "b", "meta": {"n_ctx": 4096}}, {"id": "c"}]});
        assert_eq!(context_of(&list, "a"), Some(8192));
        assert_eq!(context_of(&list, "b"), Some(4096));
        assert_eq!((context_of(&list, "c"), context_of(&list, "d")), (None, None));
        let only = json!({"data": [{"id": "/models/a.gguf", "context_length": 2048}]});
        assert_eq!(context_of(&only, "a"), Some(2048));
        for odd in [json!(null), json!([]), json!({"data": {}}), json!({"data": [{"id": "a", "n_ctx": -1}]})] {
            assert_eq!(context_of(&odd, "a"), None, "{odd}");
        }
    }
}
