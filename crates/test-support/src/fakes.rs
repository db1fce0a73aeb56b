//! In-memory stand-ins for ports; each passes the suite that the real adapter passes.

mod event_sink;
mod object_store;

pub use event_sink::FakeEventSink;
pub use object_store::FakeObjectStore;
