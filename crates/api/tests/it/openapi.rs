//! The description of the API: true, committed, and served.

use std::path::Path;

use serde_json::Value;

use crate::fixture::Service;

fn described() -> Value {
    serde_json::to_value(sluice_api::openapi()).unwrap()
}

#[test]
fn the_committed_description_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let committed: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(
        committed == described(),
        "crates/api/openapi.json is stale: cargo run -p sluice-api -- openapi > crates/api/openapi.json"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_may_read_the_description_and_its_page() {
    let service = Service::start().await;
    let get = |path: &str| reqwest::get(format!("{}{path}", service.url));
    let served: Value = get("/openapi.json").await.unwrap().json().await.unwrap();
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1."), "{}", served["openapi"]);
    assert_eq!(served, described());
    // The page is HTML with its scripts beside it; the client has followed the way from /docs.
    let page = get("/docs").await.unwrap();
    assert!(page.url().path().ends_with("/api/docs/index.html"), "{}", page.url());
    assert_eq!(page.headers()["content-type"], "text/html");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
    assert!(page.text().await.unwrap().contains("swagger-ui-bundle.js"));
    let script = get("/docs/swagger-initializer.js").await.unwrap().text().await.unwrap();
    assert!(script.contains("/api/openapi.json"), "{script}");
    assert_eq!(get("/docs/nothing").await.unwrap().status(), 404);
    assert_eq!(get("/docs/..%2f..%2fetc%2fpasswd").await.unwrap().status(), 404);
}

#[test]
fn operations_need_a_token_or_are_listed_here() {
    let mut open = Vec::new();
    for (path, item) in described()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation.get("security").is_none() {
                open.push(format!("{method} {path}"));
            }
        }
    }
    let expected = [
        "post /api/auth/login",
        "get /api/docs",
        "get /api/docs/{file}",
        "get /api/health",
        "get /api/health/live",
        "get /api/health/ready",
        "get /api/openapi.json",
    ];
    assert_eq!(open, expected);
}
