//! The e-invoices that a PDF carries.

use pdfium_render::prelude::*;
use sluice_core::{EmbeddedFile, FileFormat};

/// More files are not looked at.
const MAX_FILES: u16 = 100;
/// The longest XML that is handed on.
const MAX_BYTES: usize = 10 * 1024 * 1024;

/// The attached files that are XML by their name and e-invoices by their root.
pub(crate) fn einvoices(document: &PdfDocument<'_>) -> Vec<EmbeddedFile> {
    let attachments = document.attachments();
    let mut left = MAX_BYTES;
    let mut found = Vec::new();
    for index in attachments.as_range().take(usize::from(MAX_FILES)) {
        let Ok(attachment) = attachments.get(index) else { continue };
        let name = attachment.name();
        // Asking for the length unpacks the file: what is not named as XML is left alone.
        if !name.to_lowercase().ends_with(".xml") || attachment.len() > left {
            continue;
        }
        let Ok(bytes) = attachment.save_to_bytes() else { continue };
        if FileFormat::sniff(&bytes) == Some(FileFormat::Xml) {
            left = left.saturating_sub(bytes.len());
            found.push(EmbeddedFile { name, bytes });
        }
    }
    found
}
