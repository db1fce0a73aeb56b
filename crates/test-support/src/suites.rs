//! One suite per port, run on the fake and on the real adapter: a fake that fails it is a bug.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use sluice_core::ports::{EventSink, ObjectStore, Published};
use sluice_core::{Classify, ErrorKind, Fact, JobFact, JobId, JobKind, ManifestId};

/// What every object store does.
///
/// # Errors
/// When the store does otherwise.
pub async fn object_store(store: &dyn ObjectStore) -> Result<()> {
    const KEY: &str = "manifests/suite/file";
    ensure!(store.head(KEY).await?.is_none(), "nothing is there at first");
    let missing = store.get(KEY, 10).await.err().context("a missing object was read")?;
    ensure!(missing.kind() == ErrorKind::NotFound, "missing: {:?}", missing.kind());

    store.put(KEY, "application/pdf", Bytes::from_static(b"first")).await?;
    store.put(KEY, "application/pdf", Bytes::from_static(b"second one")).await?;
    let info = store.head(KEY).await?.context("nothing was stored")?;
    ensure!(info.size_bytes == 10 && info.content_type.as_deref() == Some("application/pdf"), "{info:?}");
    ensure!(store.get(KEY, 10).await? == "second one", "the last one counts");
    let large = store.get(KEY, 9).await.err().context("a large object was read")?;
    ensure!(large.kind() == ErrorKind::TooLarge, "large: {:?}", large.kind());

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    ensure!(store.download(KEY, &file, 10).await? == 10 && std::fs::read(&file)? == b"second one", "download");
    ensure!(store.download(KEY, &file, 9).await.is_err(), "a download keeps to its limit");

    store.delete(KEY).await?;
    store.delete(KEY).await?;
    ensure!(store.head(KEY).await?.is_none(), "it is gone");
    Ok(())
}

/// What every event sink does with the facts of a job that no sink has seen.
///
/// # Errors
/// When the sink does otherwise.
pub async fn event_sink(sink: &dyn EventSink) -> Result<()> {
    let fact = |fact| JobFact {
        job_id: JobId(1).into(),
        manifest_id: ManifestId(1),
        kind: JobKind::Extraction,
        number_floor: 0,
        fact,
    };
    let failed = || Fact::Failed { error: "broken".to_owned() };
    ensure!(sink.publish(&fact(Fact::Queued)).await? == Published::Numbered(1), "numbers begin at one");
    ensure!(sink.publish(&fact(Fact::Started)).await? == Published::Numbered(2), "and rise by one");
    ensure!(sink.publish(&fact(failed())).await? == Published::Numbered(3), "an end is published");
    ensure!(sink.publish(&fact(failed())).await? == Published::Outdated, "once");
    ensure!(sink.publish(&fact(Fact::Started)).await? == Published::Outdated, "and nothing follows it");
    ensure!(!sink.is_watched(ManifestId(1)).await?, "nobody watches unless somebody says so");
    Ok(())
}
