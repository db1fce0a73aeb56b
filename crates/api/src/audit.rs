//! The audit log, as handlers write it: `record(connection, &caller.did(Action::…).to("noun", id))`, in the transaction of
//! the change, so that neither is there without the other.

use serde_json::Value;
use url::Url;

pub(crate) use sluice_access::audit::{Action, AuditEntry, record};

/// The server that settings point to: of its URL no more, which may hold a password.
pub(crate) fn server_of(settings: &Value) -> Option<String> {
    let url: Url = settings.get("baseUrl")?.as_str()?.parse().ok()?;
    Some(url.origin().ascii_serialization())
}
