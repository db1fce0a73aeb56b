//! Finds jobs that got lost: rows without a queue job. The only place in the worker that adds to the queue.

use std::time::Duration;

use sluice_core::{JobKind, JobMessage, JobMessageV1, RequestId};
use sluice_db::models::jobs::Job;
use sluice_db::models::{budgets, page_cache, runs};
use sluice_queue::QueueState;
use sluice_service::{ErrorChain, Shutdown};

use crate::wiring::Ports;

/// Jobs that are looked at in one sweep.
const BATCH: i64 = 200;

/// What is kept of pages that were read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageCache {
    /// How long without a use.
    pub(crate) age: Duration,
    /// How much in all.
    pub(crate) mib: u32,
}

/// Sweeps now and then until shutdown.
pub(crate) async fn run(ports: Ports, interval: Duration, page_cache: PageCache, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.triggered() => return,
            () = tokio::time::sleep(interval) => {}
        }
        tidy(&ports, interval, page_cache).await;
    }
}

/// One sweep. What fails is tried again by the next one.
async fn tidy(ports: &Ports, interval: Duration, page_cache: PageCache) {
    if let Err(error) = sweep(ports, interval).await {
        tracing::warn!(error = %ErrorChain(error.as_ref()), "lost jobs could not be looked for");
    }
    for (work, what) in [
        (release_lost(ports).await, "reservations of dead workers could not be given up"),
        (forget_pages(ports, page_cache).await, "unused pages could not be removed"),
    ] {
        if let Err(error) = work {
            tracing::warn!(error = %ErrorChain(&error), "{what}");
        }
    }
}

/// Adds the queue jobs of rows that were untouched for a while and have none. Adding one that exists changes nothing.
async fn sweep(ports: &Ports, idle: Duration) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let since = ports.clock.now() - idle;
    let untouched = runs::list_untouched(&mut *ports.pool.get().await?, since, BATCH).await?;
    for job in untouched {
        let message = message_of(&job)?;
        let queue_job = message.queue_job_id();
        if ports.producer.state(&queue_job).await? == QueueState::Gone {
            tracing::warn!(job.id = job.id, "the job had no queue job and is added again");
            // What is left of an earlier one would make adding do nothing.
            ports.producer.remove(&queue_job).await?;
            ports.producer.add(&message).await?;
        }
    }
    Ok(())
}

async fn forget_pages(ports: &Ports, limits: PageCache) -> sluice_db::Result<()> {
    let mut connection = ports.pool.get().await?;
    let old = page_cache::forget_unused(&mut connection, ports.clock.now() - limits.age).await?;
    let surplus = page_cache::trim(&mut connection, i64::from(limits.mib) * 1024 * 1024).await?;
    if old + surplus > 0 {
        tracing::info!(old, surplus, "pages that were read once are forgotten");
    }
    Ok(())
}

/// Gives up what calls of dead workers hold of budgets.
async fn release_lost(ports: &Ports) -> sluice_db::Result<()> {
    budgets::release_lost(&mut *ports.pool.get().await?, ports.clock.now()).await
}

fn message_of(job: &Job) -> Result<JobMessage, sluice_db::Error> {
    Ok(JobMessage::V1(JobMessageV1 {
        job_id: job.id.into(),
        manifest_id: job.manifest_id.into(),
        kind: job.kind.parse::<JobKind>()?,
        request_id: job.request_id.clone().map(RequestId),
    }))
}
