//! Why somebody may not.
#![deny(clippy::wildcard_enum_match_arm)]

use chrono::{DateTime, Utc};
use sluice_core::{Classify, ErrorKind, ExportScriptId, GroupId, ManifestId, ProjectId, SchemaId, ValidationScriptId};

/// The result of asking for access.
pub type Result<T> = std::result::Result<T, Error>;

/// Why somebody may not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No token was sent.
    #[error("Authentication required")]
    MissingToken,
    /// The token is none of ours, has expired, or its user is gone.
    #[error("Invalid token")]
    InvalidToken,
    /// The name or the password is wrong; which one is not told.
    #[error("Invalid credentials")]
    InvalidCredentials,
    /// The present password is not the one that was told.
    #[error("Invalid current password")]
    WrongPassword,
    /// Too many wrong passwords.
    #[error("Account locked until {}", until.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))]
    Locked {
        /// When it ends.
        until: DateTime<Utc>,
    },
    /// Far too many wrong passwords.
    #[error("Account locked. Contact an administrator.")]
    LockedForGood,
    /// The project is another's.
    #[error("Access denied")]
    ForeignProject {
        /// The project.
        project: ProjectId,
    },
    /// There is no such project.
    #[error("Project {0} not found")]
    NoProject(ProjectId),
    /// There is no such group.
    #[error("Group {0} not found")]
    NoGroup(GroupId),
    /// There is no such manifest.
    #[error("Manifest {0} not found")]
    NoManifest(ManifestId),
    /// There is no such schema.
    #[error("Schema {0} not found")]
    NoSchema(SchemaId),
    /// There is no such file, or no manifest has it.
    #[error("File not found")]
    NoFile,
    /// The file is of a manifest of another's.
    #[error("Access denied")]
    ForeignFile,
    /// There is no such validation script.
    #[error("Validation script {0} not found")]
    NoValidationScript(ValidationScriptId),
    /// There is no such export script.
    #[error("Export script {0} not found")]
    NoExportScript(ExportScriptId),
    /// The database failed.
    #[error("access could not be checked")]
    Database(#[from] sluice_db::Error),
    /// A password could not be hashed.
    #[error("a password could not be hashed")]
    Hash(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The machine gave no random bytes.
    #[error("a key could not be made")]
    Random(#[source] sluice_service::secret_box::Error),
    /// A token could not be signed.
    #[error("a token could not be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingToken
            | Self::InvalidToken
            | Self::InvalidCredentials
            | Self::WrongPassword
            | Self::Locked { .. }
            | Self::LockedForGood => ErrorKind::Unauthenticated,
            Self::ForeignProject { .. } | Self::ForeignFile => ErrorKind::Forbidden,
            Self::NoProject(_)
            | Self::NoGroup(_)
            | Self::NoManifest(_)
            | Self::NoSchema(_)
            | Self::NoFile
            | Self::NoValidationScript(_)
            | Self::NoExportScript(_) => ErrorKind::NotFound,
            Self::Database(error) => error.kind(),
            Self::Hash(_) | Self::Random(_) | Self::Sign(_) => ErrorKind::Internal,
        }
    }
}
