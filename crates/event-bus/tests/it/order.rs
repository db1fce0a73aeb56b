use std::time::Duration;

use serde_json::json;
use sluice_core::ports::{EventSink, Published};
use sluice_core::{CostBreakdown, Fact, ManifestId, ManifestStatus, NanoAmount, Progress, StageName, TextProgress};
use sluice_event_bus::{Publisher, Subscriber};
use sluice_service::Tasks;
use sluice_test_support::fakes::FakeEventSink;
use sluice_test_support::suites;

use crate::{advanced, config, fact, failed, next};

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_with_rising_numbers_and_progress_that_never_falls() {
    let config = config();
    let publisher = Publisher::connect(&config).await.unwrap();
    let (_subscriber, mut messages) = Subscriber::connect(&config, &Tasks::new()).await.unwrap();
    for told in [Fact::Queued, Fact::Started, advanced(40), advanced(25), Fact::Delayed { error: "busy".to_owned() }] {
        publisher.publish(&fact(1, 1, told)).await.unwrap();
    }
    let mut seen = Vec::new();
    for _ in 0..5 {
        let events = next(&mut messages).await;
        let job = &events.events[0];
        assert_eq!((job.event.as_str(), &job.data["number"]), ("job-update", &json!(events.number)));
        seen.push((events.number, job.data["status"].as_str().unwrap().to_owned(), job.data["progress"].clone()));
    }
    let expected =
        [(1, "waiting", 0), (2, "active", 0), (3, "processing", 40), (4, "processing", 40), (5, "delayed", 40)];
    assert_eq!(seen, expected.map(|(number, status, progress)| (number, status.to_owned(), json!(progress))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_once_and_nothing_follows() {
    let config = config();
    let publisher = Publisher::connect(&config).await.unwrap();
    assert_eq!(publisher.publish(&fact(1, 1, Fact::Started)).await.unwrap(), Published::Numbered(1));
    assert_eq!(publisher.publish(&fact(1, 1, Fact::Queued)).await.unwrap(), Published::Outdated);
    assert_eq!(publisher.publish(&fact(1, 1, failed())).await.unwrap(), Published::Numbered(2));
    for told in [failed(), advanced(90), Fact::Started, Fact::Queued] {
        assert_eq!(publisher.publish(&fact(1, 1, told)).await.unwrap(), Published::Outdated);
    }
    assert_eq!(publisher.publish(&fact(2, 1, Fact::Queued)).await.unwrap(), Published::Numbered(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_and_texts_pass_as_they_are() {
    let config = config();
    let publisher = Publisher::connect(&config).await.unwrap();
    let (_subscriber, mut messages) = Subscriber::connect(&config, &Tasks::new()).await.unwrap();
    let cost = CostBreakdown {
        text: NanoAmount(1),
        llm: NanoAmount(0),
        total: Some(NanoAmount(1)),
        currency: Some("USD".to_owned()),
    };
    let text = "50 % \"quoted\" %1 \u{1F9FE} \\ [p]".to_owned();
    publisher.publish(&fact(1, 1, Fact::Delayed { error: text.clone() })).await.unwrap();
    let completed = Fact::Completed { cost, extractor_id: None, manifest_status: ManifestStatus::Completed, ocr: None };
    publisher.publish(&fact(1, 1, completed)).await.unwrap();
    assert_eq!(next(&mut messages).await.events[0].data["error"], json!(text));
    let end = next(&mut messages).await;
    assert_eq!(end.events[0].data["cost"], json!(0.000_000_001));
    assert_eq!(end.events[1].event, "manifest-update");
    assert_eq!(end.events[1].data["progress"], json!(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_is_what_runs_and_else_the_last_end() {
    let config = config();
    let publisher = Publisher::connect(&config).await.unwrap();
    let (subscriber, _messages) = Subscriber::connect(&config, &Tasks::new()).await.unwrap();
    let manifest = ManifestId(1);
    assert_eq!(subscriber.state(manifest).await.unwrap(), []);
    for (job, told) in [(1, Fact::Started), (1, failed()), (2, Fact::Queued), (2, advanced(30)), (3, Fact::Queued)] {
        publisher.publish(&fact(job, 1, told)).await.unwrap();
    }
    let state: Vec<_> =
        subscriber.state(manifest).await.unwrap().iter().map(|events| events.events[0].data["jobId"].clone()).collect();
    assert_eq!(state, [json!("job-2"), json!("job-3")]);
    publisher.publish(&fact(2, 1, failed())).await.unwrap();
    publisher.publish(&fact(3, 1, failed())).await.unwrap();
    assert_eq!(subscriber.state(manifest).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_come_back_get_what_they_missed() {
    let config = config();
    let publisher = Publisher::connect(&config).await.unwrap();
    let (subscriber, _messages) = Subscriber::connect(&config, &Tasks::new()).await.unwrap();
    for percent in [10, 20, 30, 40] {
        publisher.publish(&fact(1, 1, advanced(percent))).await.unwrap();
    }
    let numbers =
        |events: Vec<sluice_event_bus::NumberedEvents>| events.iter().map(|events| events.number).collect::<Vec<_>>();
    assert_eq!(numbers(subscriber.since(ManifestId(1), 2).await.unwrap()), [3, 4]);
    assert!(numbers(subscriber.since(ManifestId(1), 4).await.unwrap()).is_empty());
    assert_eq!(numbers(subscriber.since(ManifestId(1), 0).await.unwrap()), [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_that_race_leave_no_gap_and_no_event_is_lost_in_a_burst() {
    let config = config();
    let (_subscriber, mut messages) = Subscriber::connect(&config, &Tasks::new()).await.unwrap();
    let mut racing = Vec::new();
    for lane in 0..10 {
        let publisher = Publisher::connect(&config).await.unwrap();
        racing.push(tokio::spawn(async move {
            for step in (0..100).cycle().take(500) {
                publisher.publish(&fact(lane, 1, advanced(step))).await.unwrap();
            }
        }));
    }
    let mut progress = std::collections::HashMap::new();
    for expected in 1..=5_000 {
        let events = next(&mut messages).await;
        assert_eq!(events.number, expected);
        let data = &events.events[0].data;
        let now = data["progress"].as_u64().unwrap();
        let before = progress.insert(data["jobId"].to_string(), now).unwrap_or(0);
        assert!(before <= now, "{before} then {now}");
    }
    for lane in racing {
        lane.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_publisher_and_the_fake_behave_alike() {
    suites::event_sink(&FakeEventSink::default()).await.unwrap();
    suites::event_sink(&Publisher::connect(&config()).await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn long_texts_go_to_listeners_and_are_not_kept() {
    let config = config();
    let publisher = Publisher::connect(&config).await.unwrap();
    let (subscriber, mut messages) = Subscriber::connect(&config, &Tasks::new()).await.unwrap();
    let manifest = ManifestId(1);
    assert!(!publisher.is_watched(manifest).await.unwrap());
    subscriber.watch(&[manifest, ManifestId(2)], Duration::from_secs(60)).await.unwrap();
    subscriber.watch(&[], Duration::from_secs(60)).await.unwrap();
    assert!(publisher.is_watched(manifest).await.unwrap());
    assert!(!publisher.is_watched(ManifestId(3)).await.unwrap());
    let text = TextProgress { markdown_so_far: Some("a \"page\" %1".to_owned()), pages_processed: 1, pages_total: 2 };
    let told = Fact::Advanced { stage: StageName::TextExtract, progress: Progress::clamped(20.0), text: Some(text) };
    publisher.publish(&fact(1, 1, told)).await.unwrap();
    let live = next(&mut messages).await;
    assert_eq!(live.events[0].data["textMarkdownSoFar"], json!("a \"page\" %1"));
    assert_eq!((&live.events[0].data["number"], &live.events[0].data["progress"]), (&json!(1), &json!(20)));
    for kept in [subscriber.state(manifest).await.unwrap(), subscriber.since(manifest, 0).await.unwrap()] {
        assert_eq!(kept[0].events[0].data.get("textMarkdownSoFar"), None);
        assert_eq!(kept[0].events[0].data["textPagesTotal"], json!(2));
        assert_eq!(kept[0].number, 1);
    }
}
