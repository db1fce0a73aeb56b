//! Sockets that are open while what they stand on falls, and users, clients and commands beyond their limits.

use diesel_async::RunQueryDsl;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sluice_access::MintedKey;
use sluice_db::models::api_keys::{self, NewApiKey};

use crate::client::Client;
use crate::slow::Poller;
use crate::world::World;
use crate::{advanced, completed, fact};

const SOON: (&str, &str) = ("SLUICE_WS_RECHECK", "200ms");

async fn sql(world: &World, statement: &str) {
    diesel::sql_query(statement).execute(&mut world.database.pool.get().await.unwrap()).await.unwrap();
}

/// A key for the owner's project.
async fn make_key(world: &World) -> String {
    #[derive(diesel::QueryableByName)]
    struct Project {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        id: i32,
        #[diesel(sql_type = diesel::sql_types::Integer)]
        user_id: i32,
    }
    let mut connection = world.database.pool.get().await.unwrap();
    let query = "select id, user_id from projects";
    let Project { id, user_id } = diesel::sql_query(query).get_result(&mut connection).await.unwrap();
    let minted = MintedKey::mint().unwrap();
    let key = NewApiKey {
        id: sluice_core::id::fresh_uuid(),
        user_id,
        project_id: id,
        name: "Screen".to_owned(),
        prefix: minted.prefix.clone(),
        secret_hash: minted.hash.clone(),
        scopes: vec!["read".to_owned()],
        expires_at: None,
        created_at: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
    };
    api_keys::insert(&mut connection, &key).await.unwrap();
    minted.key.expose_secret().to_owned()
}

async fn flood(world: &World, client: &mut Client, count: usize) {
    for _ in 0..count {
        client.emit("unsubscribe-manifest", json!({"manifestId": world.manifest})).await;
    }
}

/// Who hears the owner's manifest and reads nothing any more.
async fn subscribed_poller(world: &World) -> Poller {
    let mut poller = Poller::connect(world).await;
    poller.post(format!("42/manifests,{}", json!(["subscribe-manifest", {"manifestId": world.manifest}]))).await;
    assert_eq!(poller.next_event().await.0, "subscribed");
    poller
}

