//! How values look on the wire.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

/// Writes a time as ISO 8601 in UTC with milliseconds: `2026-03-14T09:26:53.589Z`.
pub(crate) fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&iso(*time))
}

/// The same for a time that may be absent.
pub(crate) fn optional_time<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_some(&iso(*time)),
        None => serializer.serialize_none(),
    }
}

/// The time as text.
pub(crate) fn iso(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
