//! The audit log: who did what that matters to security.

use std::fmt::Display;
use std::net::IpAddr;

use serde_json::{Value, json};
use sluice_db::AsyncPgConnection;
use sluice_db::models::audit_log::{self, NewAuditRow};

use crate::authenticator::Identity;

/// Where something is asked from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The request.
    pub request_id: Option<String>,
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user; `None` for a name that nobody has, and for commands on the machine itself.
    pub user_id: Option<i32>,
    /// The name.
    pub username: String,
    /// The part of the API key that is shown, when one acts.
    pub api_key_prefix: Option<String>,
    /// From where.
    pub origin: Origin,
}

/// What is done, in the words of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words are the documentation")]
pub enum Action {
    SignIn,
    SignInFailed,
    Locked,
    Unlocked,
    PasswordChanged,
    SignedOutEverywhere,
    UserCreated,
    UserDeleted,
    KeyCreated,
    KeyRevoked,
    ModelCreated,
    ModelUpdated,
    ModelDeleted,
    ExtractorCreated,
    ExtractorUpdated,
    ExtractorDeleted,
    PromptCreated,
    PromptUpdated,
    PromptDeleted,
    ValidationScriptCreated,
    ValidationScriptUpdated,
    ValidationScriptDeleted,
    ExportScriptCreated,
    ExportScriptUpdated,
    ExportScriptDeleted,
    WebhookCreated,
    WebhookUpdated,
    WebhookDeleted,
    ProjectDeleted,
    Export,
}

impl Action {
    /// All of them, as the log writes them.
    pub const WORDS: [&'static str; 30] = [
        "sign_in",
        "sign_in_failed",
        "locked",
        "unlocked",
        "password_changed",
        "signed_out_everywhere",
        "user_created",
        "user_deleted",
        "key_created",
        "key_revoked",
        "model_created",
        "model_updated",
        "model_deleted",
        "extractor_created",
        "extractor_updated",
        "extractor_deleted",
        "prompt_created",
        "prompt_updated",
        "prompt_deleted",
        "validation_script_created",
        "validation_script_updated",
        "validation_script_deleted",
        "export_script_created",
        "export_script_updated",
        "export_script_deleted",
        "webhook_created",
        "webhook_updated",
        "webhook_deleted",
        "project_deleted",
        "export",
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignInFailed => "sign_in_failed",
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
            Self::PasswordChanged => "password_changed",
            Self::SignedOutEverywhere => "signed_out_everywhere",
            Self::UserCreated => "user_created",
            Self::UserDeleted => "user_deleted",
            Self::KeyCreated => "key_created",
            Self::KeyRevoked => "key_revoked",
            Self::ModelCreated => "model_created",
            Self::ModelUpdated => "model_updated",
            Self::ModelDeleted => "model_deleted",
            Self::ExtractorCreated => "extractor_created",
            Self::ExtractorUpdated => "extractor_updated",
            Self::ExtractorDeleted => "extractor_deleted",
            Self::PromptCreated => "prompt_created",
            Self::PromptUpdated => "prompt_updated",
            Self::PromptDeleted => "prompt_deleted",
            Self::ValidationScriptCreated => "validation_script_created",
            Self::ValidationScriptUpdated => "validation_script_updated",
            Self::ValidationScriptDeleted => "validation_script_deleted",
            Self::ExportScriptCreated => "export_script_created",
            Self::ExportScriptUpdated => "export_script_updated",
            Self::ExportScriptDeleted => "export_script_deleted",
            Self::WebhookCreated => "webhook_created",
            Self::WebhookUpdated => "webhook_updated",
            Self::WebhookDeleted => "webhook_deleted",
            Self::ProjectDeleted => "project_deleted",
            Self::Export => "export",
        }
    }
}

/// An entry of the log before it is written.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct AuditEntry {
    actor: Actor,
    action: Action,
    subject: Option<(&'static str, String)>,
    project_id: Option<i32>,
    details: Value,
}

impl Actor {
    /// Somebody who is known.
    #[must_use]
    pub fn new(identity: &Identity, origin: Origin) -> Self {
        Self {
            user_id: Some(identity.user_id.0),
            username: identity.username.clone(),
            api_key_prefix: identity.api_key.as_ref().map(|key| key.prefix.clone()),
            origin,
        }
    }

    /// Somebody at the machine itself, who may do anything there anyhow.
    #[must_use]
    pub fn machine() -> Self {
        let origin = Origin::default();
        Self { user_id: None, username: "command line".to_owned(), api_key_prefix: None, origin }
    }

    /// Says what they do.
    pub fn did(&self, action: Action) -> AuditEntry {
        AuditEntry { actor: self.clone(), action, subject: None, project_id: None, details: json!({}) }
    }
}

impl AuditEntry {
    /// Says to what: a noun of the glossary, and which one.
    pub fn to(mut self, kind: &'static str, id: impl Display) -> Self {
        self.subject = Some((kind, id.to_string()));
        self
    }

    /// Says in which project.
    pub fn in_project(mut self, id: i32) -> Self {
        self.project_id = Some(id);
        self
    }

    /// Adds details; never secrets.
    pub fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

/// Appends an entry, in the transaction of the change that it tells.
///
/// # Errors
/// When the query fails; then the change must not happen either.
pub async fn record(connection: &mut AsyncPgConnection, entry: &AuditEntry) -> sluice_db::Result<()> {
    let AuditEntry { actor, action, subject, project_id, details } = entry;
    let (subject_kind, subject_id) = subject.clone().unzip();
    let row = NewAuditRow {
        user_id: actor.user_id,
        username: actor.username.clone(),
        api_key_prefix: actor.api_key_prefix.clone(),
        action: action.as_str().to_owned(),
        subject_kind: subject_kind.map(str::to_owned),
        subject_id,
        project_id: *project_id,
        ip: actor.origin.ip.map(|ip| ip.to_canonical().to_string()),
        request_id: actor.origin.request_id.clone(),
        details: details.clone(),
    };
    audit_log::insert(connection, &row).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_listed_once_and_fits_its_column() {
        let unique: std::collections::HashSet<_> = Action::WORDS.iter().collect();
        assert_eq!(unique.len(), Action::WORDS.len());
        for word in Action::WORDS {
            assert!((3..=40).contains(&word.len()), "{word}");
            assert!(word.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{word}");
        }
        assert!(Action::WORDS.contains(&Action::ValidationScriptDeleted.as_str()));
        assert_eq!(Action::WORDS.last(), Some(&Action::Export.as_str()));
    }
}
