//! An answer as it arrives.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use async_openai::error::OpenAIError;
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use sluice_extraction::cost::Usage;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::once::RetryAfter;

/// Chunks as the library reads them.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = std::result::Result<Value, OpenAIError>> + Send>>;

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The text.
    pub content: String,
    /// Why it ended: `stop`, `length`, or a word of the endpoint's own.
    pub finish_reason: String,
    /// Tokens.
    pub usage: Usage,
}

/// An answer as it arrives. Dropping it ends the request at the endpoint.
pub struct Deltas {
    pub(crate) chunks: Chunks,
    pub(crate) partial: Partial,
    /// The request, to estimate its tokens by.
    pub(crate) sent: String,
    pub(crate) retry_after: RetryAfter,
    pub(crate) deadline: Instant,
    pub(crate) idle_timeout: Duration,
    /// When something last arrived.
    pub(crate) arrived: Instant,
}

/// What has arrived.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    content: String,
    finish_reason: Option<String>,
    usage: Option<(u64, u64)>,
}

impl Deltas {
    /// The next piece of text; `None` when the answer has ended.
    ///
    /// May be dropped and called again: nothing is lost.
    ///
    /// # Errors
    /// When the endpoint breaks off, stops sending, or takes too long.
    pub async fn next(&mut self) -> Result<Option<String>> {
        while let Some(chunk) = self.chunk().await? {
            let delta = self.partial.take(&chunk)?;
            if !delta.is_empty() {
                return Ok(Some(delta.to_owned()));
            }
        }
        Ok(None)
    }

    /// All text so far.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.partial.content
    }

    /// The whole answer, once [`Deltas::next`] has answered `None`.
    ///
    /// # Errors
    /// `Cut` when the endpoint never said that it was at its end.
    pub fn finish(self) -> Result<Answer> {
        self.partial.finish(&self.sent)
    }

    async fn chunk(&mut self) -> Result<Option<Value>> {
        // How long a model thinks before its first word is bounded by the whole call only.
        let limit = if self.partial.content.is_empty() {
            self.deadline
        } else {
            self.deadline.min(self.arrived + self.idle_timeout)
        };
        match tokio::time::timeout_at(limit, self.chunks.next()).await {
            Ok(Some(Ok(chunk))) => {
                self.arrived = Instant::now();
                Ok(Some(chunk))
            }
            Ok(Some(Err(error))) => Err(Error::read(error, self.retry_after.read())),
            Ok(None) => Ok(None),
            Err(_elapsed) if limit < self.deadline => Err(Error::Stalled),
            Err(_elapsed) => Err(Error::TimedOut),
        }
    }
}

impl fmt::Debug for Deltas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deltas").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Partial {
    /// Takes a chunk in and answers the text that it brought.
    fn take<'a>(&mut self, chunk: &'a Value) -> Result<&'a str> {
        // Some servers send an error as a chunk of a stream that began well.
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            let reason = error.get("message").and_then(Value::as_str).unwrap_or("no reason given").to_owned();
            return Err(Error::BrokeOff { reason });
        }
        let choice = chunk.pointer("/choices/0");
        let reason = choice.and_then(|choice| choice.get("finish_reason")).and_then(Value::as_str);
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            self.finish_reason = Some(reason.to_owned());
        }
        let tokens = |name: &str| chunk.get("usage").and_then(|usage| usage.get(name)).and_then(Value::as_u64);
        if let (Some(input), Some(output)) = (tokens("prompt_tokens"), tokens("completion_tokens")) {
            self.usage = Some((input, output));
        }
        let delta = choice.and_then(|choice| choice.pointer("/delta/content")).and_then(Value::as_str);
        let delta = delta.unwrap_or_default();
        self.content.push_str(delta);
        Ok(delta)
    }

    fn finish(self, sent: &str) -> Result<Answer> {
        // A stream that ends without saying so was cut, unless what came is whole.
        let is_whole = || serde_json::from_str::<Value>(&self.content).is_ok();
        if self.finish_reason.is_none() && !is_whole() {
            return Err(Error::Cut(None));
        }
        let usage = match self.usage {
            Some((input_tokens, output_tokens)) if input_tokens + output_tokens > 0 => {
                Usage { input_tokens, output_tokens, is_estimated: false }
            }
            _ => Usage::estimate(sent, &self.content),
        };
        Ok(Answer {
            finish_reason: self.finish_reason.unwrap_or_else(|| "stop".to_owned()),
            content: self.content,
            usage,
        })
    }
}
