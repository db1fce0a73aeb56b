//! What a job is and which statuses follow each other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a job does with its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// All six stages.
    Extraction,
    /// Reads the text again and stores it; asks no language model.
    Ocr,
}

impl JobKind {
    /// The word in tables and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Extraction => "extraction",
            Self::Ocr => "ocr",
        }
    }

    /// The name that a queue job of this kind carries.
    #[must_use]
    pub const fn queue_name(self) -> &'static str {
        match self {
            Self::Extraction => "process-manifest",
            Self::Ocr => "refresh-ocr",
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Accepted; no worker has it.
    Pending,
    /// A worker has it, or it waits between two attempts.
    Processing,
    /// Ended with a result.
    Completed,
    /// Ended without one.
    Failed,
    /// Ended because somebody asked for it.
    Canceled,
}

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobTransition {
    /// A worker begins an attempt.
    Start,
    /// The pipeline came to its end.
    Complete,
    /// The last attempt failed, or an attempt failed for good.
    Fail,
    /// A cancellation took effect.
    Cancel,
}

/// A change of status that must not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {status} job can't {transition:?}")]
pub struct IllegalTransition {
    /// The status that the job has.
    pub status: JobStatus,
    /// What was tried.
    pub transition: JobTransition,
}

impl JobStatus {
    /// The status that follows; the one place that knows the legal transitions.
    ///
    /// # Errors
    /// When the job has ended, or completes before it started.
    pub const fn next(self, transition: JobTransition) -> Result<Self, IllegalTransition> {
        match (self, transition) {
            (Self::Pending | Self::Processing, JobTransition::Start) => Ok(Self::Processing),
            (Self::Processing, JobTransition::Complete) => Ok(Self::Completed),
            (Self::Pending | Self::Processing, JobTransition::Fail) => Ok(Self::Failed),
            (Self::Pending | Self::Processing, JobTransition::Cancel) => Ok(Self::Canceled),
            (status, transition) => Err(IllegalTransition { status, transition }),
        }
    }

    /// Whether nothing follows.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }

    /// The word in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// A word that names no variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {word:?}")]
pub struct UnknownWord {
    /// What the word should have named.
    pub what: &'static str,
    /// The word.
    pub word: String,
}

macro_rules! words {
    ($type:ident, $what:literal, [$($variant:ident),+]) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = $crate::job::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                [$(Self::$variant),+]
                    .into_iter()
                    .find(|known| known.as_str() == word)
                    .ok_or_else(|| $crate::job::UnknownWord { what: $what, word: word.to_owned() })
            }
        }
    };
}
pub(crate) use words;

words!(JobKind, "job kind", [Extraction, Ocr]);
words!(JobStatus, "job status", [Pending, Processing, Completed, Failed, Canceled]);

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [JobStatus; 5] =
        [JobStatus::Pending, JobStatus::Processing, JobStatus::Completed, JobStatus::Failed, JobStatus::Canceled];
    const TRANSITIONS: [JobTransition; 4] =
        [JobTransition::Start, JobTransition::Complete, JobTransition::Fail, JobTransition::Cancel];

    #[test]
    fn nothing_follows_a_terminal_status() {
        for status in STATUSES.into_iter().filter(|status| status.is_terminal()) {
            for transition in TRANSITIONS {
                assert_eq!(status.next(transition), Err(IllegalTransition { status, transition }));
            }
        }
    }

    #[test]
    fn a_job_completes_only_after_it_started() {
        assert!(JobStatus::Pending.next(JobTransition::Complete).is_err());
        assert_eq!(JobStatus::Processing.next(JobTransition::Complete), Ok(JobStatus::Completed));
    }

    #[test]
    fn every_status_reads_back_from_its_word() {
        for status in STATUSES {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }
}
