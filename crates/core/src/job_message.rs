//! What a queue job carries: ids only, in a versioned envelope. The truth about the job is its row.

use serde::{Deserialize, Serialize};

use crate::id::{JobId, ManifestId, QueueJobId, RequestId};
use crate::job::JobKind;

/// The message of a queue job. A version that a worker does not know is set aside, never guessed at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "version")]
pub enum JobMessage {
    /// The first version.
    #[serde(rename = "1")]
    V1(JobMessageV1),
}

/// Version 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobMessageV1 {
    /// The job's row.
    pub job_id: JobId,
    /// The manifest that it works on.
    pub manifest_id: ManifestId,
    /// What it does.
    pub kind: JobKind,
    /// The request that asked for it, so that one search of the logs shows all three services.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<RequestId>,
}

impl JobMessage {
    /// The queue job's id.
    #[must_use]
    pub fn queue_job_id(&self) -> QueueJobId {
        let Self::V1(message) = self;
        message.job_id.into()
    }

    /// The queue job's name.
    #[must_use]
    pub const fn queue_name(&self) -> &'static str {
        let Self::V1(message) = self;
        message.kind.queue_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_a_contract() {
        let message = JobMessage::V1(JobMessageV1 {
            job_id: JobId(7),
            manifest_id: ManifestId(4),
            kind: JobKind::Extraction,
            request_id: None,
        });
        let json = serde_json::to_string(&message).unwrap();
        assert_eq!(json, r#"{"version":"1","jobId":7,"manifestId":4,"kind":"extraction"}"#);
        assert_eq!(serde_json::from_str::<JobMessage>(&json).unwrap(), message);
        assert_eq!(message.queue_job_id().as_str(), "job-7");
    }

    #[test]
    fn an_unknown_version_is_an_error() {
        assert!(serde_json::from_str::<JobMessage>(r#"{"version":"2","jobId":7}"#).is_err());
    }
}
