use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::World;

const SHOP: &str = "https://shop.example";

/// Which origin a preflight of the path is answered with.
async fn allowed(world: &World, origin: &str) -> Option<String> {
    let client = reqwest::Client::new();
    let url = format!("{}/api/socket.io/?EIO=4&transport=polling", world.url);
    let preflight = client
        .request(Method::OPTIONS, &url)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let preflight = preflight.send().await.unwrap();
    let handshake = client.get(&url).header("origin", origin).send().await.unwrap();
    assert_eq!(handshake.status(), StatusCode::OK);
    let of = |response: &reqwest::Response| {
        let header = response.headers().get("access-control-allow-origin")?;
        assert_eq!(response.headers()["access-control-allow-credentials"], "true");
        Some(header.to_str().unwrap().to_owned())
    };
    assert_eq!(of(&preflight), of(&handshake));
    of(&handshake)
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_answered_by_origin() {
    let world = World::start(&[("SLUICE_CORS_ORIGINS", "https://app.example, https://shop.example")]).await;
    assert_eq!(allowed(&world, SHOP).await.as_deref(), Some(SHOP));
    assert_eq!(allowed(&world, "https://evil.example").await, None);
    let world = World::start(&[]).await;
    assert_eq!(allowed(&world, SHOP).await.as_deref(), Some(SHOP), "without a list, any");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_are_answered_under_both_names() {
    let world = World::start(&[]).await;
    for prefix in ["", "/api"] {
        let live = reqwest::get(format!("{}{prefix}/health/live", world.url)).await.unwrap();
        assert_eq!(live.json::<Value>().await.unwrap(), json!({"status": "ok"}));
        let ready = reqwest::get(format!("{}{prefix}/health/ready", world.url)).await.unwrap();
        assert_eq!(ready.status(), StatusCode::OK);
        let checks = json!({"database": "ok", "events": "ok"});
        assert_eq!(ready.json::<Value>().await.unwrap(), json!({"status": "ok", "checks": checks}));
    }
    assert_eq!(reqwest::get(format!("{}/api/none", world.url)).await.unwrap().status(), StatusCode::NOT_FOUND);
}
