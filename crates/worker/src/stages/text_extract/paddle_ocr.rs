//! `paddleocr`: the whole file in one request where the server takes it, else page by page.

use sluice_core::{FileFormat, Page, ReadRequest};
use sluice_extraction::cost::Usage;
use sluice_remote_extractors::PageSize;
use sluice_remote_extractors::paddle_ocr::{self, File, Layout, Settings};

use super::pages::Pages;
use super::survey;
use crate::error::StageError;
use crate::wiring::Ports;

/// The longer side of the picture of a page, in pixels: A4 at 200 dots per inch.
const MAX_SIDE_PIXELS: u32 = 2_340;

/// Reads the pages that are not known.
pub(super) async fn read(
    ports: &Ports,
    settings: &Settings,
    request: &ReadRequest,
    pages: &mut Pages<'_>,
) -> Result<(), StageError> {
    let Some(layers) = survey::survey(ports, request, pages).await? else { return Ok(()) };
    // A server is asked again and again in the first attempt only: the later ones are such tries themselves.
    let tries = if pages.context().attempt.number == 1 { settings.max_retries() } else { 1 };
    let is_new = !layers.iter().any(|layer| pages.has(layer.number));
    if is_new && let Some(file) = whole_file(request) {
        let held = pages.reserve(pages.missing(), Usage::default()).await?;
        let layouts = ports.paddle_ocr.read(settings, &file, tries).await.map_err(StageError::from_error)?;
        let read = layouts.len().min(layers.len());
        pages.settle(held, u32::try_from(read).unwrap_or(u32::MAX), Usage::default()).await?;
        for (layer, layout) in layers.iter().zip(&layouts) {
            add(pages, layer, layout).await?;
        }
    }
    // Servers read so many pages of a file and no more (ten, unless told otherwise), and say nothing of the rest.
    for layer in &layers {
        if pages.has(layer.number) {
            continue;
        }
        let picture = survey::render(ports, request, layer.number, MAX_SIDE_PIXELS).await?;
        let file = tempfile::Builder::new().suffix(".png").tempfile().map_err(super::local_fault)?;
        tokio::fs::write(file.path(), picture).await.map_err(super::local_fault)?;
        let file = File { path: file.path().to_owned(), is_pdf: false };
        let held = pages.reserve(1, Usage::default()).await?;
        let read = ports.paddle_ocr.read(settings, &file, tries).await;
        let layouts = read.map_err(|error| super::on_page(layer.number, StageError::from_error(error)))?;
        let layout = layouts
            .first()
            .ok_or_else(|| super::on_page(layer.number, StageError::invalid("the OCR service answered no page")))?;
        pages.settle(held, 1, Usage::default()).await?;
        add(pages, layer, layout).await?;
    }
    Ok(())
}

/// The file as it is, where servers know its format and all its pages.
fn whole_file(request: &ReadRequest) -> Option<File> {
    let is_pdf = match request.format {
        FileFormat::Pdf => true,
        FileFormat::Png | FileFormat::Jpeg | FileFormat::Bmp => false,
        _ => return None,
    };
    Some(File { path: request.path.clone(), is_pdf })
}

async fn add(pages: &mut Pages<'_>, layer: &Page, layout: &Layout) -> Result<(), StageError> {
    let size = PageSize { width: layer.width, height: layer.height };
    let mut page = paddle_ocr::page(layout, layer.number, size);
    page.take_places_of(layer);
    pages.add(page, Usage::default()).await
}
