//! What every answer has around it: the form of errors, ids, headers, CORS, limits of bodies.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Service, code, read, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_the_same_envelope() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let request = person.request(Method::GET, "/projects/999999?x=1").header("x-request-id", "abc-123");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["x-request-id"], "abc-123");
    let mut body: Value = response.json().await.unwrap();
    let timestamp = body["error"]["timestamp"].take();
    let timestamp = timestamp.as_str().unwrap();
    assert!(timestamp.len() == 24 && timestamp.ends_with('Z'), "{timestamp}");
    let expected = json!({"error": {
        "code": "PROJECT_NOT_FOUND", "message": "Project 999999 not found", "params": {"projectId": 999_999},
        "requestId": "abc-123", "timestamp": null, "path": "/api/projects/999999?x=1",
    }});
    assert_eq!(body, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_of_ours_is_told_so() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let (status, body) = person.get("/nowhere?x=1").await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (404, &json!("NotFoundException")));
    assert_eq!(body["error"]["message"], "Cannot GET /api/nowhere?x=1");
    assert_eq!(code(person.send(Method::PUT, "/projects", json!({})).await), refusal(404, "NotFoundException"));
    let (status, body) = person.get("/projects/x").await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (400, &json!("BadRequestException")));
    assert_eq!(body["error"]["message"], "Validation failed (numeric string is expected)");
    for body in ["{", "[1]", "\u{fffd}"] {
        let response = person.request(Method::POST, "/projects").body(body).send().await.unwrap();
        assert_eq!(code(read(response).await), refusal(400, "BadRequestException"), "{body}");
    }
    assert_eq!(code(person.get("/projects/99999999999").await), refusal(404, "NotFoundException"));
    assert_eq!(code(person.get("/models/nonsense").await), refusal(404, "NotFoundException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_may_be_long_but_not_endless() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let body = |length| json!({"jsonSchema": {"type": "object", "description": "x".repeat(length)}});
    let (status, _) = person.post("/schemas/validate", body(1_500_000)).await;
    assert_eq!(status, 201);
    assert_eq!(code(person.post("/schemas/validate", body(3_000_000)).await), refusal(413, "PayloadTooLargeException"));
    // Without a declared length it is counted as it comes.
    let pieces = (0..48).map(|_| Ok::<_, std::io::Error>(vec![b' '; 65_536]));
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let response = person.request(Method::POST, "/schemas/validate").body(stream).send().await.unwrap();
    assert_eq!(code(read(response).await), refusal(413, "PayloadTooLargeException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_carry_security_headers_and_a_fresh_id() {
    let service = Service::start().await;
    let response = reqwest::get(format!("{}/health", service.url)).await.unwrap();
    let headers = response.headers();
    assert_eq!(headers["x-frame-options"], "DENY");
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'"));
    assert_eq!(headers["strict-transport-security"], "max-age=31536000; includeSubDomains; preload");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["x-request-id"].len(), 36);
    assert!(!headers.contains_key("x-powered-by"));
}

#[tokio::test(flavor = "multi_thread")]
async fn listed_origins_may_call_and_others_are_not_named() {
    let service = Service::start_with(&[("SLUICE_CORS_ORIGINS", "http://web.example, http://other.example")]).await;
    let url = format!("{}/projects", service.url);
    let client = reqwest::Client::new();
    let preflight = client.request(Method::OPTIONS, &url).header("access-control-request-method", "POST");
    let response = preflight.header("origin", "http://web.example").send().await.unwrap();
    assert_eq!(response.status(), 204);
    let headers = response.headers();
    assert_eq!(headers["access-control-allow-origin"], "http://web.example");
    assert_eq!(headers["access-control-allow-credentials"], "true");
    assert_eq!(headers["access-control-allow-methods"], "GET,POST,PUT,DELETE,PATCH");
    assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("Authorization"));
    // An error is readable for the page too.
    let response = client.get(&url).header("origin", "http://other.example").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["access-control-allow-origin"], "http://other.example");
    let response = client.get(&url).header("origin", "http://evil.example").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(!response.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_every_origin_may_call() {
    let service = Service::start().await;
    let request = reqwest::Client::new().get(format!("{}/health", service.url)).header("origin", "http://a.example");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "http://a.example");
}
