//! The six stages and the slice of the progress bar that each one fills.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::job::{JobKind, words};
use crate::progress::Progress;

/// A stage of the pipeline. Stage files, span names and metric labels use [`StageName::as_str`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StageName {
    /// Reads rows and checks the preconditions.
    Load,
    /// Turns the file into pages.
    TextExtract,
    /// Asks the language model.
    LlmExtract,
    /// Checks the answer.
    Validate,
    /// Writes the result in one transaction.
    Persist,
    /// Tells the world.
    Emit,
}

impl StageName {
    /// All stages in their order.
    pub const ALL: [Self; 6] =
        [Self::Load, Self::TextExtract, Self::LlmExtract, Self::Validate, Self::Persist, Self::Emit];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Load => "LOAD",
            Self::TextExtract => "TEXT_EXTRACT",
            Self::LlmExtract => "LLM_EXTRACT",
            Self::Validate => "VALIDATE",
            Self::Persist => "PERSIST",
            Self::Emit => "EMIT",
        }
    }

    /// First and last percent that a job of this kind shows while the stage runs.
    ///
    /// The values are those that clients of the original know: 10 at the start, 25 to 40 while text is read, 80 when
    /// the model has answered, 90 while saving; for a job that only reads text 10, 35 and 100.
    #[must_use]
    pub const fn slice(self, kind: JobKind) -> (u8, u8) {
        match (kind, self) {
            (JobKind::Extraction, Self::Load) => (10, 25),
            (JobKind::Extraction, Self::TextExtract) => (25, 40),
            (JobKind::Extraction, Self::LlmExtract) => (40, 80),
            (JobKind::Extraction, Self::Validate) => (80, 90),
            (JobKind::Extraction, Self::Persist) => (90, 100),
            (JobKind::Ocr, Self::Load) => (10, 35),
            (JobKind::Ocr, Self::TextExtract) => (35, 90),
            (JobKind::Ocr, Self::LlmExtract | Self::Validate) => (90, 90),
            (JobKind::Ocr, Self::Persist) => (90, 100),
            (_, Self::Emit) => (100, 100),
        }
    }

    /// The progress of a job when `fraction` (0..=1) of this stage is done.
    #[must_use]
    pub fn progress(self, kind: JobKind, fraction: f64) -> Progress {
        let (first, last) = self.slice(kind);
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        Progress::clamped(f64::from(first) + f64::from(last - first) * fraction)
    }
}

words!(StageName, "stage", [Load, TextExtract, LlmExtract, Validate, Persist, Emit]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slices_meet_and_end_at_one_hundred() {
        for kind in [JobKind::Extraction, JobKind::Ocr] {
            for (stage, following) in StageName::ALL.into_iter().zip(StageName::ALL.into_iter().skip(1)) {
                assert_eq!(stage.slice(kind).1, following.slice(kind).0, "{kind} {stage}");
            }
            assert_eq!(StageName::Emit.progress(kind, 1.0).percent(), 100);
        }
    }

    #[test]
    fn fractions_outside_the_stage_are_clamped() {
        assert_eq!(StageName::TextExtract.progress(JobKind::Extraction, 7.0).percent(), 40);
        assert_eq!(StageName::TextExtract.progress(JobKind::Extraction, f64::NAN).percent(), 25);
    }
}
