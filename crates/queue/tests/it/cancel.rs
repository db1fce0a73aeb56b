use std::time::Duration;

use sluice_queue::{Consumer, Outcome, Producer, QueueState, Removal};
use sluice_test_support::eventually;

use crate::{LONG, config, message};

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_job_is_taken_out() {
    let config = config();
    let producer = Producer::connect(&config).await.unwrap();
    producer.add(&message(1)).await.unwrap();
    let job = message(1).queue_job_id();
    assert_eq!(producer.cancel(&job).await.unwrap(), Removal { removed: true, state: QueueState::Waiting });
    assert_eq!(producer.cancel(&job).await.unwrap(), Removal { removed: false, state: QueueState::Gone });
    assert_eq!(producer.counts().await.unwrap().waiting, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_of_an_active_job_is_told_from_another_connection() {
    let config = config();
    let (started, mut has_started) = tokio::sync::mpsc::unbounded_channel();
    let (canceled, mut was_canceled) = tokio::sync::mpsc::unbounded_channel();
    let consumer = Consumer::start(&config, 1, move |delivery| {
        started.send(()).unwrap();
        let canceled = canceled.clone();
        async move {
            delivery.cancellation.requested().await;
            canceled.send(()).unwrap();
            Outcome::Done
        }
    })
    .await
    .unwrap();
    let producer = Producer::connect(&config).await.unwrap();
    producer.add(&message(1)).await.unwrap();
    has_started.recv().await.unwrap();
    let removal = producer.cancel(&message(1).queue_job_id()).await.unwrap();
    assert_eq!(removal, Removal { removed: false, state: QueueState::Active });
    tokio::time::timeout(LONG, was_canceled.recv()).await.unwrap().unwrap();
    eventually(LONG, || async {
        if producer.counts().await.unwrap().active == 0 { Ok(()) } else { Err("still active") }
    })
    .await
    .unwrap();
    consumer.close(Duration::from_secs(5)).await;
}
