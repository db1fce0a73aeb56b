//! Progress in whole percent that is clamped and never falls.

use serde::{Deserialize, Serialize};

/// Whole percent, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Progress(u8);

impl Progress {
    /// Nothing done.
    pub const ZERO: Self = Self(0);
    /// All done.
    pub const DONE: Self = Self(100);

    /// Rounds to whole percent and clamps to 0..=100; what is not a number counts as 0.
    #[must_use]
    pub fn clamped(percent: f64) -> Self {
        (0..=100_u8).rev().find(|whole| f64::from(*whole) - 0.5 <= percent).map_or(Self::ZERO, Self)
    }

    /// The percent.
    #[must_use]
    pub const fn percent(self) -> u8 {
        self.0
    }
}

/// The highest progress seen so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct MonotonicProgress(Progress);

impl MonotonicProgress {
    /// Starts where an earlier attempt ended.
    #[must_use]
    pub const fn starting_at(progress: Progress) -> Self {
        Self(progress)
    }

    /// Takes a new value in and answers the highest so far.
    pub fn advance(&mut self, progress: Progress) -> Progress {
        self.0 = self.0.max(progress);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_and_clamped() {
        for (given, expected) in [(-3.0, 0), (0.4, 0), (0.5, 1), (39.6, 40), (100.4, 100), (1e9, 100), (f64::NAN, 0)] {
            assert_eq!(Progress::clamped(given).percent(), expected, "{given}");
        }
    }

    #[test]
    fn progress_never_falls() {
        let mut progress = MonotonicProgress::starting_at(Progress::clamped(25.0));
        assert_eq!(progress.advance(Progress::clamped(10.0)).percent(), 25);
        assert_eq!(progress.advance(Progress::clamped(40.0)).percent(), 40);
    }
}
