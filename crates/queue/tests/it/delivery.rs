use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sluice_core::JobId;
use sluice_queue::{Consumer, Outcome, Producer, QueueState};
use sluice_test_support::eventually;

use crate::{LONG, config, message};

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_instant_jobs_run_once_each() {
    let config = config();
    let producer = Producer::connect(&config).await.unwrap();
    let runs = Arc::new(Mutex::new(HashMap::<JobId, u32>::new()));
    let counted = runs.clone();
    let consumer = Consumer::start(&config, 50, move |delivery| {
        let job = delivery.message.queue_job_id().job_id().unwrap();
        *counted.lock().unwrap().entry(job).or_default() += 1;
        async { Outcome::Done }
    })
    .await
    .unwrap();
    let adding = (0..16).map(|lane| {
        let producer = producer.clone();
        tokio::spawn(async move {
            for job in (lane..10_000).step_by(16) {
                producer.add(&message(job)).await.unwrap();
            }
        })
    });
    for lane in adding.collect::<Vec<_>>() {
        lane.await.unwrap();
    }
    eventually(LONG, || async {
        let done = runs.lock().unwrap().len();
        if done == 10_000 { Ok(()) } else { Err(done) }
    })
    .await
    .unwrap();
    consumer.close(Duration::from_secs(5)).await;
    assert!(runs.lock().unwrap().values().all(|count| *count == 1));
    assert_eq!(producer.counts().await.unwrap().waiting, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_a_job_twice_runs_it_once() {
    let config = config();
    let producer = Producer::connect(&config).await.unwrap();
    producer.add(&message(1)).await.unwrap();
    producer.add(&message(1)).await.unwrap();
    assert_eq!(producer.counts().await.unwrap().waiting, 1);
    assert_eq!(producer.state(&message(1).queue_job_id()).await.unwrap(), QueueState::Waiting);
    assert_eq!(producer.state(&message(2).queue_job_id()).await.unwrap(), QueueState::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_to_be_tried_again_is_delayed_for_as_long_as_the_handler_says() {
    let config = config();
    let producer = Producer::connect(&config).await.unwrap();
    let starts = Arc::new(Mutex::new(Vec::new()));
    let noted = starts.clone();
    let consumer = Consumer::start(&config, 2, move |_| {
        let mut starts = noted.lock().unwrap();
        starts.push(Instant::now());
        let outcome = match starts.len() {
            1 => Outcome::Retry { error: "busy".to_owned(), after: Duration::from_millis(700) },
            _ => Outcome::Done,
        };
        async { outcome }
    })
    .await
    .unwrap();
    producer.add(&message(1)).await.unwrap();
    eventually(LONG, || async {
        match producer.state(&message(1).queue_job_id()).await {
            Ok(QueueState::Delayed) => Ok(()),
            other => Err(other),
        }
    })
    .await
    .unwrap();
    eventually(LONG, || async { if starts.lock().unwrap().len() == 2 { Ok(()) } else { Err("once") } }).await.unwrap();
    let starts = starts.lock().unwrap().clone();
    assert!(starts[1] - starts[0] >= Duration::from_millis(650), "{:?}", starts[1] - starts[0]);
    consumer.close(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_job_and_one_whose_handler_panics_are_set_aside_after_one_run() {
    let config = config();
    let producer = Producer::connect(&config).await.unwrap();
    let runs = Arc::new(Mutex::new(0));
    let counted = runs.clone();
    let consumer = Consumer::start(&config, 2, move |delivery| {
        *counted.lock().unwrap() += 1;
        async move {
            assert!(delivery.message != message(2), "this handler panics");
            Outcome::Dead { error: "bad input".to_owned() }
        }
    })
    .await
    .unwrap();
    producer.add(&message(1)).await.unwrap();
    producer.add(&message(2)).await.unwrap();
    eventually(LONG, || async {
        match producer.counts().await.unwrap() {
            counts if counts.failed == 2 && counts.active == 0 => Ok(()),
            counts => Err(counts),
        }
    })
    .await
    .unwrap();
    assert_eq!(*runs.lock().unwrap(), 2);
    // The worker still takes jobs.
    producer.add(&message(3)).await.unwrap();
    eventually(LONG, || async { if producer.counts().await.unwrap().failed == 3 { Ok(()) } else { Err("not yet") } })
        .await
        .unwrap();
    consumer.close(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_the_job_in_hand() {
    let config = config();
    let producer = Producer::connect(&config).await.unwrap();
    let (started, mut has_started) = tokio::sync::mpsc::unbounded_channel();
    let (finish, may_finish) = tokio::sync::watch::channel(false);
    let consumer = Consumer::start(&config, 1, move |_| {
        started.send(()).unwrap();
        let mut may_finish = may_finish.clone();
        async move {
            may_finish.wait_for(|finish| *finish).await.unwrap();
            Outcome::Done
        }
    })
    .await
    .unwrap();
    producer.add(&message(1)).await.unwrap();
    producer.add(&message(2)).await.unwrap();
    has_started.recv().await.unwrap();
    let closing = tokio::spawn(async move { consumer.close(Duration::from_secs(30)).await });
    finish.send_replace(true);
    closing.await.unwrap();
    let counts = producer.counts().await.unwrap();
    assert_eq!(counts.active, 0, "{counts:?}");
    assert!(counts.completed >= 1, "{counts:?}");
}
