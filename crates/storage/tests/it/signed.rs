use std::time::Duration;

use bytes::Bytes;
use sluice_core::ports::{Clock, ObjectStore, SystemClock};
use sluice_storage::{Config, Presigner};

use crate::bucket;

#[tokio::test]
async fn a_signed_put_takes_exactly_the_type_and_length_it_was_signed_for() {
    let (config, store) = bucket().await;
    let signed = Presigner::new(&config).put("uploads/a/file", "image/png", 4, SystemClock.now()).await.unwrap();
    assert!(!signed.url.to_lowercase().contains("checksum"), "no check sum of an empty body is signed: {}", signed.url);
    assert!(signed.headers.iter().all(|(name, _)| !name.contains("checksum")), "{:?}", signed.headers);

    let http = reqwest::Client::new();
    let put = |content_type: &'static str, body: &'static str| {
        http.put(&signed.url).header("content-type", content_type).body(body).send()
    };
    assert_eq!(put("text/html", "four").await.unwrap().status(), 403);
    assert_eq!(put("image/png", "five!").await.unwrap().status(), 403);
    assert_eq!(store.head("uploads/a/file").await.unwrap(), None);
    assert_eq!(put("image/png", "four").await.unwrap().status(), 200);
    assert_eq!(store.head("uploads/a/file").await.unwrap().unwrap().size_bytes, 4);
}

#[tokio::test]
async fn a_signed_get_shows_the_file_under_its_name_until_it_expires() {
    let (config, store) = bucket().await;
    store.put("manifests/a/file", "image/png", Bytes::from_static(b"bytes")).await.unwrap();
    let presigner = Presigner::new(&config);
    let disposition = "inline; filename*=UTF-8''Gr%C3%BC%C3%9Fe.png";
    let signed = presigner.get("manifests/a/file", "image/png", disposition, SystemClock.now()).await.unwrap();
    let response = reqwest::get(&signed.url).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-disposition"], disposition);
    assert_eq!(response.bytes().await.unwrap(), "bytes");

    let tampered = signed.url.replace("manifests/a", "manifests/b");
    assert_eq!(reqwest::get(tampered).await.unwrap().status(), 403);
    let long_ago = SystemClock.now() - Duration::from_secs(86_400);
    let expired = presigner.get("manifests/a/file", "image/png", disposition, long_ago).await.unwrap();
    assert_eq!(reqwest::get(expired.url).await.unwrap().status(), 403);
}

#[tokio::test]
async fn urls_are_signed_for_the_public_endpoint() {
    let (config, _) = bucket().await;
    let config = Config { public_endpoint: "https://files.example.com".to_owned(), ..config };
    let signed = Presigner::new(&config).put("uploads/a/file", "image/png", 4, SystemClock.now()).await.unwrap();
    assert!(signed.url.starts_with("https://files.example.com/"), "{}", signed.url);
}

#[tokio::test]
async fn browsers_of_the_given_origins_alone_may_use_signed_urls() {
    let (config, store) = bucket().await;
    store.ensure_bucket(&["https://app.example.com".to_owned()]).await.unwrap();
    let signed = Presigner::new(&config).put("uploads/a/file", "image/png", 4, SystemClock.now()).await.unwrap();
    let allowed_for = async |origin: &str| {
        let preflight = reqwest::Client::new()
            .request(reqwest::Method::OPTIONS, &signed.url)
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "content-type");
        let response = preflight.send().await.unwrap();
        response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(allowed_for("https://app.example.com").await.as_deref(), Some("https://app.example.com"));
    assert_eq!(allowed_for("https://evil.example.com").await, None);
}

#[tokio::test]
async fn a_signed_put_is_good_for_its_key_and_time_only() {
    let (config, store) = bucket().await;
    let presigner = Presigner::new(&config);
    let put = async |url: String| {
        let request = reqwest::Client::new().put(url).header("content-type", "image/png").body("four");
        request.send().await.unwrap().status()
    };
    let signed = presigner.put("uploads/a/file", "image/png", 4, SystemClock.now()).await.unwrap();
    assert_eq!(put(signed.url.replace("uploads/a", "uploads/b")).await, 403);
    let long_ago = SystemClock.now() - Duration::from_secs(86_400);
    assert_eq!(put(presigner.put("uploads/b/file", "image/png", 4, long_ago).await.unwrap().url).await, 403);
    assert_eq!(store.head("uploads/b/file").await.unwrap(), None);
}
