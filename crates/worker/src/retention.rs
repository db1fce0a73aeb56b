//! What is forgotten after its time: the audit log, wrong passwords, and where people have signed in from.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sluice_db::models::{audit_log, sign_ins};
use sluice_service::{ErrorChain, Shutdown};

use crate::wiring::Ports;

/// How often old rows are looked for.
const INTERVAL: Duration = Duration::from_secs(600);
/// Entries that are deleted in one transaction.
const BATCH: i64 = 5_000;
/// A day without a wrong password forgives them all, and after 90 days a network is strange again: see `sluice-access`.
const FAILURES_KEPT: Duration = Duration::from_secs(86_400);
const NETWORKS_KEPT: Duration = Duration::from_secs(90 * 86_400);

/// Forgets now and then until shutdown.
pub(crate) async fn run(ports: Ports, audit_kept: Duration, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.triggered() => return,
        }
        if let Err(error) = forget(&ports, audit_kept).await {
            tracing::warn!(error = %ErrorChain(&error), "what is old could not be forgotten");
        }
    }
}

async fn forget(ports: &Ports, audit_kept: Duration) -> sluice_db::Result<()> {
    let now = ports.clock.now();
    let before = |age| ago(now, age);
    let (failures, networks) = (before(FAILURES_KEPT), before(NETWORKS_KEPT));
    sign_ins::forget_old(&mut *ports.pool.get().await?, failures, networks).await?;
    let entries = before(audit_kept);
    loop {
        let work =
            ports.pool.transaction(move |connection| Box::pin(audit_log::forget_old(connection, entries, BATCH)));
        let count = work.await?;
        if count > 0 {
            tracing::info!(count, "old entries of the audit log are forgotten");
        }
        if i64::try_from(count).unwrap_or(i64::MAX) < BATCH {
            return Ok(());
        }
    }
}

fn ago(now: DateTime<Utc>, age: Duration) -> DateTime<Utc> {
    let age = chrono::Duration::from_std(age).unwrap_or(chrono::Duration::MAX);
    now.checked_sub_signed(age).unwrap_or(DateTime::<Utc>::MIN_UTC)
}
