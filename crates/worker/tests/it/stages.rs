//! The same faults in every stage: what is left is what a clean run leaves, and nothing is paid twice.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use sluice_core::{ErrorKind, JobId, StageName};
use sluice_test_support::process::our_binary;
use sluice_test_support::{Process, eventually};
use sluice_worker::{StageError, StageObserver};

use crate::bench::{Bench, LONG};

/// What happens before a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    FailOnce,
    Panic,
}

#[derive(Debug)]
struct Faulty {
    stage: StageName,
    fault: Fault,
    times: AtomicU32,
}

impl Faulty {
    fn new(stage: StageName, fault: Fault) -> Self {
        Self { stage, fault, times: AtomicU32::new(0) }
    }
}

#[async_trait]
impl StageObserver for Faulty {
    async fn before(&self, stage: StageName, _job_id: i32) -> Result<(), StageError> {
        if stage != self.stage {
            return Ok(());
        }
        match (self.fault, self.times.fetch_add(1, Ordering::SeqCst)) {
            (Fault::FailOnce, 0) => Err(StageError::new(ErrorKind::Unavailable, "injected")),
            (Fault::Panic, _) => panic!("injected"),
            (Fault::FailOnce, _) => Ok(()),
        }
    }
}

/// What a run without faults leaves, and how often it asks the model.
async fn clean_rows() -> serde_json::Value {
    let bench = Bench::start().await;
    let manifest = bench.add_invoice().await;
    let worker = bench.worker().await;
    let job = bench.add_job(manifest).await;
    bench.ended(job).await;
    worker.stop().await;
    let mut rows = bench.rows(job).await;
    forget_ids(&mut rows);
    rows
}

/// Keys and what is only known of one database.
fn forget_ids(rows: &mut serde_json::Value) {
    for name in [
        "user_id",
        "owner_id",
        "project_id",
        "schema_id",
        "llm_model_id",
        "group_id",
        "text_extractor_id",
        "previous_manifest_status",
    ] {
        for part in ["job", "manifest"] {
            rows[part].as_object_mut().unwrap().remove(name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_fails_once_is_tried_again_and_leaves_what_a_clean_run_leaves() {
    let expected = clean_rows().await;
    for stage in StageName::ALL {
        let bench = Bench::start().await;
        let manifest = bench.add_invoice().await;
        let worker = bench.worker_with(Faulty::new(stage, Fault::FailOnce)).await;
        let job = bench.add_job(manifest).await;
        bench.ended(job).await;
        worker.stop().await;
        let mut rows = bench.rows(job).await;
        forget_ids(&mut rows);
        if stage == StageName::Emit {
            // The job had ended already; the next delivery only tells it.
            rows["stages"] = expected["stages"].clone();
        }
        assert_eq!(rows, expected, "{stage}");
        assert_eq!(bench.llm.calls(), 1, "{stage}");
        bench.assert_events_are_in_order(job);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_panics_fails_the_job_and_the_worker_lives() {
    for stage in StageName::ALL.into_iter().filter(|stage| *stage < StageName::Emit) {
        let bench = Bench::start().await;
        let manifest = bench.add_invoice().await;
        let worker = bench.worker_with(Faulty::new(stage, Fault::Panic)).await;
        let job = bench.add_job(manifest).await;
        let row = bench.ended(job).await;
        assert_eq!((row.status.as_str(), row.error_code.as_deref()), ("failed", Some("internal")), "{stage}");
        assert_eq!(row.error_stage.as_deref(), Some(stage.as_str()));
        assert_eq!(row.error_message.as_deref(), Some("internal error"));
        bench.assert_events_are_in_order(job);
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_delivered_twice_leaves_the_same_and_asks_once() {
    let bench = Bench::start().await;
    let manifest = bench.add_invoice().await;
    let worker = bench.worker().await;
    let row = bench.add_row(manifest, "extraction").await;
    bench.enqueue(&row).await;
    bench.ended(row.id).await;
    // The row has ended before EMIT has; the queue lets go of the job after both.
    eventually(LONG, || async {
        let removed = bench.producer.remove(&JobId(row.id).into()).await.unwrap();
        if removed { Ok(()) } else { Err("still in hand") }
    })
    .await
    .unwrap();
    let before = bench.rows(row.id).await;
    bench.enqueue(&row).await;
    eventually(LONG, || async {
        let counts = bench.producer.counts().await.unwrap();
        if counts.completed == 1 && counts.active == 0 { Ok(()) } else { Err(counts) }
    })
    .await
    .unwrap();
    assert_eq!(bench.rows(row.id).await, before);
    assert_eq!(bench.llm.calls(), 1);
    bench.assert_events_are_in_order(row.id);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_canceled_before_a_stage_runs_nothing_after_it() {
    for stage in StageName::ALL.into_iter().filter(|stage| *stage < StageName::Persist) {
        let bench = Bench::start().await;
        let manifest = bench.add_invoice().await;
        // The observer holds the job right before the stage; the cancellation ends the wait of LLM_EXTRACT's model too.
        let worker = bench.worker_with(CancelBefore { stage, producer: bench.producer.clone() }).await;
        let job = bench.add_job(manifest).await;
        let row = bench.ended(job).await;
        assert_eq!((row.status.as_str(), row.error_message.as_deref()), ("canceled", Some("Canceled")), "{stage}");
        assert_eq!(bench.manifest(manifest).await.status, "pending", "{stage}");
        let done: Vec<String> = serde_json::from_value(bench.rows(job).await["stages"].clone()).unwrap_or_default();
        assert!(done.iter().all(|done| done.parse::<StageName>().unwrap() <= stage), "{stage}: {done:?}");
        assert_eq!(bench.statuses(job).last().map(String::as_str), Some("canceled"));
        bench.assert_events_are_in_order(job);
        worker.stop().await;
    }
}

/// Asks for a cancellation before a stage and gives it the time to arrive.
#[derive(Debug)]
struct CancelBefore {
    stage: StageName,
    producer: sluice_queue::Producer,
}

#[async_trait]
impl StageObserver for CancelBefore {
    async fn before(&self, stage: StageName, job_id: i32) -> Result<(), StageError> {
        if stage == self.stage {
            self.producer.cancel(&JobId(job_id).into()).await.unwrap();
        }
        // From here on the stages wait until the worker has noticed.
        if stage >= self.stage {
            tokio::time::timeout(LONG, std::future::pending::<()>()).await.unwrap_err();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_any_stage_is_replaced_and_nothing_is_paid_twice() {
    let expected = clean_rows().await;
    for stage in StageName::ALL {
        let bench = Bench::start().await;
        let manifest = bench.add_invoice().await;
        let folder = tempfile::tempdir().unwrap();
        let example = our_binary("sluice-worker").unwrap().with_file_name("examples").join("held_worker");
        let mut command = Command::new(example);
        command.env_clear().envs(bench.settings.clone()).arg(stage.as_str());
        let mut held = Process::spawn(command, &folder.path().join("log")).unwrap();
        let job = bench.add_job(manifest).await;
        eventually(LONG, || async { if held.log().contains("held") { Ok(()) } else { Err(held.log()) } })
            .await
            .unwrap();
        held.kill().unwrap();

        let worker = bench.worker().await;
        bench.ended(job).await;
        worker.stop().await;
        let mut rows = bench.rows(job).await;
        forget_ids(&mut rows);
        if stage == StageName::Emit {
            rows["stages"] = expected["stages"].clone();
        }
        assert_eq!(rows, expected, "{stage}");
        assert_eq!(bench.llm.calls(), 1, "{stage}");
        bench.assert_events_are_in_order(job);
    }
}
