//! Why a model gave no answer.
#![deny(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use async_openai::error::OpenAIError;
use sluice_core::{Classify, ErrorKind};
use sluice_service::secret_box;

/// The result of asking.
pub type Result<T> = std::result::Result<T, Error>;

/// The library's error; it is for the log only.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client can't be made.
    #[error("the client of the models can't be made")]
    Client(#[source] reqwest::Error),
    /// A model's row lacks a parameter.
    #[error("Model {model} has no {parameter}")]
    Incomplete {
        /// The model's name.
        model: String,
        /// The parameter.
        parameter: &'static str,
    },
    /// A model's key can't be opened.
    #[error("The API key of model {model} can't be opened; enter it again")]
    Key {
        /// The model's name.
        model: String,
        /// Why.
        #[source]
        source: secret_box::Error,
    },
    /// The endpoint answered with a status that is no success.
    #[error("LLM request failed: HTTP {status}: {reason}")]
    Refused {
        /// The status.
        status: u16,
        /// What the endpoint says, shortened.
        reason: String,
        /// How long it asks us to wait.
        retry_after: Option<Duration>,
        /// The library's error.
        #[source]
        source: Source,
    },
    /// The question is longer than the model can read.
    #[error("the request does not fit into the model's context: {reason}")]
    Overflow {
        /// What the endpoint says, shortened.
        reason: String,
        /// The library's error.
        #[source]
        source: Source,
    },
    /// Nobody listens there.
    #[error("the model's endpoint can't be reached")]
    Unreachable(#[source] Source),
    /// The answer ended before it was whole.
    #[error("the model's answer was cut off")]
    Cut(#[source] Option<Source>),
    /// The endpoint told of an error in the middle of an answer.
    #[error("the model broke off: {reason}")]
    BrokeOff {
        /// What the endpoint says.
        reason: String,
    },
    /// The answer stopped arriving.
    #[error("the model stopped in the middle of its answer")]
    Stalled,
    /// The answer took too long.
    #[error("the model did not answer in time")]
    TimedOut,
    /// The answer has another form than a chat completion.
    #[error("the endpoint's answer has no choices")]
    NoChoices,
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Client(_) => ErrorKind::Internal,
            Self::Incomplete { .. } | Self::Key { .. } | Self::Overflow { .. } | Self::NoChoices => ErrorKind::Invalid,
            Self::Refused { status, .. } => match status {
                401 => ErrorKind::Unauthenticated,
                403 => ErrorKind::Forbidden,
                404 => ErrorKind::NotFound,
                408 | 425 => ErrorKind::Unavailable,
                429 => ErrorKind::RateLimited,
                500..=599 => ErrorKind::Unavailable,
                _ => ErrorKind::Invalid,
            },
            Self::Unreachable(_) | Self::Cut(_) | Self::BrokeOff { .. } | Self::Stalled | Self::TimedOut => {
                ErrorKind::Unavailable
            }
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Client(_)
            | Self::Incomplete { .. }
            | Self::Key { .. }
            | Self::Overflow { .. }
            | Self::Unreachable(_)
            | Self::Cut(_)
            | Self::BrokeOff { .. }
            | Self::Stalled
            | Self::TimedOut
            | Self::NoChoices => None,
        }
    }
}

impl Error {
    /// Whether the endpoint may have refused the form that was asked for, so that a weaker one is worth a try.
    pub(crate) const fn may_be_form(&self) -> bool {
        matches!(self, Self::Refused { status: 400 | 415 | 422, .. })
    }

    /// Reads the library's error.
    pub(crate) fn read(error: OpenAIError, retry_after: Option<Duration>) -> Self {
        let OpenAIError::ApiError(response) = &error else {
            return if matches!(&error, OpenAIError::Reqwest(error) if error.is_connect()) {
                Self::Unreachable(Box::new(error))
            } else {
                Self::Cut(Some(Box::new(error)))
            };
        };
        let status = response.status_code.as_u16();
        // The library keeps the body of a 5xx as it came.
        let body: Option<serde_json::Value> = serde_json::from_str(&response.api_error.message).ok();
        let told = body.as_ref().and_then(|body| body.pointer("/error/message")?.as_str());
        let reason: String = told.unwrap_or(&response.api_error.message).chars().take(MAX_REASON_CHARS).collect();
        let source = Box::new(error);
        if is_context_overflow(&reason) {
            Self::Overflow { reason, source }
        } else {
            Self::Refused { status, reason, retry_after, source }
        }
    }
}

/// More of an endpoint's complaint is not shown.
const MAX_REASON_CHARS: usize = 300;

/// What llama.cpp's server says while it loads its weights.
pub(crate) fn is_loading(error: &OpenAIError) -> bool {
    matches!(error, OpenAIError::ApiError(response)
        if response.status_code.as_u16() == 503 && response.api_error.message.contains("Loading model"))
}

/// What providers say when a prompt is too long.
fn is_context_overflow(reason: &str) -> bool {
    const SIGNS: [&str; 6] = [
        "context_length_exceeded",
        "maximum context length",
        "too many tokens",
        "context length",
        "prompt is too long",
        "exceeds the available context size",
    ];
    let reason = reason.to_ascii_lowercase();
    SIGNS.iter().any(|sign| reason.contains(sign))
}
