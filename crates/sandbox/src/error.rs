//! Why a child gave no result.
#![deny(clippy::wildcard_enum_match_arm)]

use sluice_core::{Classify, ErrorKind};

/// The result of asking a child.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a child gave no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The child says what is wrong with the document.
    #[error("{message}")]
    Refused {
        /// The kind.
        kind: ErrorKind,
        /// What a person may read.
        message: String,
    },
    /// The child died of the document, most likely of a limit.
    #[error("the document could not be read within its limits ({how})")]
    Died {
        /// How it ended.
        how: String,
    },
    /// The child said nothing for too long.
    #[error("the document could not be read in time")]
    TimedOut,
    /// The child can't be started or spoken to.
    #[error("the sandbox can't be used ({operation})")]
    Broken {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The child says what no child of this version says.
    #[error("the sandbox gave an answer that can't be read")]
    Nonsense(#[source] serde_json::Error),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { kind, .. } => *kind,
            Self::Died { .. } | Self::TimedOut => ErrorKind::Invalid,
            Self::Broken { .. } | Self::Nonsense(_) => ErrorKind::Internal,
        }
    }
}
