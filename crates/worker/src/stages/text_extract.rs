//! `TEXT_EXTRACT`: the file becomes pages.
//!
//! - **Reads** the file from storage, pages that are known by content and settings.
//! - **Writes** each page as it is read, then the manifest's text and its quality.
//! - **Fails when** the file can't be read (at once), or storage or the service that reads is down.
//! - **Safe to repeat because** known pages are not read again.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use sluice_core::ports::ObjectStore;
use sluice_core::{ErrorKind, FileFormat, ReadRequest, StageName};
use sluice_db::models::page_cache::{self, PageKey};
use sluice_db::models::page_reads;
use sluice_db::models::runs::{self, StoredText};
use sluice_extraction::cost::Usage;
use sluice_extraction::{fingerprint, ocr_result};
use sluice_remote_extractors::ReadPage;
use tokio::io::AsyncReadExt;

use self::pages::Pages;
use crate::einvoice;
use crate::error::StageError;
use crate::pipeline::{Stage, StageContext};
use crate::state::{Loaded, RemoteReader, TextExtracted};
use crate::wiring::Ports;

mod local;
mod paddle_ocr;
mod pages;
mod survey;
mod vision;

/// Raised when the reader changes so that pages must be read anew.
const READER_VERSION: u32 = 2;
/// The same of what is made of the answers of other services: their pages were paid.
const REMOTE_VERSION: u32 = 1;

#[derive(Debug)]
pub(crate) struct TextExtract(pub(crate) Ports);

impl Stage for TextExtract {
    const NAME: StageName = StageName::TextExtract;
    type In = Loaded;
    type Out = TextExtracted;

    async fn run(&self, loaded: Loaded, context: &StageContext) -> Result<TextExtracted, StageError> {
        let start = Instant::now();
        let key = key_of(&loaded)?;
        let pages_settings_sha256 = key.settings_sha256.clone();
        let known = self.known_pages(&key, &loaded, context).await?;
        let mut pages = Pages::new((&self.0, context), key, &loaded.reader.pricing, known);
        self.read_missing(&loaded, &mut pages).await?;
        let invoice = pages.invoice.take();
        let pages = pages.into_vec();
        let read = page_reads::total(&mut *self.0.pool.get().await?, context.attempt.job_id).await?;
        let processed_at = self.0.clock.now();
        let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (pages, elements): (Vec<_>, Vec<_>) = pages.into_iter().map(|read| (read.page, read.elements)).unzip();
        let quality_score = ocr_result::quality_score(&pages);
        let mut shown = ocr_result::build(&pages, processed_at, elapsed_ms);
        for (index, elements) in elements.iter().enumerate().filter(|(_, elements)| !elements.is_empty()) {
            if let Some(place) = shown.pointer_mut(&format!("/pages/{index}/layout/elements")) {
                *place = json!(elements);
            }
        }
        let text = StoredText {
            ocr_result: shown,
            quality_score,
            processed_at,
            extractor_id: loaded.reader.extractor_id,
            pages_settings_sha256,
        };
        let stored = runs::store_text(&mut *self.0.pool.get().await?, loaded.manifest.id, &text).await;
        stored.map_err(|error| match error {
            sluice_db::Error::NotFound => StageError::not_found("the manifest was deleted while it was processed"),
            error => error.into(),
        })?;
        let einvoice = invoice.and_then(|invoice| einvoice::map(&loaded, &invoice));
        if pages.iter().all(|page| page.words.is_empty()) && loaded.extraction.is_some() && einvoice.is_none() {
            return Err(StageError::invalid("no text was found in the document"));
        }
        let usage = Usage {
            input_tokens: read.input_tokens,
            output_tokens: read.output_tokens,
            is_estimated: read.is_estimated,
        };
        Ok(TextExtracted { loaded, pages, pages_read: read.pages, usage, quality_score, processed_at, einvoice })
    }

