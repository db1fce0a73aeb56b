//! The API's half of the queue.

use std::future::Future;
use std::time::Duration;

use bullmq::options::JobOptions;
use bullmq::types::{BackoffStrategy, JobState, RemoveOnFinish};
use bullmq::{BulkJob, Queue, QueueOptions};
use deadpool_redis::redis::AsyncCommands;
use futures_util::future::try_join_all;
use sluice_core::{JobMessage, QueueJobId};

use crate::config::Config;
use crate::counters::Counters;
use crate::error::{Error, Result, unavailable};
use crate::keys;

/// How often BullMQ may start a job again. The bound on attempts that people see is the worker's, in the job's row; this
/// one only keeps a job from turning for ever.
const STARTS: u32 = 50;
/// How long a wish to cancel is kept: longer than any job runs.
const CANCEL_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Jobs that are sent to Redis at once when many are added.
const BATCH: usize = 500;
/// Questions about single jobs that are under way at once when there are many.
const LANES: usize = 32;

/// Adds, removes and counts queue jobs. Clones share the connections.
#[derive(Clone)]
pub struct Producer {
    queue: Queue,
    counters: Counters,
    prefix: String,
    timeout: Duration,
}

/// How many queue jobs are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCounts {
    /// A worker has them.
    pub active: u64,
    /// They wait, those with a priority too.
    pub waiting: u64,
    /// They wait for their time.
    pub delayed: u64,
    /// They wait in a paused queue.
    pub paused: u64,
    /// Ended well, as far as kept.
    pub completed: u64,
    /// Ended badly, as far as kept.
    pub failed: u64,
    /// Whether the queue is paused.
    pub is_paused: bool,
}

/// Where a queue job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    /// It waits.
    Waiting,
    /// It waits for its time.
    Delayed,
    /// A worker has it.
    Active,
    /// It has ended, or was never added.
    Gone,
}

impl QueueState {
    /// The word that the API answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delayed => "delayed",
            Self::Active => "active",
            Self::Gone => "unknown",
        }
    }
}

/// What became of the wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// Whether the queue job was taken out before a worker had it.
    pub removed: bool,
    /// Where it was.
    pub state: QueueState,
}

