//! PDF files, through PDFium.

use std::path::Path;

use image::{DynamicImage, GrayImage};
use pdfium_render::prelude::*;
use sluice_core::{OcrMode, Page, ReadOptions, ReadRequest, RenderRequest};

use crate::attachments::einvoices;
use crate::error::{Error, Result};
use crate::layer;
use crate::number::narrow;
use crate::ocr::PictureReader;
use crate::page;
use crate::reader::Progress;
use crate::soundness::Layer;

/// Pages larger than this are refused: the limit of the format's version 1.7, 200 inches (ISO 32000-1, Annex C).
const MAX_SIDE_POINTS: f32 = 14_400.0;
/// What a page is rasterised to at most.
const MAX_PIXELS: f32 = 40_000_000.0;
/// Pages are not shown smaller: a narrow one would have no pixels left.
const SMALLEST_SIDE_PIXELS: u32 = 16;
/// The resolution that pages are read at, in pixels a point: 216 dots per inch.
const SCALE: f32 = 3.0;

/// The picture of a page in its colours, not larger than asked for.
pub(crate) fn render(library: &Path, request: &RenderRequest) -> Result<DynamicImage> {
    let pdfium = engine(library)?;
    let document = pdfium.load_pdf_from_file(&request.path, None).map_err(open_error)?;
    let number = request.page;
    let place = i32::try_from(number).ok().and_then(|number| number.checked_sub(1)).filter(|place| *place >= 0);
    let place = place.filter(|place| *place < document.pages().len()).ok_or(Error::NoSuchPage { number })?;
    let page = document.pages().get(place).map_err(damaged)?;
    let (width, height) = size_of(number, &page)?;
    let side: f32 = narrow(request.max_side_pixels.max(SMALLEST_SIDE_PIXELS).into());
    let scale = (side / width.max(height)).min((MAX_PIXELS / (width * height)).sqrt());
    let config = PdfRenderConfig::new().scale_page_by_factor(scale).render_form_data(true);
    let bitmap = page.render_with_config(&config).map_err(damaged)?;
    bitmap.as_image().map_err(damaged)
}

fn engine(library: &Path) -> Result<Pdfium> {
    let bindings = Pdfium::bind_to_library(library)
        .map_err(|error| Error::Engine { reason: format!("PDFium can't be loaded: {error}") })?;
    Ok(Pdfium::new(bindings))
}

fn size_of(number: u32, page: &PdfPage<'_>) -> Result<(f32, f32)> {
    let (width, height) = (page.width().value, page.height().value);
    if !(width > 0.0 && height > 0.0 && width <= MAX_SIDE_POINTS && height <= MAX_SIDE_POINTS) {
        return Err(Error::TooLarge { number, width: width.into(), height: height.into(), unit: "points" });
    }
    Ok((width, height))
}

/// Reads a PDF page by page.
pub(crate) fn read(
    library: &Path,
    request: &ReadRequest,
    ocr: &mut dyn PictureReader,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let pdfium = engine(library)?;
    let document = pdfium.load_pdf_from_file(&request.path, None).map_err(open_error)?;
    let pages = u32::try_from(document.pages().len()).unwrap_or(u32::MAX);
    if pages == 0 {
        return Err(Error::Damaged { reason: "the PDF has no pages".to_owned() });
    }
    let limit = request.options.max_pages;
    if pages > limit {
        return Err(Error::TooManyPages { pages, limit });
    }
    progress(Progress::Opened { pages });
    let embedded = einvoices(&document);
    if !embedded.is_empty() {
        progress(Progress::Embedded(embedded));
    }
    for (number, page) in (1_u32..).zip(document.pages().iter()) {
        if !request.skip.contains(&number) {
            progress(Progress::Page(Box::new(read_page(number, &page, &request.options, ocr)?)));
        }
    }
    Ok(())
}

fn open_error(error: PdfiumError) -> Error {
    match error {
        PdfiumError::PdfiumLibraryInternalError(PdfiumInternalError::PasswordError) => Error::Encrypted,
        PdfiumError::PdfiumLibraryInternalError(PdfiumInternalError::SecurityError) => Error::Encrypted,
        error => Error::Damaged { reason: describe(&error) },
    }
}

/// PDFium's errors in words; the library shows their names only.
fn describe(error: &PdfiumError) -> String {
    match error {
        PdfiumError::PdfiumLibraryInternalError(PdfiumInternalError::FormatError) => "no valid PDF".to_owned(),
        PdfiumError::PdfiumLibraryInternalError(PdfiumInternalError::PageError) => "a page can't be read".to_owned(),
        error => format!("{error:?}"),
    }
}

pub(crate) fn damaged(error: PdfiumError) -> Error {
    Error::Damaged { reason: describe(&error) }
}

fn read_page(number: u32, page: &PdfPage<'_>, options: &ReadOptions, ocr: &mut dyn PictureReader) -> Result<Page> {
    let (width, height) = size_of(number, page)?;
    let (words, found) = match options.ocr {
        OcrMode::Force => (Vec::new(), Layer::default()),
        OcrMode::Auto | OcrMode::Never => layer::read(page)?,
    };
    if options.ocr == OcrMode::Never || found.is_sound() {
        return Ok(page::from_layer(number, (width, height), words));
    }
    ocr.make_ready()?;
    let scale = SCALE.min((MAX_PIXELS / (width * height)).sqrt());
    let picture = rasterise(page, scale)?;
    let size = (f64::from(picture.width()), f64::from(picture.height()));
    Ok(page::from_picture(number, size, scale.into(), ocr.read(&picture)?))
}

pub(crate) fn rasterise(page: &PdfPage<'_>, scale: f32) -> Result<GrayImage> {
    let config = PdfRenderConfig::new().scale_page_by_factor(scale).render_form_data(true);
    let bitmap = page.render_with_config(&config).map_err(damaged)?;
    Ok(bitmap.as_image().map_err(damaged)?.to_luma8())
}
