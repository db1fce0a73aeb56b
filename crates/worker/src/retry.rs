//! What is tried again, when, and how often. The only place that decides it.

use std::time::Duration;

use sluice_core::ErrorKind;

use crate::error::{Parked, StageError};

/// No wait is longer, whatever a provider asks for.
const LONGEST: Duration = Duration::from_secs(300);

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another attempt, after a while.
    Retry(Duration),
    /// Nothing failed: another attempt when there may be room in the budget. It is not counted.
    Park(Parked),
    /// Nothing: the job has failed.
    GiveUp,
}

/// How often and how fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// Attempts in all.
    pub(crate) attempts: i32,
    /// The wait before the second attempt.
    pub(crate) delay: Duration,
}

impl Policy {
    /// Decides by the kind of the error. `jitter` is 0..1 and spreads the waits of many jobs that failed together.
    pub(crate) fn next(&self, error: &StageError, attempt: i32, jitter: f64) -> Next {
        if let Some(parked) = error.parked {
            return Next::Park(parked);
        }
        let passes = match error.kind {
            ErrorKind::Unavailable | ErrorKind::RateLimited => true,
            ErrorKind::NotFound
            | ErrorKind::Invalid
            | ErrorKind::Conflict
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::TooLarge
            | ErrorKind::Internal => false,
        };
        if !passes || attempt >= self.attempts {
            return Next::GiveUp;
        }
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(16);
        let backoff = self.delay.saturating_mul(1 << doublings);
        let spread = backoff.mul_f64(1.0 + jitter.clamp(0.0, 1.0) * 0.25);
        Next::Retry(spread.max(error.retry_after.unwrap_or_default()).min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { attempts: 3, delay: Duration::from_secs(2) };

    fn error(kind: ErrorKind) -> StageError {
        StageError::new(kind, "it failed")
    }

    #[test]
    fn what_passes_is_tried_again_with_growing_waits_and_a_bound() {
        assert_eq!(POLICY.next(&error(ErrorKind::Unavailable), 1, 0.0), Next::Retry(Duration::from_secs(2)));
        assert_eq!(POLICY.next(&error(ErrorKind::Unavailable), 2, 1.0), Next::Retry(Duration::from_secs(5)));
        assert_eq!(POLICY.next(&error(ErrorKind::Unavailable), 3, 0.0), Next::GiveUp);
    }

    #[test]
    fn a_provider_s_wish_is_honoured_within_reason() {
        let asked =
            |seconds| StageError { retry_after: Some(Duration::from_secs(seconds)), ..error(ErrorKind::RateLimited) };
        assert_eq!(POLICY.next(&asked(30), 1, 0.0), Next::Retry(Duration::from_secs(30)));
        assert_eq!(POLICY.next(&asked(1), 1, 0.0), Next::Retry(Duration::from_secs(2)));
        assert_eq!(POLICY.next(&asked(86_400), 1, 0.0), Next::Retry(LONGEST));
    }

    #[test]
    fn what_waits_for_its_budget_has_not_failed() {
        let parked = Parked { amount: sluice_core::NanoAmount(1), after: Duration::from_secs(60) };
        let error = StageError { parked: Some(parked), ..error(ErrorKind::Forbidden) };
        assert_eq!(POLICY.next(&error, 99, 0.0), Next::Park(parked));
    }

    #[test]
    fn what_does_not_pass_fails_at_once() {
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::Invalid,
            ErrorKind::Conflict,
            ErrorKind::Unauthenticated,
            ErrorKind::Forbidden,
            ErrorKind::TooLarge,
            ErrorKind::Internal,
        ] {
            assert_eq!(POLICY.next(&error(kind), 1, 0.0), Next::GiveUp, "{kind:?}");
        }
    }
}
