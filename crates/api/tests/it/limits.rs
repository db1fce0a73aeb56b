//! How often one may ask.

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Service, code, read, refusal};

const ON: (&str, &str) = ("SLUICE_RATE_LIMIT_ENABLED", "true");

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_answers_a_client_120_times_a_minute() {
    let service = Service::start_with(&[ON]).await;
    let (_, person) = service.workspace("ada").await;
    for count in 1..=120_u32 {
        let response = person.request(Method::GET, "/projects").send().await.unwrap();
        assert_eq!(response.status(), 200, "{count}");
        assert_eq!(response.headers()["x-ratelimit-limit"], "120");
        assert_eq!(response.headers()["x-ratelimit-remaining"], (120 - count).to_string());
    }
    let response = person.request(Method::GET, "/projects").send().await.unwrap();
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    let (status, body) = read(response).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (429, &json!("ThrottlerException")));
    assert_eq!(body["error"]["message"], "ThrottlerException: Too Many Requests");
    assert_eq!(person.get("/models").await.0, 200, "another handler has its own count");
    for _ in 0..130 {
        assert_eq!(reqwest::get(format!("{}/health", service.url)).await.unwrap().status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_limited_sooner_and_clients_behind_a_trusted_proxy_apart() {
    let service = Service::start_with(&[ON, ("SLUICE_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let log_in = |client: &'static str| {
        let request = reqwest::Client::new().post(format!("{}/auth/login", service.url));
        let body = json!({"username": "nobody", "password": "wrong"});
        async move { read(request.header("x-forwarded-for", client).json(&body).send().await.unwrap()).await }
    };
    for _ in 0..5 {
        assert_eq!(code(log_in("8.8.8.8").await), refusal(401, "UnauthorizedException"));
    }
    assert_eq!(code(log_in("8.8.8.8").await), refusal(429, "ThrottlerException"));
    assert_eq!(code(log_in("9.9.9.9").await), refusal(401, "UnauthorizedException"));
}
