use sluice_core::JobId;
use sluice_queue::QueueState;

use crate::bench::Bench;

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
