use std::time::Duration;

use sluice_core::QueueJobId;
use sluice_queue::{Consumer, Outcome, Producer, QueueState};
use sluice_test_support::eventually;

use crate::{LONG, config, message};

#[tokio::test(flavor = "multi_thread")]
async fn many_are_added_in_their_order_and_those_that_are_there_stay() {
    let producer = Producer::connect(&config()).await.unwrap();
    producer.add(&message(3)).await.unwrap();
    let messages: Vec<_> = (1..=1_200).map(message).collect();
    producer.add_all(&messages).await.unwrap();
    producer.add_all(&[]).await.unwrap();
    assert_eq!(producer.counts().await.unwrap().waiting, 1_200);
    let ids = [1, 1_200, 1_201].map(|job| message(job).queue_job_id());
    let expected = [QueueState::Waiting, QueueState::Waiting, QueueState::Gone];
    assert_eq!(producer.states(&ids).await.unwrap(), expected);

    let ids: Vec<QueueJobId> = messages.iter().map(sluice_core::JobMessage::queue_job_id).collect();
    producer.cancel_all(&ids).await.unwrap();
    assert_eq!(producer.counts().await.unwrap().waiting, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_gives_nothing_out_until_it_is_resumed() {
    let config = config();
    let producer = Producer::connect(&config).await.unwrap();
    producer.pause().await.unwrap();
    producer.pause().await.unwrap();
    producer.add_all(&[message(1), message(2)]).await.unwrap();
    let (started, mut has_started) = tokio::sync::mpsc::unbounded_channel();
    let consumer = Consumer::start(&config, 1, move |delivery| {
        started.send(delivery.message.queue_job_id()).unwrap();
        let is_first = delivery.message == message(1);
        async move {
            delivery.cancellation.requested().await;
            if is_first {
                Outcome::Retry { error: "later".to_owned(), after: Duration::from_secs(3_600) }
            } else {
                Outcome::Done
            }
        }
    })
    .await
    .unwrap();
    let counts = producer.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.paused, counts.active, counts.is_paused), (0, 2, 0, true));
    let first = message(1).queue_job_id();
    assert_eq!(producer.state(&first).await.unwrap(), QueueState::Waiting);
    assert!(has_started.try_recv().is_err());

    producer.resume().await.unwrap();
    assert_eq!(tokio::time::timeout(LONG, has_started.recv()).await.unwrap(), Some(first.clone()));
    assert_eq!(producer.list_active(10).await.unwrap(), std::slice::from_ref(&first));
    assert!(!producer.remove(&first).await.unwrap(), "a worker has it");
    producer.cancel(&first).await.unwrap();
    eventually(LONG, || async {
        let delayed = producer.list_delayed(10).await.unwrap();
        if delayed == [first.clone()] { Ok(()) } else { Err(delayed) }
    })
    .await
    .unwrap();
    producer.cancel(&message(2).queue_job_id()).await.unwrap();
    consumer.close(Duration::from_secs(5)).await;
}
