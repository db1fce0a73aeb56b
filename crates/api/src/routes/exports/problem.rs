//! What can keep an export from being made.

use sluice_service::ErrorChain;

use crate::error::{ApiError, Code};

/// What can keep an export from being made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("More than {limit} manifests match, narrow the export by filters")]
    TooManyManifests { limit: usize },
    #[error("More than {limit} export scripts are enabled for these manifests")]
    TooManyScripts { limit: usize },
    #[error("The export has more than {limit} rows")]
    TooManyRows { limit: u64 },
    #[error("The export has more than {limit} columns of data")]
    TooManyColumns { limit: usize },
    #[error("The export is larger than {limit_mib} MB, narrow it by filters")]
    TooLarge { limit_mib: u64 },
    #[error("The export took longer than {limit_seconds} seconds, narrow it by filters")]
    TooLong { limit_seconds: u64 },
    #[error("Export script {id} ({name}) failed: {message}")]
    Script { id: i32, name: String, message: String },
    #[error("the spool of an export can't be used")]
    Spool(#[from] std::io::Error),
    #[error("an export panicked")]
    Panicked(#[from] tokio::task::JoinError),
    #[error("a workbook can't be written")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// An error that is one already.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::TooManyManifests { .. }
            | Problem::TooManyScripts { .. }
            | Problem::TooManyRows { .. }
            | Problem::TooManyColumns { .. }
            | Problem::TooLarge { .. }
            | Problem::TooLong { .. } => Self::bad_request(problem.to_string()),
            Problem::Script { .. } => Self::new(Code::ScriptFailed, problem.to_string()),
            Problem::Spool(_) | Problem::Panicked(_) | Problem::Workbook(_) => {
                Self::new(Code::Internal, "").with_source(problem)
            }
            Problem::Api(error) => error,
        }
    }
}

/// Logs what breaks off an answer that has begun.
pub(crate) fn log_break(problem: Problem) -> ApiError {
    tracing::error!(error = %ErrorChain(&problem), "an export broke off while it was sent");
    problem.into()
}
