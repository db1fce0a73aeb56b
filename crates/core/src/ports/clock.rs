//! The time of day.

use chrono::{DateTime, Utc};

/// Tells the time; tests move it.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The time now, in whole microseconds, which is what Postgres keeps.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all else asks")]
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}
