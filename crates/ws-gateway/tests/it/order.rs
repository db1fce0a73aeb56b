use serde_json::{Value, json};
use sluice_core::Fact;
use sluice_core::ports::EventSink;

use crate::client::Client;
use crate::world::World;
use crate::{advanced, completed, fact};

/// What tells events apart.
fn brief(event: &(String, Value)) -> (&str, u64, &str) {
    (&event.0, event.1["number"].as_u64().unwrap(), event.1["status"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_hears_a_job_from_its_state_to_its_one_end_over_both_transports() {
    for transports in [json!(["polling", "websocket"]), json!(["websocket"]), json!(["polling"])] {
        let world = World::start(&[]).await;
        let auth = json!({"token": world.owner});
        let mut client = Client::start(&world.url, json!({"auth": auth, "transports": transports}));
        client.wait_for_transports(&transports).await;
        world.publish(fact(1, world.manifest, Fact::Queued)).await;
        world.publish(fact(1, world.manifest, Fact::Started)).await;
        client.subscribe(world.manifest, None).await;
        let mut seen = vec![client.next_event().await, client.next_event().await];
        for told in [advanced(40.0), completed(), completed(), advanced(90.0)] {
            world.publish(fact(1, world.manifest, told)).await;
        }
        // Another manifest's events are not for this room; the next job's are what follows.
        world.publish(fact(2, world.other, Fact::Started)).await;
        world.publish(fact(3, world.manifest, Fact::Queued)).await;
        for _ in 0..5 {
            seen.push(client.next_event().await);
        }
        let expected = [
            ("job-update", 2, "active"),
            ("manifest-update", 2, "processing"),
            ("job-update", 3, "processing"),
            ("manifest-update", 3, "processing"),
            ("job-update", 4, "completed"),
            ("manifest-update", 4, "completed"),
            ("job-update", 5, "waiting"),
        ];
        assert_eq!(seen.iter().map(brief).collect::<Vec<_>>(), expected, "{transports}");
        assert_eq!(seen[4].1["cost"], json!(null));
        assert_eq!(seen[4].1["costBreakdown"], json!({"text": 0, "llm": 0, "total": null, "currency": "USD"}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_gets_what_followed_the_last_number() {
    let world = World::start(&[]).await;
    for percent in [10.0, 20.0, 30.0, 40.0] {
        world.publish(fact(1, world.manifest, advanced(percent))).await;
    }
    let mut client = Client::connect(&world.url, &world.owner).await;
    client.subscribe(world.manifest, Some(2)).await;
    assert_eq!(client.next_update("job-update").await["number"], 3);
    assert_eq!(client.next_update("job-update").await["number"], 4);
    assert_eq!(client.next_event().await.0, "manifest-update");
    // Nothing followed 4, so what comes next is 5.
    client.subscribe(world.manifest, Some(4)).await;
    world.publish(fact(1, world.manifest, advanced(50.0))).await;
    assert_eq!(client.next_event().await.1["number"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribing_in_a_burst_leaves_no_gap_and_repeats_nothing() {
    const EVENTS: u64 = 3_000;
    let world = World::start(&[("SLUICE_EVENTS_HISTORY", "5000")]).await;
    let mut client = Client::connect(&world.url, &world.owner).await;
    let (publisher, manifest) = (world.publisher.clone(), world.manifest);
    let publishing = tokio::spawn(async move {
        for _ in 1..EVENTS {
            publisher.publish(&fact(1, manifest, advanced(50.0))).await.unwrap();
        }
        publisher.publish(&fact(1, manifest, completed())).await.unwrap();
    });
    client.subscribe(manifest, None).await;
    let mut last = 0;
    loop {
        let update = client.next_update("job-update").await;
        let number = update["number"].as_u64().unwrap();
        assert!(last == 0 || number == last + 1, "{number} after {last}");
        last = number;
        if update["status"] == "completed" {
            break;
        }
    }
    assert_eq!(last, EVENTS);
    publishing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_hears_no_more_after_it_unsubscribed() {
    let world = World::start(&[]).await;
    let mut client = Client::connect(&world.url, &world.owner).await;
    client.subscribe(world.manifest, None).await;
    client.subscribe(world.other, None).await;
    client.emit("unsubscribe-manifest", json!({"manifestId": world.manifest})).await;
    let data = json!({"manifestId": world.manifest});
    client.expect_answer("unsubscribe-manifest", "unsubscribed", &data).await;
    world.publish(fact(1, world.manifest, Fact::Started)).await;
    world.publish(fact(2, world.other, Fact::Started)).await;
    assert_eq!(client.next_event().await.1["jobId"], "job-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_that_come_all_at_once_are_all_answered() {
    let world = World::start(&[("SLUICE_WS_BUFFER", "16")]).await;
    world.publish(fact(1, world.manifest, Fact::Started)).await;
    let mut client = Client::connect(&world.url, &world.owner).await;
    for _ in 0..300 {
        client.emit("subscribe-manifest", json!({"manifestId": world.manifest})).await;
    }
    for _ in 0..300 {
        assert_eq!(client.next_on("ack").await["answer"]["event"], "subscribed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_replica_hears_everything() {
    let world = World::start(&[]).await;
    let replica = world.start_replica().await;
    let mut clients = Vec::new();
    for url in [&world.url, &replica] {
        let mut client = Client::connect(url, &world.owner).await;
        client.subscribe(world.manifest, None).await;
        clients.push(client);
    }
    world.publish(fact(1, world.manifest, Fact::Started)).await;
    for mut client in clients {
        assert_eq!(client.next_event().await.1["number"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_know_what_sockets_hear() {
    let world = World::start(&[]).await;
    assert!(!world.publisher.is_watched(world.manifest).await.unwrap());
    let mut client = Client::connect(&world.url, &world.owner).await;
    client.subscribe(world.manifest, None).await;
    assert!(world.publisher.is_watched(world.manifest).await.unwrap());
    assert!(!world.publisher.is_watched(world.other).await.unwrap());
}
