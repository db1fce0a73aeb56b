//! Every Redis key and channel of the bus.

use sluice_core::{ManifestId, QueueJobId};

/// The channel that carries the events of all manifests.
pub(crate) fn channel(prefix: &str) -> String {
    format!("{prefix}:events")
}

/// The channel that a subscriber hears itself on when it checks the bus.
pub(crate) fn check_channel(prefix: &str, subscriber: &str) -> String {
    format!("{prefix}:check:{subscriber}")
}

/// A hash: how far a job is, and whether it has begun and ended.
pub(crate) fn job(prefix: &str, job: &QueueJobId) -> String {
    format!("{prefix}:job:{job}")
}

/// The last number of a manifest's events.
pub(crate) fn number(prefix: &str, manifest: ManifestId) -> String {
    format!("{prefix}:number:{manifest}")
}

/// A hash: the last events of each of a manifest's jobs.
pub(crate) fn state(prefix: &str, manifest: ManifestId) -> String {
    format!("{prefix}:state:{manifest}")
}

/// There while somebody watches the manifest.
pub(crate) fn watched(prefix: &str, manifest: ManifestId) -> String {
    format!("{prefix}:watched:{manifest}")
}

/// A stream: the last events of a manifest; an entry's id is its number.
pub(crate) fn history(prefix: &str, manifest: ManifestId) -> String {
    format!("{prefix}:history:{manifest}")
}
