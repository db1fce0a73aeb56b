//! `TEXT_EXTRACT`: the file becomes pages.
//!
//! - **Reads** the file from storage, pages that are known by content and settings.
//! - **Writes** each page as it is read, then the manifest's text and its quality.
//! - **Fails when** the file can't be read (at once), or storage is down.
//! - **Safe to repeat because** known pages are not read again.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use sluice_core::event::TextProgress;
use sluice_core::ports::ObjectStore;
use sluice_core::{ErrorKind, Page, ReadRequest, StageName};
use sluice_db::models::job_stages;
use sluice_db::models::page_cache::{self, PageKey};
use sluice_db::models::runs::{self, StoredText};
use sluice_extraction::{fingerprint, ocr_result};
use sluice_sandbox::Reading;
use tokio::io::AsyncReadExt;

use crate::error::StageError;
use crate::pipeline::{Stage, StageContext};
use crate::state::{Loaded, TextExtracted};
use crate::wiring::Ports;

/// Raised when the reader changes so that pages must be read anew.
const READER_VERSION: u32 = 2;

#[derive(Debug)]
pub(crate) struct TextExtract(pub(crate) Ports);

impl Stage for TextExtract {
    const NAME: StageName = StageName::TextExtract;
    type In = Loaded;
    type Out = TextExtracted;

    async fn run(&self, loaded: Loaded, context: &StageContext) -> Result<TextExtracted, StageError> {
        let start = Instant::now();
        let key = key_of(&loaded)?;
        // A job that only reads text was asked to read anew; its later attempts go on from what the first has read.
        let uses_known = loaded.extraction.is_some() || context.attempt.number > 1;
        let known = if uses_known { self.known_pages(&key).await? } else { Vec::new() };
        let paid_before = self.pages_read_before(context).await?;
        let (mut pages, pages_read) = self.read_missing(&loaded, &key, known, context).await?;
        let pages_read = pages_read + paid_before;
        pages.sort_by_key(|page| page.number);
        let processed_at = self.0.clock.now();
        let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let quality_score = ocr_result::quality_score(&pages);
        let text = StoredText {
            ocr_result: ocr_result::build(&pages, processed_at, elapsed_ms),
            quality_score,
            processed_at,
            extractor_id: loaded.reader.extractor_id,
        };
        let stored = runs::store_text(&mut *self.0.pool.get().await?, loaded.manifest.id, &text).await;
        stored.map_err(|error| match error {
            sluice_db::Error::NotFound => StageError::not_found("the manifest was deleted while it was processed"),
            error => error.into(),
        })?;
        if pages.iter().all(|page| page.words.is_empty()) && loaded.extraction.is_some() {
            return Err(StageError::invalid("no text was found in the document"));
        }
        Ok(TextExtracted { loaded, pages, pages_read, quality_score, processed_at })
    }

    fn checkpoint(output: &TextExtracted) -> Value {
        json!({"pages": output.pages.len(), "pagesRead": output.pages_read, "quality": output.quality_score})
    }
}

fn key_of(loaded: &Loaded) -> Result<PageKey, StageError> {
    let settings =
        fingerprint::of(&(READER_VERSION, &loaded.reader.extractor_type, &loaded.reader.options)).map_err(|error| {
            StageError { source: Some(Box::new(error)), ..StageError::new(ErrorKind::Internal, "internal error") }
        })?;
    Ok(PageKey { file_sha256: loaded.manifest.content_sha256.clone(), settings_sha256: settings })
}

impl TextExtract {
    async fn known_pages(&self, key: &PageKey) -> Result<Vec<Page>, StageError> {
        let rows = page_cache::load(&mut *self.0.pool.get().await?, key, self.0.clock.now()).await?;
        // A page that another version wrote differently is read again.
        Ok(rows.into_iter().filter_map(|(_, page)| serde_json::from_value(page).ok()).collect())
    }

    /// What an earlier attempt of this job has read and the job has to pay for.
    async fn pages_read_before(&self, context: &StageContext) -> Result<u32, StageError> {
        let stages = job_stages::list(&mut *self.0.pool.get().await?, context.attempt.job_id).await?;
        let earlier = stages.iter().find(|done| done.stage == Self::NAME.as_str());
        let read = earlier.and_then(|done| done.output.get("pagesRead")).and_then(Value::as_u64);
        Ok(read.and_then(|read| u32::try_from(read).ok()).unwrap_or(0))
    }

    /// Reads the pages that are not known and keeps each as it comes.
    async fn read_missing(
        &self,
        loaded: &Loaded,
        key: &PageKey,
        mut pages: Vec<Page>,
        context: &StageContext,
    ) -> Result<(Vec<Page>, u32), StageError> {
        let folder = tempfile::tempdir().map_err(local)?;
        let path = folder.path().join("file");
        self.0.storage.download(&loaded.manifest.storage_key, &path, self.0.max_file_bytes).await?;
        check_content(&path, &loaded.manifest.content_sha256).await?;
        let skip: Vec<u32> = pages.iter().map(|page| page.number).collect();
        let request = ReadRequest { path, format: loaded.format, options: loaded.reader.options.clone(), skip };
        let mut reading = self.0.sandbox.read_document(&request).await?;
        let (mut total, mut read) = (0, 0);
        while let Some(progress) = reading.next().await? {
            match progress {
                Reading::Opened { pages } => total = pages,
                Reading::Page(page) => {
                    self.keep(key, &page).await?;
                    pages.push(*page);
                    read += 1;
                }
            }
            let done = u32::try_from(pages.len()).unwrap_or(u32::MAX);
            let text = TextProgress { markdown_so_far: None, pages_processed: done, pages_total: total };
            let fraction = f64::from(done) / f64::from(total.max(1));
            context.reporter.within_stage(StageName::TextExtract, fraction, Some(text)).await;
        }
        Ok((pages, read))
    }

    async fn keep(&self, key: &PageKey, page: &Page) -> Result<(), StageError> {
        let number = i32::try_from(page.number).unwrap_or(i32::MAX);
        let value = serde_json::to_value(page).map_err(|error| StageError {
            source: Some(Box::new(error)),
            ..StageError::new(ErrorKind::Internal, "internal error")
        })?;
        Ok(page_cache::keep(&mut *self.0.pool.get().await?, key, number, &value).await?)
    }
}

/// A signed URL is good for a while after its upload was completed: what it may have replaced is not what was uploaded.
async fn check_content(path: &Path, expected: &str) -> Result<(), StageError> {
    let mut file = tokio::fs::File::open(path).await.map_err(local)?;
    let mut digest = fingerprint::Content::default();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = file.read(&mut buffer).await.map_err(local)?;
        if length == 0 {
            break;
        }
        digest.add(buffer.get(..length).unwrap_or_default());
    }
    if digest.finish() == expected {
        Ok(())
    } else {
        Err(StageError::invalid("the file in storage is not the one that was uploaded"))
    }
}

fn local(error: std::io::Error) -> StageError {
    StageError {
        source: Some(Box::new(error)),
        ..StageError::new(ErrorKind::Unavailable, "no room for a temporary file")
    }
}
