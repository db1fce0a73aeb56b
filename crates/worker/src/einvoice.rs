//! E-invoices: what their XML says is taken, and no model is asked.

use std::path::PathBuf;

use serde_json::{Value, json};
use sluice_core::{EmbeddedFile, ErrorKind, FileFormat};
use sluice_extraction::einvoice::{self, Invoice, Mapped};
use sluice_extraction::validate::Issue;

use crate::error::StageError;
use crate::state::{FieldTask, LlmExtracted, Loaded, Patch, Spent, TextExtracted};

pub(crate) use sluice_extraction::einvoice::page;

/// The first of a file's attachments that can be read. What can't be is passed over: the page says the same.
pub(crate) async fn find(files: Vec<EmbeddedFile>) -> Option<Invoice> {
    let read = move || {
        files.into_iter().find_map(|file| match einvoice::read(&file.bytes) {
            Ok(invoice) => Some(invoice),
            Err(error) => {
                tracing::warn!(%error, "an embedded e-invoice can't be read");
                None
            }
        })
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

/// Reads an uploaded XML.
pub(crate) async fn read_file(path: PathBuf) -> Result<Invoice, StageError> {
    let read = move || std::fs::read(path).map(|bytes| einvoice::read(&bytes));
    let internal = |error: Box<dyn std::error::Error + Send + Sync>| StageError {
        source: Some(error),
        ..StageError::new(ErrorKind::Internal, "internal error")
    };
    let read = tokio::task::spawn_blocking(read).await.map_err(|error| internal(error.into()))?;
    read.map_err(|error| internal(error.into()))?.map_err(|error| StageError::invalid(error.to_string()))
}

/// The invoice in the form of the job's schema; `None` where a model has to be asked.
pub(crate) fn map(loaded: &Loaded, invoice: &Invoice) -> Option<Mapped> {
    let settings = loaded.extraction.as_ref()?;
    // An upload that is nothing but XML has no page that could be read instead.
    if !loaded.reader.uses_embedded_invoice && loaded.format != FileFormat::Xml {
        return None;
    }
    einvoice::map(invoice, &settings.schema.json_schema, &settings.schema.required_fields)
}

/// What `LLM_EXTRACT` comes to without a call; the text again where there is no e-invoice, or it does not have the one field
/// that is asked for.
pub(crate) fn answer(text: TextExtracted) -> Result<LlmExtracted, Box<TextExtracted>> {
    let (Some(mapped), Some(settings)) = (&text.einvoice, &text.loaded.extraction) else {
        return Err(Box::new(text));
    };
    let (data, patch) = match &settings.field {
        None => (mapped.data.clone(), None),
        Some(task) => match field(mapped, task) {
            Some((data, patch)) => (data, Some(patch)),
            None => return Err(Box::new(text)),
        },
    };
    let mut issues = differences(&text, mapped);
    if let Some(task) = &settings.field {
        issues.retain(|issue| task.path.overlaps(&issue.field));
    }
    let response = json!({"source": "einvoice", "syntax": mapped.syntax, "profile": mapped.profile}).to_string();
    Ok(LlmExtracted { data, patch, issues, response, spent: Spent::default(), text })
}

/// The one field of a job, in the data that are there.
fn field(mapped: &Mapped, task: &FieldTask) -> Option<(Value, Patch)> {
    let value = task.path.find(&mapped.data).filter(|value| !value.is_null())?.clone();
    let data = task.path.merge(&task.data, Some(value.clone()), None).ok()?;
    Some((data, Patch { value: Some(value), info: None }))
}

fn differences(text: &TextExtracted, mapped: &Mapped) -> Vec<Issue> {
    // The page of an uploaded XML is written from it.
    if text.loaded.format == FileFormat::Xml { Vec::new() } else { einvoice::differences(mapped, &text.pages) }
}
