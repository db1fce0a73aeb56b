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
