use reqwest::StatusCode;
use serde_json::Value;
use sluice_core::Fact;
use sluice_test_support::proxy::{ChaosProxy, Mode};
use sluice_test_support::{Servers, eventually};
use url::Url;

use crate::client::Client;
use crate::world::World;
use crate::{LONG, advanced, completed, fact};

async fn ready(world: &World) -> (StatusCode, Value) {
    let response = reqwest::get(format!("{}/health/ready", world.url)).await.unwrap();
    (response.status(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_live_through_an_outage_of_redis_and_are_told_the_truth_after_it() {
    let redis = Url::parse(&Servers::shared().unwrap().redis_url).unwrap();
    let proxy = ChaosProxy::start(([127, 0, 0, 1], redis.port().unwrap()).into()).await.unwrap();
    let proxied = format!("redis://{}/", proxy.address());
    let world = World::start(&[("SLUICE_REDIS_URL", &proxied), ("SLUICE_EVENTS_TIMEOUT", "1s")]).await;
    let mut client = Client::connect(&world.url, &world.owner).await;
    client.subscribe(world.manifest, None).await;
    world.publish(fact(1, world.manifest, Fact::Started)).await;
    assert_eq!(client.next_event().await.1["number"], 1);
    assert_eq!(client.next_event().await.0, "manifest-update");

    proxy.set(Mode::Cut);
    let unready = eventually(LONG, || async {
        match ready(&world).await {
            (StatusCode::SERVICE_UNAVAILABLE, body) => Ok(body),
            other => Err(other),
        }
    });
    let body = unready.await.unwrap();
    assert_eq!((&body["checks"]["database"], &body["checks"]["events"]), (&"ok".into(), &"unavailable".into()));
    // Whoever subscribes now is answered, and told the state when it can be read.
    client.subscribe(world.other, None).await;
    world.publish(fact(1, world.manifest, advanced(40.0))).await;
    world.publish(fact(1, world.manifest, completed())).await;
    world.publish(fact(2, world.other, Fact::Started)).await;

    proxy.set(Mode::Pass);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let update = client.next_update("job-update").await;
        seen.push((update["jobId"].as_str().unwrap().to_owned(), update["status"].as_str().unwrap().to_owned()));
    }
    seen.sort();
    let expected = [("job-1", "completed"), ("job-1", "processing"), ("job-2", "active")];
    assert_eq!(seen, expected.map(|(job, status)| (job.to_owned(), status.to_owned())));
    eventually(LONG, || async { if ready(&world).await.0.is_success() { Ok(()) } else { Err("not ready") } })
        .await
        .unwrap();
    world.publish(fact(2, world.other, completed())).await;
    assert_eq!(client.next_update("job-update").await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_refuses_and_does_not_close_sockets() {
    let servers = Servers::shared().unwrap();
    let database = servers.database().await.unwrap();
    let mut url = Url::parse(&database.url).unwrap();
    let proxy = ChaosProxy::start(([127, 0, 0, 1], url.port().unwrap()).into()).await.unwrap();
    url.set_port(Some(proxy.address().port())).unwrap();
    let changes = [("SLUICE_DB_URL", url.as_str()), ("SLUICE_DB_POOL_TIMEOUT", "1s")];
    let world = World::start_on(&changes, database).await;
    let mut client = Client::connect(&world.url, &world.owner).await;
    proxy.set(Mode::Cut);
    client.emit("subscribe-manifest", serde_json::json!({"manifestId": world.manifest})).await;
    client.expect_refusal("SERVICE_UNAVAILABLE").await;
    proxy.set(Mode::Pass);
    client.subscribe(world.manifest, None).await;
}