    fn checkpoint(output: &TextExtracted) -> Value {
        let pages = u32::try_from(output.pages.len()).unwrap_or(u32::MAX);
        json!({"pages": pages, "pagesRead": output.pages_read, "pagesKnown": pages.saturating_sub(output.pages_read),
               "inputTokens": output.usage.input_tokens, "outputTokens": output.usage.output_tokens,
               "quality": output.quality_score})
    }
}

fn key_of(loaded: &Loaded) -> Result<PageKey, StageError> {
    let reader = &loaded.reader;
    let settings = match &reader.remote {
        None => fingerprint::of(&(READER_VERSION, &reader.extractor_type, &reader.options)),
        Some(RemoteReader::PaddleOcr(settings)) => {
            fingerprint::of(&(REMOTE_VERSION, &reader.extractor_type, settings.identity()))
        }
        Some(RemoteReader::Vision(settings)) => {
            fingerprint::of(&(REMOTE_VERSION, &reader.extractor_type, settings.identity()))
        }
    };
    let settings = settings.map_err(|error| StageError {
        source: Some(Box::new(error)),
        ..StageError::new(ErrorKind::Internal, "internal error")
    })?;
    Ok(PageKey { file_sha256: loaded.manifest.content_sha256.clone(), settings_sha256: settings })
}

impl TextExtract {
    /// Pages that need not be read. A job that only reads text was asked to read anew: it goes on from what its own earlier
    /// attempts have read, and from nothing else.
    async fn known_pages(
        &self,
        key: &PageKey,
        loaded: &Loaded,
        context: &StageContext,
    ) -> Result<Vec<ReadPage>, StageError> {
        let mut connection = self.0.pool.get().await?;
        let mut rows = page_cache::load(&mut connection, key, self.0.clock.now()).await?;
        if loaded.extraction.is_none() {
            let own = page_reads::list_numbers(&mut connection, context.attempt.job_id).await?;
            rows.retain(|(number, _)| own.contains(number));
        }
        // A page that another version wrote differently is read again.
        Ok(rows.into_iter().filter_map(|(_, page)| serde_json::from_value(page).ok()).collect())
    }

    async fn read_missing(&self, loaded: &Loaded, pages: &mut Pages<'_>) -> Result<(), StageError> {
        let folder = tempfile::tempdir().map_err(local_fault)?;
        let path = folder.path().join("file");
        self.0.storage.download(&loaded.manifest.storage_key, &path, self.0.max_file_bytes).await?;
        check_content(&path, &loaded.manifest.content_sha256).await?;
        if loaded.format == FileFormat::Xml {
            let invoice = einvoice::read_file(path).await?;
            pages.add_free(vec![einvoice::page(&invoice).into()]).await;
            pages.invoice = Some(invoice);
            return Ok(());
        }
        let request =
            ReadRequest { path, format: loaded.format, options: loaded.reader.options.clone(), skip: pages.numbers() };
        match &loaded.reader.remote {
            None => local::read(&self.0, &request, pages).await,
            Some(RemoteReader::PaddleOcr(settings)) => paddle_ocr::read(&self.0, settings, &request, pages).await,
            Some(RemoteReader::Vision(settings)) => vision::read(&self.0, settings, &request, pages).await,
        }
    }
}

/// A signed URL is good for a while after its upload was completed: what it may have replaced is not what was uploaded.
async fn check_content(path: &Path, expected: &str) -> Result<(), StageError> {
    let mut file = tokio::fs::File::open(path).await.map_err(local_fault)?;
    let mut digest = fingerprint::Content::default();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = file.read(&mut buffer).await.map_err(local_fault)?;
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

/// An error of one page says which.
fn on_page(number: u32, error: StageError) -> StageError {
    StageError { message: format!("page {number}: {}", error.message), ..error }
}

fn local_fault(error: std::io::Error) -> StageError {
    StageError {
        source: Some(Box::new(error)),
        ..StageError::new(ErrorKind::Unavailable, "no room for a temporary file")
    }
}
