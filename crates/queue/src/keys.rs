//! Every Redis key that is ours; BullMQ makes its own under the same prefix.

use sluice_core::QueueJobId;

/// The queue's name, which clients of the original know.
pub(crate) const QUEUE: &str = "extraction";

/// Says that a job shall be canceled.
pub(crate) fn cancel(prefix: &str, job: &QueueJobId) -> String {
    format!("{prefix}:cancel:{job}")
}

/// A counter.
pub(crate) fn counter(prefix: &str, name: &str) -> String {
    format!("{prefix}:counter:{name}")
}
