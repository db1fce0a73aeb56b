//! Jobs that share a budget.

use std::collections::BTreeSet;

use sluice_core::{JobId, QueueJobId};
use sluice_db::models::budgets;
use sluice_db::models::jobs::{self, Job};
use sluice_queue::QueueState;
use sluice_test_support::{documents, eventually};

use crate::bench::{Bench, LONG};

const JOBS: i32 = 24;
/// What a run costs: one page at 0.001, and 1,234 and 567 tokens at 2.5 and 10 a million.
const RUN_NANO: i64 = 9_755_000;

/// A bench on which a job asks once: what is asked again for what no page shows is another story.
async fn bench(park_delay: &str) -> Bench {
    let mut bench = Bench::start().await;
    for (name, value) in [("SLUICE_WORKER_PARK_DELAY", park_delay), ("SLUICE_LLM_CALLS", "1")] {
        bench.settings.push((name.to_owned(), value.to_owned()));
    }
    bench
}

async fn set_budget(bench: &Bench, nano: i64, currency: &str) {
    let budget = format!("budget_nano = {nano}, budget_currency = '{currency}', budget_period = 'month'");
    bench.sql(&format!("update projects set {budget}")).await;
}

async fn add_jobs(bench: &Bench, count: i32) -> Vec<i32> {
    let mut added = Vec::new();
    for number in 0..count {
        let manifest = bench.add_manifest("application/pdf", documents::invoice_pdf(&number.to_string())).await;
        added.push(bench.add_job(manifest).await);
    }
    added
}

async fn rows(bench: &Bench, ids: &[i32]) -> Vec<Job> {
    let mut connection = bench.database.pool.get().await.unwrap();
    let mut rows = Vec::new();
    for id in ids {
        rows.push(jobs::find(&mut connection, *id).await.unwrap().unwrap());
    }
    rows
}

/// What was spent and is reserved.
async fn ledger(bench: &Bench) -> (i64, i64) {
    let mut connection = bench.database.pool.get().await.unwrap();
    let month = sluice_core::ports::Clock::now(&sluice_core::ports::SystemClock).date_naive();
    let month = chrono::Datelike::with_day(&month, 1).unwrap();
    let project = bench.workspace.project_id;
    let months = budgets::list_months(&mut connection, &[project], month).await.unwrap();
    let month = months.get(&(project, "USD".to_owned())).copied().unwrap_or_default();
    (month.spent_nano, month.reserved_nano)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_stay_within_their_budget_and_go_on_when_it_is_raised() {
    let limit = 100_000_000;
    let bench = bench("300ms").await;
    set_budget(&bench, limit, "USD").await;
    let ids = add_jobs(&bench, JOBS).await;
    let worker = bench.worker().await;
    // Until nothing moves any more: each has ended, or waits for more than is left.
    let (done, waiting) = eventually(LONG, || async {
        let (spent, reserved) = ledger(&bench).await;
        assert!(spent + reserved <= limit, "{spent} + {reserved}");
        let rows = rows(&bench, &ids).await;
        let (done, open): (Vec<Job>, Vec<Job>) = rows.into_iter().partition(|row| row.completed_at.is_some());
        let waits = |row: &Job| row.status == "pending" && row.parked_nano.is_some_and(|nano| spent + nano > limit);
        let is_still = reserved == 0 && open.iter().all(waits);
        if is_still { Ok((done, open)) } else { Err((spent, reserved, open.len())) }
    })
    .await
    .unwrap();
    assert!(!done.is_empty() && !waiting.is_empty());
    assert!(done.iter().all(|row| row.status == "completed"), "{done:?}");
    for row in &waiting {
        let error = row.error_message.as_deref().unwrap();
        assert!(error.starts_with("the budget of the project is used up: of 0.1 USD"), "{error}");
        assert_eq!((row.error_code.as_deref(), row.attempt_count - row.parked_count), (Some("budget"), 0));
        assert_eq!(bench.manifest(row.manifest_id).await.status, "pending");
        let told = || async {
            let statuses = bench.statuses(row.id);
            if statuses.last().is_some_and(|status| status == "delayed") { Ok(()) } else { Err(statuses) }
        };
        eventually(LONG, told).await.unwrap();
    }
    let calls = bench.llm.calls();
    assert_eq!(calls, done.len(), "who waits has asked nothing");

    set_budget(&bench, 1_000_000_000_000, "USD").await;
    for id in &ids {
        assert_eq!(bench.ended(*id).await.status, "completed");
        bench.assert_events_are_in_order(*id);
    }
    assert_eq!(bench.llm.calls(), ids.len(), "nothing was asked twice");
    assert_eq!(ledger(&bench).await, (i64::from(JOBS) * RUN_NANO, 0));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_is_woken_and_no_look_in_vain_counts() {
    let bench = bench("1h").await;
    // Enough for the page and for one call, of which the longest answer alone takes 0.02, but not for a second one.
    set_budget(&bench, 33_000_000, "USD").await;
    let worker = bench.worker().await;
    let first = add_jobs(&bench, 1).await[0];
    assert_eq!(bench.ended(first).await.status, "completed");
    let manifest = bench.add_invoice().await;
    let second = bench.add_job(manifest).await;
    let queue_job: QueueJobId = JobId(second).into();
    let parked = || async {
        let state = bench.producer.state(&queue_job).await.unwrap();
        let row = rows(&bench, &[second]).await.remove(0);
        if state == QueueState::Delayed && row.parked_nano.is_some() { Ok(row) } else { Err((state, row.status)) }
    };
    let row = eventually(LONG, parked).await.unwrap();
    assert_eq!((row.attempt_count, row.parked_count), (1, 1));
    // Woken without a reason it goes back to wait, and that is no attempt either.
    bench.producer.hurry_all(std::slice::from_ref(&queue_job)).await.unwrap();
    let again = eventually(LONG, parked).await.unwrap();
    assert_eq!((again.attempt_count, again.parked_count), (1, 1));
    set_budget(&bench, 1_000_000_000, "USD").await;
    eventually(LONG, || async {
        bench.producer.hurry_all(std::slice::from_ref(&queue_job)).await.unwrap();
        let row = rows(&bench, &[second]).await.remove(0);
        if row.status == "completed" { Ok(()) } else { Err(row.status) }
    })
    .await
    .unwrap();
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_budget_will_ever_pay_fails_at_once() {
    let bench = bench("1h").await;
    let worker = bench.worker().await;
    let mut errors = BTreeSet::new();
    for (nano, currency) in [(1_000_000_000, "EUR"), (5_000_000, "USD")] {
        set_budget(&bench, nano, currency).await;
        let manifest = bench.add_manifest("application/pdf", documents::invoice_pdf(currency)).await;
        let job = bench.add_job(manifest).await;
        let row = bench.ended(job).await;
        assert_eq!((row.status.as_str(), row.attempt_count), ("failed", 1));
        errors.insert(row.error_message.unwrap());
    }
    assert_eq!(bench.llm.calls(), 0);
    let errors: Vec<String> = errors.into_iter().collect();
    assert!(errors[0].starts_with("one call may cost up to 0.0"), "{errors:?}");
    assert_eq!(errors[1], "the budget of the project is in EUR, and this would be paid in USD");
    worker.stop().await;
}
