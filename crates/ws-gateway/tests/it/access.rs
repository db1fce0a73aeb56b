use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use sluice_core::Fact;

use crate::client::Client;
use crate::fact;
use crate::world::World;

async fn first(world: &World, options: Value) -> Value {
    Client::start(&world.url, options).next().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_without_a_good_token_is_not_let_in() {
    let world = World::start(&[]).await;
    let refused = |message: &str| json!({"on": "connect_error", "message": message});
    for transports in [json!(["polling"]), json!(["websocket"])] {
        assert_eq!(first(&world, json!({"transports": transports})).await, refused("Authentication required"));
        let auth = json!({"token": format!("{}x", world.owner)});
        assert_eq!(first(&world, json!({"transports": transports, "auth": auth})).await, refused("Invalid token"));
    }
    diesel::sql_query("delete from users where username = 'bob'")
        .execute(&mut world.database.pool.get().await.unwrap())
        .await
        .unwrap();
    assert_eq!(first(&world, json!({"auth": {"token": world.stranger}})).await, refused("Invalid token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_may_stand_in_the_query_or_in_a_header() {
    let world = World::start(&[]).await;
    assert_eq!(first(&world, json!({"query": {"token": world.owner}})).await["on"], "connect");
    let headers = json!({"authorization": format!("Bearer {}", world.owner)});
    assert_eq!(first(&world, json!({"extraHeaders": headers})).await["on"], "connect");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_peoples_manifests_are_refused_even_to_admins() {
    let world = World::start(&[]).await;
    for token in [&world.stranger, &world.admin] {
        let mut client = Client::connect(&world.url, token).await;
        let asked = json!({"manifestId": world.manifest});
        client.emit("subscribe-manifest", asked.clone()).await;
        let exception = client.expect_refusal("PROJECT_FORBIDDEN").await;
        assert_eq!(exception["message"], "Access denied");
        assert_eq!(exception["cause"], json!({"pattern": "subscribe-manifest", "data": asked}));
        client.emit("subscribe-manifest", json!({"manifestId": 999_999})).await;
        client.expect_refusal("MANIFEST_NOT_FOUND").await;

        // Nothing of it is heard: the next thing to happen is the next answer.
        world.publish(fact(1, world.manifest, Fact::Started)).await;
        client.emit("unsubscribe-manifest", asked.clone()).await;
        client.expect_answer("unsubscribe-manifest", "unsubscribed", &asked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused() {
    let world = World::start(&[]).await;
    let mut client = Client::connect(&world.url, &world.owner).await;
    for payload in
        [json!(null), json!({}), json!("7"), json!({"manifestId": "x"}), json!([1]), json!({"manifestId": -1})]
    {
        for command in ["subscribe-manifest", "unsubscribe-manifest"] {
            client.emit(command, payload.clone()).await;
            assert_eq!(client.expect_refusal("VALIDATION_FAILED").await["cause"]["data"], payload);
        }
    }
    client.subscribe(world.manifest, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_closed_when_its_token_ends() {
    let world = World::start(&[("SLUICE_JWT_LIFETIME", "6s")]).await;
    let mut client = Client::connect(&world.url, &world.owner).await;
    client.subscribe(world.manifest, None).await;
    assert_eq!(client.next_event().await.1["code"], "AUTH_INVALID_TOKEN");
    assert_eq!(client.next().await, json!({"on": "disconnect", "reason": "io server disconnect"}));
}
