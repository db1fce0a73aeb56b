//! The one component that publishes. Facts go out with progress that never falls, from where an earlier attempt left it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use std::time::{Duration, Instant};

use sluice_core::event::TextProgress;
use sluice_core::ports::Published;
use sluice_core::{Fact, JobFact, JobKind, MonotonicProgress, Progress, QueueJobId, StageName};
use sluice_db::models::jobs::Job;
use sluice_db::models::{manifests, runs};
use sluice_service::ErrorChain;

use crate::wiring::Ports;

/// Progress within a stage is told at most this often.
const INTERVAL: Duration = Duration::from_millis(250);

/// Tells what happens to one attempt.
#[derive(Debug)]
pub(crate) struct Reporter {
    ports: Ports,
    attempt: runs::Attempt,
    kind: JobKind,
    /// The highest number of an event of the manifest.
    number: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Debug)]
struct Told {
    progress: MonotonicProgress,
    last: Progress,
    at: Option<Instant>,
}

impl Reporter {
    pub(crate) fn new(ports: &Ports, job: &Job, attempt: runs::Attempt, number: u64) -> Self {
        let progress = Progress::clamped(f64::from(job.progress));
        Self {
            ports: ports.clone(),
            attempt,
            kind: job.kind.parse().unwrap_or(JobKind::Extraction),
            number: AtomicU64::new(number),
            told: Mutex::new(Told { progress: MonotonicProgress::starting_at(progress), last: progress, at: None }),
        }
    }

    pub(crate) async fn stage_started(&self, stage: StageName) {
        self.advance(stage, 0.0, None).await;
    }

    pub(crate) async fn stage_finished(&self, stage: StageName) {
        self.advance(stage, 1.0, None).await;
    }

    /// Tells that a part of a stage is done, unless something was told a moment ago.
    pub(crate) async fn within_stage(&self, stage: StageName, fraction: f64, text: Option<TextProgress>) {
        let is_due = {
            let told = self.lock();
            let is_higher = stage.progress(self.kind, fraction) > told.last;
            (is_higher || text.is_some()) && told.at.is_none_or(|at| at.elapsed() >= INTERVAL)
        };
        let is_last_page = text.as_ref().is_some_and(|text| text.pages_processed == text.pages_total);
        if is_due || is_last_page {
            self.advance(stage, fraction, text).await;
        }
    }

    /// Tells that a page was read. The text so far goes along when somebody watches, and is made only then.
    pub(crate) async fn page_read(&self, done: u32, total: u32, text: impl FnOnce() -> String + Send) {
        let stage = StageName::TextExtract;
        let fraction = f64::from(done) / f64::from(total.max(1));
        let is_due = self.lock().at.is_none_or(|at| at.elapsed() >= INTERVAL);
        if is_due || done == total {
            let markdown_so_far = if done > 0 && self.is_watched().await { Some(text()) } else { None };
            let text = TextProgress { markdown_so_far, pages_processed: done, pages_total: total };
            self.advance(stage, fraction, Some(text)).await;
        }
    }

    async fn is_watched(&self) -> bool {
        match self.ports.events.is_watched(self.attempt.manifest_id.into()).await {
            Ok(is_watched) => is_watched,
            Err(error) => {
                tracing::debug!(error = %ErrorChain(&error), "nobody knows whether the manifest is watched");
                false
            }
        }
    }

    async fn advance(&self, stage: StageName, fraction: f64, text: Option<TextProgress>) {
        let (progress, is_higher) = {
            let mut told = self.lock();
            let progress = told.progress.advance(stage.progress(self.kind, fraction));
            let is_higher = progress > told.last;
            told.last = progress;
            told.at = Some(Instant::now());
            (progress, is_higher)
        };
        if is_higher && let Err(error) = self.store(progress).await {
            tracing::warn!(error = %ErrorChain(&error), "the progress could not be stored");
        }
        // The end is told by EMIT, after the result is stored.
        if stage != StageName::Emit {
            self.tell(Fact::Advanced { stage, progress, text }).await;
        }
    }

    async fn store(&self, progress: Progress) -> sluice_db::Result<()> {
        // 100 is written by PERSIST, together with the end.
        if progress == Progress::DONE {
            return Ok(());
        }
        runs::advance(&mut *self.ports.pool.get().await?, self.attempt, progress.percent().into()).await
    }

    /// Publishes a fact. An event is a hint: when the bus is down, the job goes on.
    pub(crate) async fn tell(&self, fact: Fact) {
        let is_terminal = fact.is_terminal();
        let fact = JobFact {
            job_id: QueueJobId::from(sluice_core::JobId(self.attempt.job_id)),
            manifest_id: self.attempt.manifest_id.into(),
            kind: self.kind,
            number_floor: self.number.load(Ordering::Relaxed),
            fact,
        };
        match self.ports.events.publish(&fact).await {
            Ok(Published::Numbered(number)) => {
                self.number.fetch_max(number, Ordering::Relaxed);
                if is_terminal {
                    self.keep_number(number).await;
                }
            }
            Ok(Published::Outdated) => {}
            Err(error) => {
                tracing::warn!(job.id = %fact.job_id, error = %ErrorChain(&error), "an event could not be published");
            }
        }
    }

    async fn keep_number(&self, number: u64) {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let kept = async {
            let mut connection = self.ports.pool.get().await?;
            manifests::raise_event_number(&mut connection, self.attempt.manifest_id, number).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(error = %ErrorChain(&error), "the number of an event could not be kept");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
