use chrono::{TimeDelta, Utc};
use serde_json::json;
use sluice_core::JobId;
use sluice_db::models::page_cache::{self, PageKey};
use sluice_queue::QueueState;
use sluice_test_support::eventually;

use crate::bench::{Bench, LONG};

#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_queue_job_was_never_added_is_found_and_run() {
    let bench = Bench::start().await;
    let manifest = bench.add_invoice().await;
    // The API died between the commit and the queue.
    let job = bench.add_row(manifest, "extraction").await;
    assert_eq!(bench.producer.state(&JobId(job.id).into()).await.unwrap(), QueueState::Gone);
    let worker = bench.worker().await;
    assert_eq!(bench.ended(job.id).await.status, "completed");
    bench.assert_events_are_in_order(job.id);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_attempts_never_end_is_given_up() {
    let bench = Bench::start().await;
    let manifest = bench.add_invoice().await;
    let job = bench.add_row(manifest, "extraction").await;
    // As six workers that died with it would leave it.
    let mut connection = bench.database.pool.get().await.unwrap();
    let killed = format!("update jobs set status = 'processing', attempt_count = 6 where id = {}", job.id);
    diesel_async::RunQueryDsl::execute(diesel::sql_query(killed), &mut connection).await.unwrap();
    drop(connection);
    let worker = bench.worker().await;
    let row = bench.ended(job.id).await;
    assert_eq!((row.status.as_str(), row.attempt_count), ("failed", 7));
    assert!(row.error_message.as_deref().unwrap().starts_with("given up after 6 attempts"), "{:?}", row.error_message);
    assert_eq!(bench.llm.calls(), 0);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the database's clock is the machine's")]
async fn pages_that_are_too_many_go_from_the_one_that_was_unused_for_longest() {
    let mut bench = Bench::start().await;
    bench.settings.push(("SLUICE_WORKER_PAGE_CACHE_MIB".to_owned(), "1".to_owned()));
    let key = |name: &str| PageKey { file_sha256: name.to_owned(), settings_sha256: "s".to_owned() };
    let mut connection = bench.database.pool.get().await.unwrap();
    let large = json!("x".repeat(300 * 1024));
    for (name, number) in [("old", 1), ("old", 2), ("used", 1), ("new", 1)] {
        page_cache::keep(&mut connection, &key(name), number, &large).await.unwrap();
    }
    let now = Utc::now();
    // Long ago, so that only the order counts.
    bench.sql("update page_cache set last_used_at = now() - interval '1 hour'").await;
    for (name, age) in [("used", 1), ("new", 2)] {
        page_cache::load(&mut connection, &key(name), now - TimeDelta::minutes(age)).await.unwrap();
    }
    let worker = bench.worker().await;
    let left = async |name: &str| {
        let mut connection = bench.database.pool.get().await.unwrap();
        page_cache::load(&mut connection, &key(name), now).await.unwrap().len()
    };
    // Four times 300 KiB are more than one MiB, three times are not.
    eventually(LONG, || async {
        let left = page_count(&bench).await;
        if left == 3 { Ok(()) } else { Err(left) }
    })
    .await
    .unwrap();
    assert_eq!((left("old").await, left("used").await, left("new").await), (1, 1, 1));
    worker.stop().await;
}

async fn page_count(bench: &Bench) -> i64 {
    let mut connection = bench.database.pool.get().await.unwrap();
    let counted = diesel::sql_query("select count(*) from page_cache");
    diesel_async::RunQueryDsl::get_result::<Count>(counted, &mut connection).await.unwrap().count
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}
