use std::time::Duration;

use sluice_core::ports::{EventSink, Published};
use sluice_core::{Classify, ErrorKind, Fact, JobFact};
use sluice_event_bus::{BusMessage, Publisher, Subscriber};
use sluice_service::Tasks;
use sluice_test_support::eventually;
use sluice_test_support::proxy::{ChaosProxy, Mode};
use sluice_test_support::redis::Redis;

use crate::{advanced, config_at, fact};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn numbers_do_not_fall_when_redis_loses_its_data() {
    let redis = Redis::start().unwrap();
    let config = config_at(&redis.url());
    let publisher = Publisher::connect(&config).await.unwrap();
    for percent in [10, 20, 30] {
        publisher.publish(&fact(1, 1, advanced(percent))).await.unwrap();
    }
    drop(redis);
    let redis = Redis::start().unwrap();
    let publisher = Publisher::connect(&config_at(&redis.url())).await.unwrap();
    let told = JobFact { number_floor: 3, ..fact(1, 1, advanced(40)) };
    assert_eq!(publisher.publish(&told).await.unwrap(), Published::Numbered(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_was_cut_off_hears_again_and_is_told_of_the_gap() {
    let redis = Redis::start().unwrap();
    let proxy = ChaosProxy::start(([127, 0, 0, 1], redis.port()).into()).await.unwrap();
    let direct = config_at(&redis.url());
    let proxied = sluice_event_bus::Config { url: format!("redis://{}/", proxy.address()).into(), ..direct.clone() };
    let publisher = Publisher::connect(&direct).await.unwrap();
    let (subscriber, mut messages) = Subscriber::connect(&proxied, &Tasks::new()).await.unwrap();
    subscriber.check().await.unwrap();

    proxy.set(Mode::Cut);
    let error = eventually(LONG, || async {
        match subscriber.check().await {
            Err(error) => Ok(error),
            Ok(()) => Err("still answers"),
        }
    })
    .await
    .unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    publisher.publish(&fact(1, 1, Fact::Started)).await.unwrap();
    proxy.set(Mode::Pass);
    eventually(LONG, || subscriber.check()).await.unwrap();
    assert_eq!(tokio::time::timeout(LONG, messages.recv()).await.unwrap(), Some(BusMessage::Gap));
    assert_eq!(subscriber.state(sluice_core::ManifestId(1)).await.unwrap().len(), 1);

    publisher.publish(&fact(1, 1, advanced(50))).await.unwrap();
    assert_eq!(crate::next(&mut messages).await.number, 2);
}

#[tokio::test]
async fn a_redis_that_is_down_is_unavailable() {
    let error = Publisher::connect(&config_at("redis://127.0.0.1:9/")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
