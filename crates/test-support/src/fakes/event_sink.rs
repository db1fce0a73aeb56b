//! A sink that keeps the facts it is told.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use sluice_core::ports::{EventSink, Published};
use sluice_core::{JobFact, ManifestId, PortError};

/// Nobody watches. Keeps facts, numbers them from 1, and drops what follows a job's end as the real one does.
#[derive(Debug, Default)]
pub struct FakeEventSink(Mutex<Vec<JobFact>>);

impl FakeEventSink {
    /// The facts so far.
    #[must_use]
    pub fn facts(&self) -> Vec<JobFact> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl EventSink for FakeEventSink {
    async fn publish(&self, fact: &JobFact) -> Result<Published, PortError> {
        let mut facts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if facts.iter().any(|earlier| earlier.job_id == fact.job_id && earlier.fact.is_terminal()) {
            return Ok(Published::Outdated);
        }
        facts.push(fact.clone());
        Ok(Published::Numbered(u64::try_from(facts.len()).unwrap_or(u64::MAX)))
    }

    async fn is_watched(&self, _manifest: ManifestId) -> Result<bool, PortError> {
        Ok(false)
    }
}
