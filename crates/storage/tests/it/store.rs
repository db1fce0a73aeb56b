use bytes::Bytes;
use futures_util::stream;
use sluice_core::ports::ObjectStore;
use sluice_core::{Classify, ErrorKind};
use sluice_service::Env;
use sluice_storage::{Config, Error, S3Store};
use sluice_test_support::fakes::FakeObjectStore;
use sluice_test_support::suites;

use crate::bucket;

#[tokio::test]
async fn the_real_store_and_the_fake_behave_alike() {
    suites::object_store(&FakeObjectStore::default()).await.unwrap();
    suites::object_store(&bucket().await.1).await.unwrap();
}

#[tokio::test]
async fn long_streams_are_stored_in_parts_and_come_back_whole() {
    let (_, store) = bucket().await;
    let chunk = Bytes::from(vec![7; 1_000_003]);
    let chunks: Vec<Result<Bytes, std::io::Error>> = (0..12).map(|_| Ok(chunk.clone())).collect();
    let length = store.put_stream("manifests/a/file", "image/png", stream::iter(chunks)).await.unwrap();
    assert_eq!(length, 12_000_036);
    assert_eq!(store.get("manifests/a/file", length).await.unwrap().len(), 12_000_036);

    let mut part = store.stream("manifests/a/file", Some("bytes=10-19")).await.unwrap();
    assert_eq!((part.size_bytes, part.content_range.as_deref()), (10, Some("bytes 10-19/12000036")));
    assert_eq!(part.stream.next().await.unwrap().unwrap(), vec![7; 10]);
}

#[tokio::test]
async fn a_stream_is_not_asked_again_after_its_end() {
    let (_, store) = bucket().await;
    // Panics when it is.
    let chunks = stream::unfold(0, |number| async move {
        (number < 7).then(|| (Ok::<_, std::io::Error>(Bytes::from(vec![7; 1_000_000])), number + 1))
    });
    assert_eq!(store.put_stream("manifests/c/file", "image/png", Box::pin(chunks)).await.unwrap(), 7_000_000);
}

#[tokio::test]
async fn nothing_remains_of_a_stream_that_breaks_off() {
    let (_, store) = bucket().await;
    for pieces in [1, 9] {
        let mut chunks: Vec<Result<Bytes, std::io::Error>> =
            (0..pieces).map(|_| Ok(Bytes::from(vec![7; 1_000_000]))).collect();
        chunks.push(Err(std::io::Error::other("gone")));
        let error = store.put_stream("manifests/b/file", "image/png", stream::iter(chunks)).await.unwrap_err();
        assert!(matches!(error, Error::Upload(_)), "{error:?}");
        assert_eq!(store.head("manifests/b/file").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_store_that_is_down_is_unavailable_and_a_missing_bucket_is_a_fault() {
    let (config, _) = bucket().await;
    let down = Config { endpoint: "http://127.0.0.1:9".to_owned(), ..config.clone() };
    assert_eq!(S3Store::new(&down).check().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let missing = Config { bucket: "nowhere".to_owned(), ..config };
    let error = S3Store::new(&missing).get("x", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
}

#[test]
fn settings_are_checked_together() {
    let mut env = Env::from_pairs([("SLUICE_S3_ENDPOINT", "nonsense")]);
    let _config = Config::read(&mut env);
    let names: Vec<String> = env.finish().unwrap_err().0.into_iter().map(|problem| problem.name).collect();
    assert!(
        names.contains(&"SLUICE_S3_ENDPOINT".to_owned()) && names.contains(&"SLUICE_S3_BUCKET".to_owned()),
        "{names:?}"
    );
}
