//! Identifiers. Nothing else in the workspace makes ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! integer_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<i32> for $name {
            fn from(value: i32) -> Self {
                Self(value)
            }
        }
    )*};
}

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Makes a fresh id; ids made later sort later.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }
    )*};
}

integer_id! {
    /// A user's key.
    UserId;
    /// A project's key.
    ProjectId;
    /// A group's key.
    GroupId;
    /// A manifest's key.
    ManifestId;
    /// A job's key.
    JobId;
    /// A schema's key.
    SchemaId;
    /// The key of a schema's rule.
    SchemaRuleId;
    /// A prompt's key.
    PromptId;
    /// A validation script's key.
    ValidationScriptId;
    /// An export script's key.
    ExportScriptId;
}

uuid_id! {
    /// A model's key.
    ModelId;
    /// An extractor's key.
    ExtractorId;
    /// The key of a signed upload that is under way.
    UploadId;
    /// The key of a program's API key.
    ApiKeyId;
}

/// Makes a fresh random key for an object in storage, a lock or a worker.
#[must_use]
pub fn fresh_uuid() -> Uuid {
    Uuid::now_v7()
}

/// The id of a queue job, derived from the job's row, so that adding it twice is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QueueJobId(String);

impl QueueJobId {
    const PREFIX: &'static str = "job-";

    /// The id as Redis and the API carry it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The job that this queue job stands for.
    ///
    /// # Errors
    /// When the text does not have the form `job-<number>`.
    pub fn job_id(&self) -> Result<JobId, InvalidQueueJobId> {
        self.0
            .strip_prefix(Self::PREFIX)
            .and_then(|number| number.parse().ok())
            .map(JobId)
            .ok_or_else(|| InvalidQueueJobId(self.0.clone()))
    }
}

impl From<JobId> for QueueJobId {
    fn from(id: JobId) -> Self {
        Self(format!("{}{id}", Self::PREFIX))
    }
}

impl FromStr for QueueJobId {
    type Err = InvalidQueueJobId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = Self(text.to_owned());
        id.job_id()?;
        Ok(id)
    }
}

impl fmt::Display for QueueJobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A queue job id that does not have the form `job-<number>`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a queue job id")]
pub struct InvalidQueueJobId(String);

/// The id of one request, carried from the API through the queue to worker and gateway.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub String);

impl RequestId {
    /// Makes a fresh id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7().to_string())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_job_id_leads_back_to_its_job() {
        let id = QueueJobId::from(JobId(42));
        assert_eq!(id.as_str(), "job-42");
        assert_eq!(id.job_id(), Ok(JobId(42)));
    }

    #[test]
    fn other_texts_are_no_queue_job_ids() {
        for text in ["42", "job-", "job-x", "manifest-1", ""] {
            assert!(text.parse::<QueueJobId>().is_err(), "{text}");
        }
    }
}
