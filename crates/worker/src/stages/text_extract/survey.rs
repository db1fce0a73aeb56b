//! What a child of ours tells of a file before another service reads it, and the pictures of its pages.

use sluice_core::{OcrMode, Page, ReadOptions, ReadRequest, RenderRequest};
use sluice_remote_extractors::ReadPage;
use sluice_sandbox::Reading;

use super::pages::Pages;
use crate::einvoice;
use crate::error::StageError;
use crate::wiring::Ports;

/// All pages with their sizes and text layers; a file that is broken is found out before anybody is paid for it.
///
/// `None` when nobody need be paid: the file carries an e-invoice, and text on every page, which is taken as it is.
pub(super) async fn survey(
    ports: &Ports,
    request: &ReadRequest,
    known: &mut Pages<'_>,
) -> Result<Option<Vec<Page>>, StageError> {
    let options = ReadOptions { ocr: OcrMode::Never, ..request.options.clone() };
    let request = ReadRequest { options, skip: Vec::new(), ..request.clone() };
    let mut reading = ports.sandbox.read_document(&request).await?;
    let mut pages = Vec::new();
    while let Some(step) = reading.next().await? {
        match step {
            Reading::Opened { .. } => {}
            Reading::Embedded(files) => known.invoice = einvoice::find(files).await,
            Reading::Page(page) => pages.push(*page),
        }
    }
    if known.invoice.is_some() && pages.iter().all(|page| !page.words.is_empty()) {
        known.add_free(pages.into_iter().map(ReadPage::from).collect()).await;
        return Ok(None);
    }
    known.opened(u32::try_from(pages.len()).unwrap_or(u32::MAX)).await;
    Ok(Some(pages))
}

/// The picture of a page, a PNG.
pub(super) async fn render(
    ports: &Ports,
    request: &ReadRequest,
    page: u32,
    max_side_pixels: u32,
) -> Result<Vec<u8>, StageError> {
    let request =
        RenderRequest { path: request.path.clone(), format: request.format, page, max_side_pixels, turned_degrees: 0 };
    Ok(ports.sandbox.render_page(&request).await?)
}
