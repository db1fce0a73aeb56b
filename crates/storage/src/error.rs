//! What can go wrong with the store.
#![deny(clippy::wildcard_enum_match_arm)]

use sluice_core::{Classify, ErrorKind};

/// The result of an operation on the store.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is stored under the key.
    #[error("the file is not in storage")]
    NotFound,
    /// The object is longer than the caller takes.
    #[error("the file is larger than {limit_bytes} bytes")]
    TooLarge {
        /// What the caller takes.
        limit_bytes: u64,
    },
    /// The sender of a stream broke off, or the stream is not what it should be.
    #[error("the upload ended early")]
    Upload(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store does not answer or answers with a fault of its own.
    #[error("the file storage is unavailable ({operation})")]
    Unavailable {
        /// What was asked.
        operation: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store refused the request.
    #[error("the file storage refused {operation}")]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A local file can't be written.
    #[error("a local file can't be written")]
    Local(#[from] std::io::Error),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Upload(_) => ErrorKind::Invalid,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Refused { .. } | Self::Local(_) => ErrorKind::Internal,
        }
    }
}
