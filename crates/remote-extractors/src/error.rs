//! Why a service read nothing.
#![deny(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use sluice_core::{Classify, ErrorKind};
use sluice_service::secret_box;

/// The result of asking a service.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a service read nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client can't be made.
    #[error("the client of the extractors can't be made")]
    Client(#[source] reqwest::Error),
    /// A setting is missing or can't be used.
    #[error("Extractor {extractor}: {problem}")]
    Setting {
        /// The extractor's name.
        extractor: String,
        /// What is wrong.
        problem: String,
    },
    /// The key can't be opened.
    #[error("The API key of extractor {extractor} can't be opened; enter it again")]
    Key {
        /// The extractor's name.
        extractor: String,
        /// Why.
        #[source]
        source: secret_box::Error,
    },
    /// The file can't be read from disk.
    #[error("no room for a temporary file")]
    File(#[source] std::io::Error),
    /// Nobody listens there, or the connection broke.
    #[error("OCR service error: {address} can't be reached")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It took longer than the settings allow.
    #[error("OCR timed out: {address} did not answer within {}", seconds(*limit))]
    TimedOut {
        /// Where.
        address: String,
        /// The longest wait.
        limit: Duration,
    },
    /// It answered with a status that is no success.
    #[error("OCR service error: {address} answered HTTP {status}{}", after_colon(reason))]
    Refused {
        /// Where.
        address: String,
        /// The status.
        status: u16,
        /// What it says, shortened.
        reason: String,
        /// How long it asks us to wait.
        retry_after: Option<Duration>,
    },
    /// None of the endpoints exists.
    #[error("OCR service error: {base} has none of the endpoints {tried}")]
    NoEndpoint {
        /// The base URL.
        base: String,
        /// What was tried.
        tried: String,
    },
    /// It answered with an error of its own.
    #[error("OCR service error: {address} answered error {code}{}", after_colon(reason))]
    Told {
        /// Where.
        address: String,
        /// The error's number.
        code: i64,
        /// What it says, shortened.
        reason: String,
    },
    /// Its answer has another form than expected.
    #[error("OCR service error: {address} answered {what}")]
    Form {
        /// Where.
        address: String,
        /// What came.
        what: &'static str,
    },
    /// Its answer is larger than what is read.
    #[error("OCR service error: the answer of {address} is too large")]
    TooLarge {
        /// Where.
        address: String,
    },
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

fn after_colon(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

fn kind_of_status(status: i64) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimited,
        408 | 425 | 500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    }
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Client(_) => ErrorKind::Internal,
            Self::Setting { .. } | Self::Key { .. } | Self::Form { .. } => ErrorKind::Invalid,
            Self::File(_) | Self::Unreachable { .. } | Self::TimedOut { .. } => ErrorKind::Unavailable,
            Self::Refused { status, .. } => kind_of_status(i64::from(*status)),
            Self::Told { code, .. } => kind_of_status(*code),
            Self::NoEndpoint { .. } => ErrorKind::NotFound,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Client(_)
            | Self::Setting { .. }
            | Self::Key { .. }
            | Self::File(_)
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::NoEndpoint { .. }
            | Self::Told { .. }
            | Self::Form { .. }
            | Self::TooLarge { .. } => None,
        }
    }
}

impl Error {
    /// Whether asking again in a moment may help. A service that was too slow once is not kept busy with the same again.
    pub(crate) fn passes_soon(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { .. } | Self::Told { .. } => {
                matches!(self.kind(), ErrorKind::Unavailable | ErrorKind::RateLimited)
            }
            Self::Client(_)
            | Self::Setting { .. }
            | Self::Key { .. }
            | Self::File(_)
            | Self::TimedOut { .. }
            | Self::NoEndpoint { .. }
            | Self::Form { .. }
            | Self::TooLarge { .. } => false,
        }
    }
}
