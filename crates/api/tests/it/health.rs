//! Signs of life, with dependencies cut.

use std::net::SocketAddr;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sluice_test_support::proxy::Mode;
use sluice_test_support::{ChaosProxy, Servers, builders, eventually};

use crate::fixture::{LONG, Service, code, read, refusal};

/// The URL of a server, through a proxy.
async fn proxied(url: &str) -> (ChaosProxy, String) {
    let address = url.split("//").nth(1).unwrap().split('@').next_back().unwrap().split('/').next().unwrap().to_owned();
    let target: SocketAddr = address.parse().unwrap();
    let proxy = ChaosProxy::start(target).await.unwrap();
    let url = url.replace(&address, &proxy.address().to_string());
    (proxy, url)
}

async fn readiness(service: &Service) -> (StatusCode, Value) {
    read(reqwest::get(format!("{}/health/ready", service.url)).await.unwrap()).await
}

async fn expect(service: &Service, status: u16, checks: Value) {
    let said = eventually(LONG, || async {
        let (got, body) = readiness(service).await;
        if got == status && body["checks"] == checks { Ok(()) } else { Err((got, body)) }
    });
    said.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn health_answers_without_a_token() {
    let service = Service::start().await;
    for path in ["/health", "/health/live"] {
        let (status, body) = read(reqwest::get(format!("{}{path}", service.url)).await.unwrap()).await;
        assert_eq!((status.as_u16(), &body["status"]), (200, &json!("ok")));
        assert_eq!(body["timestamp"].as_str().unwrap().len(), 24);
    }
    expect(&service, 200, json!({"postgres": "up", "redis": "up", "storage": "up"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_says_which_dependency_is_cut_and_comes_back() {
    let servers = Servers::shared().unwrap();
    let database = servers.database().await.unwrap();
    let (postgres, db_url) = proxied(&database.url).await;
    let (redis, redis_url) = proxied(&servers.redis_url).await;
    let (storage, s3_url) = proxied(&servers.s3_url).await;
    let settings = [
        ("SLUICE_DB_URL", db_url.as_str()),
        ("SLUICE_REDIS_URL", redis_url.as_str()),
        ("SLUICE_S3_ENDPOINT", s3_url.as_str()),
    ];
    let service = Service::start_with(&settings).await;
    let all_up = json!({"postgres": "up", "redis": "up", "storage": "up"});
    for mode in [Mode::Cut, Mode::Hold] {
        for (proxy, name) in [(&postgres, "postgres"), (&redis, "redis"), (&storage, "storage")] {
            expect(&service, 200, all_up.clone()).await;
            proxy.set(mode);
            let mut checks = all_up.clone();
            checks[name] = json!("down");
            expect(&service, 503, checks).await;
            let live = reqwest::get(format!("{}/health/live", service.url)).await.unwrap();
            assert_eq!(live.status(), 200, "alive without {name}");
            proxy.set(Mode::Pass);
        }
    }
    expect(&service, 200, all_up).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_get_a_503_without_postgres_and_are_answered_again_after() {
    let servers = Servers::shared().unwrap();
    let database = servers.database().await.unwrap();
    let (postgres, db_url) = proxied(&database.url).await;
    let mut service = Service::start_with(&[("SLUICE_DB_URL", &db_url), ("SLUICE_DB_POOL_TIMEOUT", "1s")]).await;
    service.pool = database.pool;
    let (_, person) = service.workspace("ada").await;
    assert_eq!(person.get("/projects").await.0, 200);
    postgres.set(Mode::Cut);
    let response = person.request(reqwest::Method::GET, "/projects").send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "5");
    let (status, body) = read(response).await;
    assert_eq!(body["error"]["message"], "Service temporarily unavailable, please try again");
    assert_eq!(code((status, body)), refusal(503, "ServiceUnavailableException"));
    postgres.set(Mode::Pass);
    eventually(LONG, || async {
        let (status, body) = person.get("/projects").await;
        if status == 200 { Ok(()) } else { Err(body) }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_without_redis() {
    let servers = Servers::shared().unwrap();
    let (redis, redis_url) = proxied(&servers.redis_url).await;
    let settings = [("SLUICE_REDIS_URL", redis_url.as_str()), ("SLUICE_RATE_LIMIT_ENABLED", "true")];
    let service = Service::start_with(&settings).await;
    let (_, person) = service.workspace("ada").await;
    redis.set(Mode::Cut);
    let mut connection = service.pool.get().await.unwrap();
    builders::insert_user(&mut connection, "bob", "user").await.unwrap();
    assert_eq!(person.get("/projects").await.0, 200);
    redis.set(Mode::Hold);
    assert_eq!(person.get("/projects").await.0, 200);
}
