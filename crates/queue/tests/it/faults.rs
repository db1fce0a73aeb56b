use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_queue::{Consumer, Outcome, Producer};
use sluice_test_support::eventually;
use sluice_test_support::proxy::{ChaosProxy, Mode};
use sluice_test_support::redis::Redis;

use crate::{LONG, config, config_at, message};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_worker_is_cut_off_is_taken_over() {
    let redis = Redis::start().unwrap();
    let proxy = ChaosProxy::start(([127, 0, 0, 1], redis.port()).into()).await.unwrap();
    let direct = config_at(&redis.url());
    let proxied = sluice_queue::Config { url: format!("redis://{}/", proxy.address()).into(), ..direct.clone() };
    let producer = Producer::connect(&direct).await.unwrap();
    let (started, mut has_started) = tokio::sync::mpsc::unbounded_channel();
    let _dying = Consumer::start(&proxied, 1, move |_| {
        started.send(()).unwrap();
        std::future::pending::<Outcome>()
    })
    .await
    .unwrap();
    producer.add(&message(1)).await.unwrap();
    has_started.recv().await.unwrap();
    // From here on the first worker can't renew its lock, as if it had been killed.
    proxy.set(Mode::Cut);
    let (done, mut is_done) = tokio::sync::mpsc::unbounded_channel();
    let heir = Consumer::start(&direct, 1, move |_| {
        done.send(()).unwrap();
        async { Outcome::Done }
    })
    .await
    .unwrap();
    tokio::time::timeout(LONG, is_done.recv()).await.unwrap().unwrap();
    heir.close(Duration::from_secs(5)).await;
    assert_eq!(producer.counts().await.unwrap().completed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_redis_loses_no_job() {
    let mut redis = Redis::start().unwrap();
    let config = config_at(&redis.url());
    let producer = Producer::connect(&config).await.unwrap();
    for job in 0..50 {
        producer.add(&message(job)).await.unwrap();
    }
    redis.kill().unwrap();
    redis.run().unwrap();
    let seen = Arc::new(Mutex::new(std::collections::HashSet::new()));
    let noted = seen.clone();
    let consumer = Consumer::start(&config, 5, move |delivery| {
        noted.lock().unwrap().insert(delivery.message.queue_job_id());
        async { Outcome::Done }
    })
    .await
    .unwrap();
    eventually(LONG, || async {
        let seen = seen.lock().unwrap().len();
        if seen == 50 { Ok(()) } else { Err(seen) }
    })
    .await
    .unwrap();
    redis.kill().unwrap();
    redis.run().unwrap();
    eventually(LONG, || async { producer.add(&message(50)).await }).await.unwrap();
    eventually(LONG, || async {
        let seen = seen.lock().unwrap().len();
        if seen == 51 { Ok(()) } else { Err(seen) }
    })
    .await
    .unwrap();
    consumer.close(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_another_version_is_set_aside() {
    let config = config();
    let options = bullmq::QueueOptions::new()
        .connection(
            bullmq::options::RedisConnectionOptions::new().url(secrecy::ExposeSecret::expose_secret(&config.url)),
        )
        .prefix(config.prefix.clone());
    let queue = bullmq::Queue::with_options("extraction", options).await.unwrap();
    queue.add("process-manifest", serde_json::json!({"version": "9", "jobId": 1})).attempts(3).await.unwrap();
    let consumer = Consumer::start(&config, 1, |_| async { panic!("must not be called") }).await.unwrap();
    let producer = Producer::connect(&config).await.unwrap();
    eventually(LONG, || async { if producer.counts().await.unwrap().failed == 1 { Ok(()) } else { Err("not yet") } })
        .await
        .unwrap();
    consumer.close(Duration::from_secs(5)).await;
}
