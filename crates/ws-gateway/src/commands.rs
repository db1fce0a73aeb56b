//! What sockets ask, and the words of the answers.
#![deny(clippy::wildcard_enum_match_arm)]

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sluice_access::Error as AccessError;
use sluice_core::{Classify, ErrorKind, ManifestId};

/// What a socket can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Subscribe,
    Unsubscribe,
}

impl Command {
    pub(crate) const ALL: [Self; 2] = [Self::Subscribe, Self::Unsubscribe];

    /// The event that asks.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe-manifest",
            Self::Unsubscribe => "unsubscribe-manifest",
        }
    }

    /// The event that answers.
    pub(crate) const fn answer(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribed",
            Self::Unsubscribe => "unsubscribed",
        }
    }
}

/// What both commands carry. Fields that nobody knows are no fault: clients may be newer than we are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    pub(crate) manifest_id: ManifestId,
    /// The number of the last events that the client has; it gets what followed, else the state.
    #[serde(default)]
    pub(crate) last_number: Option<u64>,
}

impl Request {
    pub(crate) fn read(payload: &Value) -> Result<Self, Refusal> {
        // A list would be read as the fields in their order.
        let object = payload.is_object().then(|| payload.clone());
        object
            .and_then(|object| serde_json::from_value::<Self>(object).ok())
            .filter(|request| request.manifest_id.0 > 0)
            .ok_or(Refusal { code: "VALIDATION_FAILED", message: "Validation failed".to_owned() })
    }
}

/// Why a command is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn too_many(what: &str) -> Self {
        Self { code: "TOO_MANY_REQUESTS", message: format!("Too many {what}") }
    }

    /// What a client's callback gets; always an object with `event`.
    pub(crate) fn acknowledgement(&self) -> Value {
        json!({"event": "error", "error": self})
    }
}

impl From<&AccessError> for Refusal {
    fn from(error: &AccessError) -> Self {
        let code = match error {
            AccessError::MissingToken => "AUTH_MISSING_TOKEN",
            AccessError::InvalidToken => "AUTH_INVALID_TOKEN",
            AccessError::ForeignProject { .. } => "PROJECT_FORBIDDEN",
            AccessError::NoManifest(_) => "MANIFEST_NOT_FOUND",
            AccessError::NoProject(_) => "PROJECT_NOT_FOUND",
            AccessError::InvalidCredentials
            | AccessError::WrongPassword
            | AccessError::Locked { .. }
            | AccessError::LockedForGood
            | AccessError::NoGroup(_)
            | AccessError::NoSchema(_)
            | AccessError::NoValidationScript(_)
            | AccessError::NoExportScript(_)
            | AccessError::NoFile
            | AccessError::ForeignFile
            | AccessError::Database(_)
            | AccessError::Hash(_)
            | AccessError::Random(_)
            | AccessError::Sign(_) => match error.kind() {
                ErrorKind::Unavailable => "SERVICE_UNAVAILABLE",
                ErrorKind::NotFound
                | ErrorKind::Invalid
                | ErrorKind::Conflict
                | ErrorKind::Unauthenticated
                | ErrorKind::Forbidden
                | ErrorKind::TooLarge
                | ErrorKind::RateLimited
                | ErrorKind::Internal => "INTERNAL_SERVER_ERROR",
            },
        };
        Self { code, message: error.client_message() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_needs_a_manifest_that_can_be() {
        let read = Request::read(&json!({"manifestId": 7, "lastNumber": 3, "new": true})).unwrap();
        assert_eq!(read, Request { manifest_id: ManifestId(7), last_number: Some(3) });
        assert_eq!(Request::read(&json!({"manifestId": 7})).unwrap().last_number, None);
        for payload in [
            json!(null),
            json!({}),
            json!(7),
            json!([7]),
            json!({"manifestId": "7"}),
            json!({"manifestId": 0}),
            json!({"manifestId": 1.5}),
            json!({"manifestId": 99_999_999_999_u64}),
            json!({"manifestId": 7, "lastNumber": -1}),
        ] {
            assert_eq!(Request::read(&payload).unwrap_err().code, "VALIDATION_FAILED", "{payload}");
        }
    }
}
