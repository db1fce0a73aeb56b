//! Where facts go.

use async_trait::async_trait;

use crate::error::PortError;
use crate::event::JobFact;
use crate::id::ManifestId;

/// What became of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It became events with this number.
    Numbered(u64),
    /// The job had already gone past this fact, so nothing was sent: it had ended, or was told to wait after it began.
    Outdated,
}

/// Takes facts in and publishes them as events; implemented by the publisher.
#[async_trait]
pub trait EventSink: Send + Sync + std::fmt::Debug {
    /// Publishes a fact.
    ///
    /// # Errors
    /// When the bus does not answer. An event is a hint: the caller logs the error and goes on.
    async fn publish(&self, fact: &JobFact) -> Result<Published, PortError>;

    /// Whether somebody watches a manifest, so that long texts are worth sending.
    ///
    /// # Errors
    /// When the bus does not answer.
    async fn is_watched(&self, manifest: ManifestId) -> Result<bool, PortError>;
}
