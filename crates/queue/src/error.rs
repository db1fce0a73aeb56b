//! What can go wrong with the queue.
#![deny(clippy::wildcard_enum_match_arm)]

use sluice_core::id::InvalidQueueJobId;
use sluice_core::{Classify, ErrorKind};

/// The result of an operation on the queue.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with the queue.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Redis does not answer.
    #[error("the queue is unavailable ({operation})")]
    Unavailable {
        /// What was asked.
        operation: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The settings can't be used.
    #[error("the queue's settings can't be used")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A message can't be written.
    #[error("a message can't be written")]
    Message(#[source] serde_json::Error),
    /// An id is no queue job id.
    #[error("an id is no queue job id")]
    Id(#[from] InvalidQueueJobId),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Settings(_) | Self::Message(_) => ErrorKind::Internal,
            Self::Id(_) => ErrorKind::Invalid,
        }
    }
}

pub(crate) fn unavailable(
    operation: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Unavailable { operation, source: source.into() }
}
