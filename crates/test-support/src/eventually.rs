//! Waiting for a condition, with a deadline.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use anyhow::{Result, anyhow};

/// Asks again and again until the check answers `Ok`; after the deadline, answers the last error.
///
/// # Errors
/// When the check has not succeeded before the deadline.
pub async fn eventually<T, E, F, Fut>(deadline: Duration, mut check: F) -> Result<T>
where
    E: Debug,
    F: FnMut() -> Fut,
    Fut: Future<Output = std::result::Result<T, E>>,
{
    let end = tokio::time::Instant::now() + deadline;
    loop {
        match check().await {
            Ok(value) => return Ok(value),
            Err(error) if tokio::time::Instant::now() >= end => {
                return Err(anyhow!("not within {deadline:?}; the last try said: {error:?}"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
