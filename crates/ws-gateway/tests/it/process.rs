use serde_json::json;
use sluice_test_support::{Process, Servers, ports};

use crate::LONG;
use crate::client::Client;
use crate::world::{World, environment};

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_serves_and_ends_cleanly_and_its_clients_find_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let database = Servers::shared().unwrap().database().await.unwrap();
    let port = ports::free_port().unwrap();
    let listen = format!("127.0.0.1:{port}");
    let settings = environment(&[("SLUICE_WS_LISTEN", &listen)], &database);
    let url = format!("http://{listen}");
    let start = || Process::spawn_ours("sluice-ws-gateway", &settings, &folder.path().join("log")).unwrap();

    let mut gateway = start();
    gateway.wait_until_ready(&format!("{url}/health/ready"), LONG).await.unwrap();
    let world = World::around(url.clone(), &settings, database).await;
    let mut client = Client::connect(&url, &world.owner).await;
    client.subscribe(world.manifest, None).await;

    let ended = tokio::task::spawn_blocking(move || gateway.terminate(LONG)).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
    assert_eq!(client.next().await, json!({"on": "disconnect", "reason": "transport close"}));
    let mut gateway = start();
    gateway.wait_until_ready(&format!("{url}/health/ready"), LONG).await.unwrap();
    client.next_on("connect").await;
    client.subscribe(world.manifest, None).await;
    assert!(!gateway.log().contains(&world.owner), "no token in the log");
}

#[test]
fn missing_settings_are_named_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = Process::spawn_ours::<&str, &str>("sluice-ws-gateway", [], &folder.path().join("log")).unwrap();
    while gateway.is_running().unwrap() {
        std::thread::yield_now();
    }
    for name in ["SLUICE_DB_URL", "SLUICE_REDIS_URL", "SLUICE_JWT_SECRET"] {
        assert!(gateway.log().contains(name), "{}", gateway.log());
    }
}
