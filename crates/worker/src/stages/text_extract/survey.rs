//! What a child of ours tells of a file before another service reads it, and the pictures of its pages.

use sluice_core::{OcrMode, Page, ReadOptions, ReadRequest, RenderRequest};
use sluice_sandbox::Reading;

use crate::error::StageError;
use crate::wiring::Ports;

/// All pages with their sizes and text layers; a file that is broken is found out before anybody is paid for it.
pub(super) async fn survey(ports: &Ports, request: &ReadRequest) -> Result<Vec<Page>, StageError> {
    let options = ReadOptions { ocr: OcrMode::Never, ..request.options.clone() };
    let request = ReadRequest { options, skip: Vec::new(), ..request.clone() };
    let mut reading = ports.sandbox.read_document(&request).await?;
    let mut pages = Vec::new();
    while let Some(step) = reading.next().await? {
        if let Reading::Page(page) = step {
            pages.push(*page);
        }
    }
    Ok(pages)
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
