//! What the pipeline needs of the outside, as traits: one file per port. An adapter implements it in the one crate that
//! knows the foreign library; a fake in `test-support` passes the same suite.

mod clock;
mod event_sink;
mod object_store;

pub use clock::{Clock, SystemClock};
pub use event_sink::{EventSink, Published};
pub use object_store::{ObjectInfo, ObjectStore};
