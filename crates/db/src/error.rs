//! What can go wrong with the database.
#![deny(clippy::wildcard_enum_match_arm)]

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::{BuildError, PoolError};
use sluice_core::{Classify, ErrorKind};

/// The result of a query.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No row matches.
    #[error("no such row")]
    NotFound,
    /// A row with the same key exists.
    #[error("the row exists already ({constraint})")]
    Duplicate {
        /// The constraint that says so.
        constraint: String,
    },
    /// Another row is pointed to that does not exist, or points here.
    #[error("another row is missing or in use ({constraint})")]
    Reference {
        /// The constraint that says so.
        constraint: String,
    },
    /// A value breaks a rule of its column.
    #[error("a value is not allowed ({constraint})")]
    Check {
        /// The constraint that says so.
        constraint: String,
    },
    /// The database did not answer.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The settings of the pool can't be used.
    #[error("the database pool can't be built")]
    Pool(#[source] BuildError),
    /// A query failed.
    #[error("a query failed")]
    Query(#[source] DieselError),
    /// The migrations failed.
    #[error("the migrations failed")]
    Migrate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row holds what the code does not know.
    #[error("a row holds an unknown word")]
    Word(#[from] sluice_core::job::UnknownWord),
    /// A task that ran a transaction did not end.
    #[error("a transaction was abandoned")]
    Abandoned(#[source] tokio::task::JoinError),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Duplicate { .. } | Self::Reference { .. } => ErrorKind::Conflict,
            Self::Check { .. } => ErrorKind::Invalid,
            Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Pool(_) | Self::Query(_) | Self::Migrate(_) | Self::Word(_) | Self::Abandoned(_) => {
                ErrorKind::Internal
            }
        }
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "diesel's enums are open; what is new there is a failed query"
        )]
        match error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(kind, info) => {
                let constraint = info.constraint_name().unwrap_or("unnamed").to_owned();
                match kind {
                    DatabaseErrorKind::UniqueViolation => Self::Duplicate { constraint },
                    DatabaseErrorKind::ForeignKeyViolation | DatabaseErrorKind::RestrictViolation => {
                        Self::Reference { constraint }
                    }
                    DatabaseErrorKind::CheckViolation | DatabaseErrorKind::NotNullViolation => {
                        Self::Check { constraint }
                    }
                    DatabaseErrorKind::ClosedConnection
                    | DatabaseErrorKind::UnableToSendCommand
                    | DatabaseErrorKind::SerializationFailure
                    | DatabaseErrorKind::ReadOnlyTransaction => {
                        Self::Unavailable(Box::new(DieselError::DatabaseError(kind, info)))
                    }
                    _ if is_passing(info.message()) => {
                        Self::Unavailable(Box::new(DieselError::DatabaseError(kind, info)))
                    }
                    _ => Self::Query(DieselError::DatabaseError(kind, info)),
                }
            }
            DieselError::BrokenTransactionManager => Self::Unavailable(Box::new(error)),
            error => Self::Query(error),
        }
    }
}

/// Whether a message of Postgres or of its driver speaks of a state that passes: diesel has no kinds for these.
fn is_passing(message: &str) -> bool {
    const PASSING: [&str; 8] = [
        "connection closed",
        "connection reset",
        "error communicating with the server",
        "terminating connection",
        "canceling statement due to statement timeout",
        "the database system is",
        "deadlock detected",
        "too many clients",
    ];
    PASSING.iter().any(|passing| message.contains(passing))
}
