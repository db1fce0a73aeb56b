//! The worker's half of the queue.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bullmq::options::BackoffStrategyFn;
use bullmq::worker::ProcessorFn;
use bullmq::{Job, Worker, WorkerOptions};
use deadpool_redis::redis::AsyncCommands;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use sluice_core::{JobId, JobMessage, QueueJobId};
use sluice_service::{Shutdown, Tasks};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::counters::Counters;
use crate::error::{Result, unavailable};
use crate::keys;

/// How often a job may be taken over from workers that died with it before it is set aside.
const TAKE_OVERS: u32 = 3;
/// How often a consumer looks for wishes to cancel; a cancel must take effect within a second.
const CANCEL_INTERVAL: Duration = Duration::from_millis(300);

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The job has ended; take it out.
    Done,
    /// Try again later.
    Retry {
        /// Why.
        error: String,
        /// When.
        after: Duration,
    },
    /// Not now: it waits for something, and that is no failed attempt.
    Later {
        /// When to look again.
        after: Duration,
    },
    /// The job has failed for good; keep it among the failed ones.
    Dead {
        /// Why.
        error: String,
    },
}

/// A job in hand. Its lock is renewed for as long as the handler runs.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What to do.
    pub message: JobMessage,
    /// Tells when the job shall be canceled.
    pub cancellation: Cancellation,
}

/// Tells when a job shall be canceled.
#[derive(Debug, Clone, Default)]
pub struct Cancellation(CancellationToken);

impl Cancellation {
    /// Whether somebody asked for it.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until somebody asks for it.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Asks for it.
    pub fn request(&self) {
        self.0.cancel();
    }
}

/// What runs a delivery.
type Handler = dyn Fn(Delivery) -> BoxFuture<'static, Outcome> + Send + Sync;

/// Runs a handler for the jobs of the queue.
pub struct Consumer {
    worker: Arc<Worker>,
    watchers: Tasks,
    stop_watchers: Shutdown,
}

/// What runs now, and when the failed ones shall run again.
#[derive(Default)]
struct Running {
    cancellations: HashMap<QueueJobId, Cancellation>,
    retry_after: HashMap<JobId, Duration>,
}

type SharedRunning = Arc<Mutex<Running>>;

impl Consumer {
    /// Starts to take jobs, at most `concurrency` at a time.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn start<F, Fut>(config: &Config, concurrency: usize, handler: F) -> Result<Self>
    where
        F: Fn(Delivery) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let running = SharedRunning::default();
        let counters = Counters::new(config)?;
        let handler: Arc<Handler> = Arc::new(move |delivery| handler(delivery).boxed());
        let options = WorkerOptions::new()
            .connection(config.connection())
            .prefix(config.prefix.clone())
            .concurrency(concurrency)
            .lock_duration(config.lock_duration)
            .stalled_interval(config.stalled_interval)
            .max_stalled_count(TAKE_OVERS)
            .run_retry_delay(Duration::from_secs(1))
            .drain_delay(Duration::from_secs(2))
            .backoff_strategy(backoff(running.clone()));
        let worker = Worker::with_options(keys::QUEUE, processor(handler, running.clone()), options)
            .await
            .map_err(|error| unavailable("starting the consumer", error))?;
        let worker = Arc::new(worker);
        let watchers = Tasks::new();
        let stop_watchers = Shutdown::new();
        watchers.spawn(until(stop_watchers.clone(), drain_events(worker.clone())));
        let watching = watch_cancellations(counters, config.prefix.clone(), running);
        watchers.spawn(until(stop_watchers.clone(), watching));
        Ok(Self { worker, watchers, stop_watchers })
    }

    /// How many jobs are in hand.
    pub async fn in_hand(&self) -> usize {
        self.worker.active_count().await
    }

    /// Takes no more jobs and waits for those in hand until the deadline. What is left then is given back by its lock,
    /// which lapses.
    pub async fn close(&self, deadline: Duration) {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        if let Err(error) = self.worker.close(deadline_ms).await {
            tracing::warn!(%error, "the consumer did not close cleanly");
        }
        self.stop_watchers.trigger();
        self.watchers.finish(Duration::from_secs(1)).await;
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("id", &self.worker.id()).finish_non_exhaustive()
    }
}

fn lock(running: &Mutex<Running>) -> MutexGuard<'_, Running> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn until(stop: Shutdown, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.triggered() => {}
        () = work => {}
    }
}

