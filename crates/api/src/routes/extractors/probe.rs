//! Lets an extractor read a page of ours, to see whether it can.

use std::io::Write;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use sluice_core::{Classify, FileFormat, OcrMode, ReadOptions, ReadRequest};
use sluice_db::models::extractors::Extractor;
use sluice_sandbox::Reading;
use sluice_service::ErrorChain;
use utoipa::ToSchema;

use super::remote_probe;
use crate::state::AppState;

/// One page that says "Sluice 42" in its text layer and so in its picture.
const PAGE: &[u8] = include_bytes!("probe.pdf");
pub(super) const WORD: &str = "Sluice";

/// Whether an extractor can work.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtractorTestDto {
    ok: bool,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
}

pub(super) async fn probe(state: &AppState, extractor: &Extractor) -> ExtractorTestDto {
    let started = Instant::now();
    if let Some(told) = remote_probe::probe(state, extractor).await {
        let latency_ms = u64::try_from(started.elapsed().as_millis()).ok();
        let (ok, message) = told.map_or_else(|problem| (false, problem), |message| (true, message));
        return ExtractorTestDto { ok, message, latency_ms };
    }
    let languages = languages(extractor);
    let result = read(state, languages.clone()).await;
    let latency_ms = u64::try_from(started.elapsed().as_millis()).ok();
    match result {
        Ok(text) if text.contains(WORD) => {
            let names = if languages.is_empty() { "auto".to_owned() } else { languages.join("+") };
            let message = format!("Read a page with {names}");
            ExtractorTestDto { ok: true, message, latency_ms }
        }
        Ok(_) => ExtractorTestDto { ok: false, message: "The page was read wrongly".to_owned(), latency_ms },
        Err(message) => ExtractorTestDto { ok: false, message, latency_ms },
    }
}

/// The picture is read whatever the settings say: that is what can fail.
async fn read(state: &AppState, languages: Vec<String>) -> Result<String, String> {
    let file = write_page()?;
    let request = ReadRequest {
        path: file.path().to_owned(),
        format: FileFormat::Pdf,
        options: ReadOptions { ocr: OcrMode::Force, languages, ..ReadOptions::default() },
        skip: Vec::new(),
    };
    let describe = |error: sluice_sandbox::Error| {
        tracing::warn!(error = %ErrorChain(&error), "an extractor failed its test");
        error.client_message()
    };
    let mut reading = state.sandbox.read_document(&request).await.map_err(describe)?;
    let mut text = String::new();
    while let Some(step) = reading.next().await.map_err(describe)? {
        if let Reading::Page(page) = step {
            text.push_str(&page.text);
        }
    }
    Ok(text)
}

/// Writes the page to a file of its own.
pub(super) fn write_page() -> Result<tempfile::NamedTempFile, String> {
    let written = tempfile::NamedTempFile::new().and_then(|mut file| file.write_all(PAGE).map(|()| file));
    written.map_err(|error| {
        tracing::error!(error = %ErrorChain(&error), "a temporary file can't be written");
        "The page to be read can't be written".to_owned()
    })
}

fn languages(extractor: &Extractor) -> Vec<String> {
    let key = if extractor.extractor_type == "tesseract" { "lang" } else { "languages" };
    let text = extractor.config.get(key).and_then(Value::as_str).unwrap_or_default();
    let names: Vec<String> =
        text.split(['+', ',']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names == ["auto"] {
        return Vec::new();
    }
    match (names.is_empty(), key) {
        (false, _) => names,
        (true, "lang") => ["chi_sim", "eng"].map(str::to_owned).to_vec(),
        (true, _) => ReadOptions::default().languages,
    }
}
