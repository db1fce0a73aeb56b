//! What can go wrong with the bus.
#![deny(clippy::wildcard_enum_match_arm)]

use sluice_core::{Classify, ErrorKind};

/// The result of an operation on the bus.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with the bus.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Redis does not answer.
    #[error("the event bus is unavailable ({operation})")]
    Unavailable {
        /// What was asked.
        operation: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The settings can't be used.
    #[error("the event bus's settings can't be used")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An event can't be written or read.
    #[error("an event can't be written or read")]
    Event(#[from] serde_json::Error),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Settings(_) | Self::Event(_) => ErrorKind::Internal,
        }
    }
}

pub(crate) fn unavailable(
    operation: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Unavailable { operation, source: source.into() }
}