/// BullMQ's worker keeps its events until somebody takes them.
async fn drain_events(worker: Arc<Worker>) {
    while let Some(event) = worker.next_event().await {
        if let bullmq::worker::WorkerEvent::Error(error) = event {
            tracing::warn!(error, "the queue's worker met an error");
        }
    }
}

/// Looks for wishes to cancel the jobs in hand. Polling survives every loss of a connection, which a subscription does not.
async fn watch_cancellations(counters: Counters, prefix: String, running: SharedRunning) {
    loop {
        tokio::time::sleep(CANCEL_INTERVAL).await;
        if let Err(error) = pass_on_cancellations(&counters, &prefix, &running).await {
            tracing::warn!(%error, "wishes to cancel could not be read");
        }
    }
}

async fn pass_on_cancellations(counters: &Counters, prefix: &str, running: &Mutex<Running>) -> Result<()> {
    let jobs: Vec<(QueueJobId, Cancellation)> = lock(running)
        .cancellations
        .iter()
        .filter(|(_, cancellation)| !cancellation.is_requested())
        .map(|(job, cancellation)| (job.clone(), cancellation.clone()))
        .collect();
    if jobs.is_empty() {
        return Ok(());
    }
    let wishes: Vec<String> = jobs.iter().map(|(job, _)| keys::cancel(prefix, job)).collect();
    let mut connection = counters.connection().await?;
    let answers: Vec<Option<u8>> =
        connection.mget(wishes).await.map_err(|error| unavailable("reading wishes to cancel", error))?;
    for ((job, cancellation), answer) in jobs.into_iter().zip(answers) {
        if answer.is_some() {
            tracing::info!(job.id = %job, "the job shall be canceled");
            cancellation.request();
        }
    }
    Ok(())
}

fn processor(handler: Arc<Handler>, running: SharedRunning) -> ProcessorFn {
    Arc::new(move |job: Job, _| {
        let handler = handler.clone();
        let running = running.clone();
        Box::pin(async move { process(&job, &*handler, &running).await })
    })
}

async fn process(job: &Job, handler: &Handler, running: &Mutex<Running>) -> bullmq::Result<Value> {
    // A message that this version can't read is set aside, never guessed at.
    let message: JobMessage = serde_json::from_value(job.data().clone())
        .map_err(|error| bullmq::Error::Unrecoverable(format!("the message can't be read: {error}")))?;
    let id = message.queue_job_id();
    let JobMessage::V1(content) = &message;
    let job_id = content.job_id;
    let cancellation = Cancellation::default();
    lock(running).cancellations.insert(id.clone(), cancellation.clone());
    let outcome = AssertUnwindSafe(handler(Delivery { message, cancellation })).catch_unwind().await;
    lock(running).cancellations.remove(&id);
    match outcome {
        Ok(Outcome::Done) => Ok(Value::Null),
        Ok(Outcome::Retry { error, after }) => {
            lock(running).retry_after.insert(job_id, after);
            Err(bullmq::Error::ProcessingError(error))
        }
        Ok(Outcome::Later { after }) => Err(put_off(job, job_id, after, running).await),
        Ok(Outcome::Dead { error }) => Err(bullmq::Error::Unrecoverable(error)),
        Err(_) => {
            tracing::error!(job.id = %id, "the handler of a job panicked");
            Err(bullmq::Error::Unrecoverable("internal error".to_owned()))
        }
    }
}

/// Puts a job off without counting a start of it; when Redis does not play along, it is tried again as one that failed.
async fn put_off(job: &Job, job_id: JobId, after: Duration, running: &Mutex<Running>) -> bullmq::Error {
    let due = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + after;
    match job.move_to_delayed(u64::try_from(due.as_millis()).unwrap_or(u64::MAX)).await {
        Ok(()) => bullmq::Error::Delayed,
        Err(error) => {
            lock(running).retry_after.insert(job_id, after);
            error
        }
    }
}

/// Tells BullMQ the delay that the handler asked for.
fn backoff(running: SharedRunning) -> BackoffStrategyFn {
    Arc::new(move |_, _, _, data| {
        let after = serde_json::from_value::<JobMessage>(data.clone())
            .ok()
            .and_then(|JobMessage::V1(message)| lock(&running).retry_after.remove(&message.job_id));
        let after_ms = after.map_or(1_000, |after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        async move { after_ms }.boxed()
    })
}