impl Producer {
    /// Connects.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn connect(config: &Config) -> Result<Self> {
        let options = QueueOptions::new().connection(config.connection()).prefix(config.prefix.clone());
        let queue = within("connecting", config.timeout, Queue::with_options(keys::QUEUE, options)).await?;
        Ok(Self { queue, counters: Counters::new(config)?, prefix: config.prefix.clone(), timeout: config.timeout })
    }

    /// Adds the queue job of a job. Adding it again while it is in the queue changes nothing.
    ///
    /// # Errors
    /// When Redis does not answer: the job's row is then found by a worker's sweeper.
    pub async fn add(&self, message: &JobMessage) -> Result<()> {
        let data = serde_json::to_value(message).map_err(Error::Message)?;
        let adding = self.queue.add(message.queue_name(), data).options(options(message));
        within("adding a job", self.timeout, adding.into_future()).await?;
        Ok(())
    }

    /// Adds the queue jobs of many jobs, in their order and without waiting for each.
    ///
    /// # Errors
    /// When Redis does not answer: a part may have been added, and a worker's sweeper finds the rows of the others.
    pub async fn add_all(&self, messages: &[JobMessage]) -> Result<()> {
        for batch in messages.chunks(BATCH) {
            let jobs = batch
                .iter()
                .map(|message| {
                    let data = serde_json::to_value(message).map_err(Error::Message)?;
                    Ok(BulkJob::with_options(message.queue_name(), data, options(message)))
                })
                .collect::<Result<Vec<_>>>()?;
            within("adding jobs", self.timeout, self.queue.add_bulk(jobs)).await?;
        }
        Ok(())
    }

    /// Asks for a job to be canceled: takes it out of the queue when no worker has it, else tells the worker.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn cancel(&self, job: &QueueJobId) -> Result<Removal> {
        // First, so that a worker that takes the job in between sees it.
        let mut connection = self.counters.connection().await?;
        let seconds = CANCEL_LIFETIME.as_secs();
        let () = connection
            .set_ex(keys::cancel(&self.prefix, job), 1, seconds)
            .await
            .map_err(|error| unavailable("canceling", error))?;
        let state = self.state(job).await?;
        let removed = matches!(state, QueueState::Waiting | QueueState::Delayed) && self.remove(job).await?;
        Ok(Removal { removed, state: if removed { state } else { self.state(job).await? } })
    }

    /// Asks for many jobs to be canceled, as [`Producer::cancel`] does for one.
    ///
    /// # Errors
    /// When Redis does not answer: some may have been canceled.
    pub async fn cancel_all(&self, jobs: &[QueueJobId]) -> Result<()> {
        for batch in jobs.chunks(LANES) {
            try_join_all(batch.iter().map(|job| self.cancel(job))).await?;
        }
        Ok(())
    }

    /// Takes a queue job out. `false` when a worker has it; one that is not there counts as taken out.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn remove(&self, job: &QueueJobId) -> Result<bool> {
        within("removing a job", self.timeout, self.queue.remove(job.as_str())).await
    }

    /// Makes queue jobs due that wait for their time; others stay as they are.
    ///
    /// # Errors
    /// When Redis does not answer: some may be due.
    pub async fn hurry_all(&self, jobs: &[QueueJobId]) -> Result<()> {
        for batch in jobs.chunks(LANES) {
            try_join_all(batch.iter().map(|job| self.hurry(job))).await?;
        }
        Ok(())
    }

    async fn hurry(&self, job: &QueueJobId) -> Result<()> {
        let promoting = async {
            match self.queue.get_job(job.as_str()).await? {
                // One that a worker has taken meanwhile needs no hurry.
                Some(found) if found.is_delayed().await? => match found.promote().await {
                    Err(bullmq::Error::Script { .. }) => Ok(()),
                    promoted => promoted,
                },
                _ => Ok(()),
            }
        };
        within("hurrying a job", self.timeout, promoting).await
    }

    /// Where a queue job is.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn state(&self, job: &QueueJobId) -> Result<QueueState> {
        let state = within("asking for a job", self.timeout, self.queue.get_job_state(job.as_str())).await?;
        Ok(match state {
            JobState::Waiting | JobState::Prioritized | JobState::WaitingChildren => QueueState::Waiting,
            JobState::Delayed => QueueState::Delayed,
            JobState::Active => QueueState::Active,
            JobState::Completed | JobState::Failed | JobState::Unknown => QueueState::Gone,
        })
    }

    /// Where queue jobs are, in the order of the question.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn states(&self, jobs: &[QueueJobId]) -> Result<Vec<QueueState>> {
        let mut states = Vec::with_capacity(jobs.len());
        for batch in jobs.chunks(LANES) {
            states.extend(try_join_all(batch.iter().map(|job| self.state(job))).await?);
        }
        Ok(states)
    }

    /// The queue jobs that workers have, at most `limit` of them.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn list_active(&self, limit: u32) -> Result<Vec<QueueJobId>> {
        self.list("active", limit).await
    }

    /// The queue jobs that wait for their time, the next one first, at most `limit` of them.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn list_delayed(&self, limit: u32) -> Result<Vec<QueueJobId>> {
        self.list("delayed", limit).await
    }

    async fn list(&self, state: &str, limit: u32) -> Result<Vec<QueueJobId>> {
        let last = i64::from(limit) - 1;
        let ids = within("listing jobs", self.timeout, self.queue.get_ranges(&[state], 0, last, true)).await?;
        // What is not ours has no row either.
        Ok(ids.into_iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Lets workers take no more jobs; those in hand go on.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn pause(&self) -> Result<()> {
        within("pausing", self.timeout, self.queue.pause()).await
    }

    /// Lets workers take jobs again.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn resume(&self) -> Result<()> {
        within("resuming", self.timeout, self.queue.resume()).await
    }

    /// Counts queue jobs by state.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn counts(&self) -> Result<QueueCounts> {
        let counts = within("counting jobs", self.timeout, self.queue.get_job_counts()).await?;
        let is_paused = within("asking for the pause", self.timeout, self.queue.is_paused()).await?;
        let ready = counts.waiting + counts.prioritized;
        // A paused queue leaves its jobs where they are; what they wait for is its resumption.
        let (waiting, paused) = if is_paused { (0, ready + counts.paused) } else { (ready, counts.paused) };
        Ok(QueueCounts {
            active: counts.active,
            waiting,
            delayed: counts.delayed,
            paused,
            completed: counts.completed,
            failed: counts.failed,
            is_paused,
        })
    }

    /// Asks Redis for a sign of life.
    ///
    /// # Errors
    /// When there is none.
    pub async fn check(&self) -> Result<()> {
        self.counters.check().await
    }

    /// The counters on the same Redis.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

fn options(message: &JobMessage) -> JobOptions {
    JobOptions::new()
        .job_id(message.queue_job_id().as_str())
        .attempts(STARTS)
        // The delay is the worker's to say, attempt by attempt.
        .backoff(BackoffStrategy::Custom("sluice".to_owned()))
        .remove_on_complete(RemoveOnFinish::Count(100))
        .remove_on_fail(RemoveOnFinish::Count(500))
}

async fn within<T>(
    operation: &'static str,
    timeout: Duration,
    work: impl Future<Output = bullmq::Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(timeout, work).await {
        Ok(result) => result.map_err(|error| unavailable(operation, error)),
        Err(elapsed) => Err(unavailable(operation, elapsed)),
    }
}
