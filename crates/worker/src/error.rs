//! Why a stage failed.

use std::time::Duration;

use sluice_core::{Classify, ErrorKind, NanoAmount, PortError, StageName};

/// Why a stage failed: what the person who started the job reads, and what decides whether it is tried again.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StageError {
    /// The stage; the pipeline fills it in.
    pub stage: Option<StageName>,
    /// The kind decides what happens next.
    pub kind: ErrorKind,
    /// What a person may read.
    pub message: String,
    /// How long the other side asked us to wait.
    pub retry_after: Option<Duration>,
    /// Set when nothing failed: the job waits for room in its budget.
    pub parked: Option<Parked>,
    /// What is logged.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a job waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parked {
    /// The most that the call may cost for which there was no room.
    pub amount: NanoAmount,
    /// When there may be room.
    pub after: Duration,
}

impl StageError {
    /// An error without a cause.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { stage: None, kind, message: message.into(), retry_after: None, parked: None, source: None }
    }

    /// The input can't be used; trying again changes nothing.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Something that the job needs does not exist.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// An error of another crate, with its kind, its message for people, and its chain for the log.
    pub fn from_error(error: impl Classify + Send + Sync + 'static) -> Self {
        let source = Some(Box::new(error));
        let (kind, message, retry_after) =
            source.as_ref().map_or((ErrorKind::Internal, String::new(), None), |error| {
                (error.kind(), error.client_message(), error.retry_after())
            });
        Self {
            stage: None,
            kind,
            message,
            retry_after,
            parked: None,
            source: source.map(|error| -> Box<dyn std::error::Error + Send + Sync> { error }),
        }
    }

    /// The word that is stored beside the message.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.kind {
            ErrorKind::NotFound => "not_found",
            ErrorKind::Invalid => "invalid",
            ErrorKind::Conflict => "conflict",
            ErrorKind::Unauthenticated => "unauthenticated",
            ErrorKind::Forbidden => "forbidden",
            ErrorKind::TooLarge => "too_large",
            ErrorKind::RateLimited => "rate_limited",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Internal => "internal",
        }
    }
}

impl From<sluice_db::Error> for StageError {
    fn from(error: sluice_db::Error) -> Self {
        Self::from_error(error)
    }
}

impl From<PortError> for StageError {
    fn from(error: PortError) -> Self {
        Self::from_error(error)
    }
}

impl From<sluice_sandbox::Error> for StageError {
    fn from(error: sluice_sandbox::Error) -> Self {
        Self::from_error(error)
    }
}

impl From<sluice_llm::Error> for StageError {
    fn from(error: sluice_llm::Error) -> Self {
        use sluice_llm::Error;
        let message = match &error {
            Error::Overflow { reason, .. } => {
                Some(format!("the document does not fit into the model's context: {reason}"))
            }
            _ => None,
        };
        let mut error = Self::from_error(error);
        if let Some(message) = message {
            error.message = message;
        }
        error
    }
}