async fn expect_end(client: &mut Client) {
    let (event, data) = client.next_event().await;
    assert_eq!((event.as_str(), &data["code"]), ("exception", &json!("AUTH_INVALID_TOKEN")));
    assert_eq!(client.next().await, json!({"on": "disconnect", "reason": "io server disconnect"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_end_soon_after_what_their_tokens_stand_on() {
    let world = World::start(&[SOON]).await;
    let key = make_key(&world).await;
    let mut by_token = Client::connect(&world.url, &world.owner).await;
    by_token.subscribe(world.manifest, None).await;
    let mut by_key = Client::connect(&world.url, &key).await;
    by_key.subscribe(world.manifest, None).await;
    let mut stranger = Client::connect(&world.url, &world.stranger).await;
    let mut admin = Client::connect(&world.url, &world.admin).await;

    // A changed password ends tokens, not keys.
    sql(&world, "update users set token_version = token_version + 1 where username = 'ada'").await;
    expect_end(&mut by_token).await;
    by_key.subscribe(world.other, None).await;
    sql(&world, "update api_keys set revoked_at = now()").await;
    expect_end(&mut by_key).await;
    sql(&world, "delete from users where username = 'bob'").await;
    expect_end(&mut stranger).await;
    // Nobody else is touched.
    let asked = json!({"manifestId": world.manifest});
    admin.emit("unsubscribe-manifest", asked.clone()).await;
    admin.expect_answer("unsubscribe-manifest", "unsubscribed", &asked).await;
    let again = Client::start(&world.url, json!({"auth": {"token": key}})).next().await;
    assert_eq!(again, json!({"on": "connect_error", "message": "Invalid token"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_hears_its_own_project_only() {
    let world = World::start(&[]).await;
    let key = make_key(&world).await;
    sql(
        &world,
        "with p as (insert into projects (name, user_id, llm_model_id) select 'Other', user_id, llm_model_id from projects
                    returning id),
              g as (insert into groups (name, project_id) select 'Other', id from p returning id)
         update manifests set group_id = (select id from g) where storage_key = '2'",
    )
    .await;
    let mut client = Client::connect(&world.url, &key).await;
    client.subscribe(world.manifest, None).await;
    client.emit("subscribe-manifest", json!({"manifestId": world.other})).await;
    client.expect_refusal("PROJECT_FORBIDDEN").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_so_many_sockets_and_rooms() {
    let world = World::start(&[("SLUICE_WS_SOCKETS_PER_USER", "2"), ("SLUICE_WS_ROOMS_PER_USER", "1")]).await;
    let mut first = Client::connect(&world.url, &world.owner).await;
    let mut second = Client::connect(&world.url, &world.owner).await;
    let options = json!({"auth": {"token": world.owner}, "transports": ["websocket"], "reconnection": false});
    let third = Client::start(&world.url, options.clone()).next().await;
    assert_eq!(third, json!({"on": "connect_error", "message": "Too many sockets"}));
    Client::connect(&world.url, &world.stranger).await;

    first.subscribe(world.manifest, None).await;
    second.emit("subscribe-manifest", json!({"manifestId": world.manifest})).await;
    second.expect_refusal("TOO_MANY_REQUESTS").await;
    // What is given back can be had again.
    drop(first);
    let deadline = std::time::Instant::now() + crate::LONG;
    loop {
        assert!(std::time::Instant::now() < deadline);
        if Client::start(&world.url, options.clone()).next().await["on"] == "connect" {
            break;
        }
    }
    second.subscribe(world.manifest, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_floods_is_refused_then_dropped_and_the_others_do_not_notice() {
    let world = World::start(&[("SLUICE_WS_COMMANDS", "20")]).await;
    let mut other = Client::connect(&world.url, &world.stranger).await;
    let mut client = Client::connect(&world.url, &world.owner).await;
    // Few enough not to be dropped: each is answered, those beyond the limit by a refusal.
    flood(&world, &mut client, 35).await;
    let (mut answered, mut refused) = (0, 0);
    while answered < 35 {
        let happened = client.next_on("ack").await;
        answered += 1;
        refused += usize::from(happened["answer"]["error"]["code"] == "TOO_MANY_REQUESTS");
    }
    assert!((1..=15).contains(&refused), "{refused}");
    flood(&world, &mut client, 200).await;
    let reason = client.next_on("disconnect").await["reason"].clone();
    // Its transport broke, so it comes back by itself.
    assert_ne!(reason, "io server disconnect");
    client.next_on("connect").await;
    let asked = json!({"manifestId": world.manifest});
    other.emit("unsubscribe-manifest", asked.clone()).await;
    other.expect_answer("unsubscribe-manifest", "unsubscribed", &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stays_too_slow_is_dropped() {
    let world = World::start(&[("SLUICE_WS_BUFFER", "16"), ("SLUICE_WS_SLOW_LIMIT", "500ms")]).await;
    let poller = subscribed_poller(&world).await;
    // It reads nothing while thousands of events come; another client does.
    let mut reader = Client::connect(&world.url, &world.owner).await;
    reader.subscribe(world.manifest, None).await;
    for _ in 0..2_000 {
        world.publish(fact(1, world.manifest, advanced(50.0))).await;
    }
    world.publish(fact(1, world.manifest, completed())).await;
    while reader.next_update("manifest-update").await["status"] != "completed" {}
    // In time its session is refused; until then there is at most what fits into its buffer.
    let deadline = std::time::Instant::now() + crate::LONG;
    while poller.http.post(&poller.url).body("3").send().await.unwrap().status() == 200 {
        assert!(std::time::Instant::now() < deadline, "it is still let in");
    }
    let refused = poller.http.get(&poller.url).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_client_that_does_not_read_is_bounded() {
    let world = World::start(&[("SLUICE_WS_BUFFER", "16")]).await;
    let poller = subscribed_poller(&world).await;
    let mut reader = Client::connect(&world.url, &world.owner).await;
    reader.subscribe(world.manifest, None).await;
    for _ in 0..2_000 {
        world.publish(fact(1, world.manifest, advanced(50.0))).await;
    }
    world.publish(fact(1, world.manifest, completed())).await;
    while reader.next_update("manifest-update").await["status"] != "completed" {}
    // The reader has got all of them, so they have gone past the one that does not read as well.
    let waiting = poller.http.get(&poller.url).send().await.unwrap().text().await.unwrap();
    let count = waiting.split('\u{1e}').count();
    assert!((1..=17).contains(&count), "{count} messages waited");
}
