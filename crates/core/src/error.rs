//! The nine kinds of error. The kind, not the text, decides what happens next.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What went wrong, coarsely enough that callers can decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The thing asked for does not exist.
    NotFound,
    /// The input can't be used as it is; trying again changes nothing.
    Invalid,
    /// The state of things forbids it now.
    Conflict,
    /// It is not known who asks.
    Unauthenticated,
    /// It is known who asks, and they may not.
    Forbidden,
    /// The input is larger than a limit.
    TooLarge,
    /// Asked too often; may be tried again later.
    RateLimited,
    /// Something we depend on does not answer; may be tried again.
    Unavailable,
    /// A fault of ours.
    Internal,
}

/// An error that knows its kind and what may be shown of it.
pub trait Classify: std::error::Error {
    /// The kind of this error.
    fn kind(&self) -> ErrorKind;

    /// What the person who caused the error may read. The default shows nothing of internal faults.
    fn client_message(&self) -> String {
        match self.kind() {
            ErrorKind::Internal => "internal error".to_owned(),
            ErrorKind::NotFound
            | ErrorKind::Invalid
            | ErrorKind::Conflict
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::TooLarge
            | ErrorKind::RateLimited
            | ErrorKind::Unavailable => self.to_string(),
        }
    }

    /// How long the other side asked us to wait before we try again.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// What a port answers when it fails: the kind, a message that a person may read, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct PortError {
    kind: ErrorKind,
    message: String,
    retry_after: Option<Duration>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl PortError {
    /// Makes an error without a cause.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, source: None }
    }

    /// Makes an error of an adapter's own one, and keeps its kind, message and chain of causes.
    #[must_use]
    pub fn from_error(error: impl Classify + Send + Sync + 'static) -> Self {
        Self {
            kind: error.kind(),
            message: error.client_message(),
            retry_after: error.retry_after(),
            source: Some(Box::new(error)),
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Adds how long the other side asked us to wait.
    #[must_use]
    pub const fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }
}

impl Classify for PortError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn client_message(&self) -> String {
        self.message.clone()
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}
