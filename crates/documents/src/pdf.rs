//! PDF files, through PDFium.

use std::path::Path;

use image::{DynamicImage, GrayImage};
use pdfium_render::prelude::*;
use sluice_core::{BoundingBox, OcrMode, Page, ReadOptions, ReadRequest, RenderRequest, Word};

use crate::attachments::einvoices;
use crate::error::{Error, Result};
use crate::number::narrow;
use crate::ocr::Ocr;
use crate::page;
use crate::reader::Progress;
use crate::soundness::Layer;

/// Pages larger than this are refused: the limit of the format's version 1.7, 200 inches (ISO 32000-1, Annex C).
const MAX_SIDE_POINTS: f32 = 14_400.0;
/// What a page is rasterised to at most.
const MAX_PIXELS: f32 = 40_000_000.0;
/// The resolution that pages are read at, in pixels a point: 216 dots per inch.
const SCALE: f32 = 3.0;
/// Device units a point when places are asked for, which PDFium answers in whole numbers.
const FINE: f32 = 16.0;
/// How many characters of a page are looked at to tell whether they are visible.
const VISIBILITY_SAMPLES: usize = 40;

/// The picture of a page in its colours, not larger than asked for.
pub(crate) fn render(library: &Path, request: &RenderRequest) -> Result<DynamicImage> {
    let pdfium = engine(library)?;
    let document = pdfium.load_pdf_from_file(&request.path, None).map_err(open_error)?;
    let number = request.page;
    let place = i32::try_from(number).ok().and_then(|number| number.checked_sub(1)).filter(|place| *place >= 0);
    let place = place.filter(|place| *place < document.pages().len()).ok_or(Error::NoSuchPage { number })?;
    let page = document.pages().get(place).map_err(damaged)?;
    let (width, height) = size_of(number, &page)?;
    let side: f32 = narrow(request.max_side_pixels.max(1).into());
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
    ocr: &mut Ocr,
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

fn damaged(error: PdfiumError) -> Error {
    Error::Damaged { reason: describe(&error) }
}

fn read_page(number: u32, page: &PdfPage<'_>, options: &ReadOptions, ocr: &mut Ocr) -> Result<Page> {
    let (width, height) = size_of(number, page)?;
    let (words, layer) = match options.ocr {
        OcrMode::Force => (Vec::new(), Layer::default()),
        OcrMode::Auto | OcrMode::Never => read_layer(page)?,
    };
    if options.ocr == OcrMode::Never || layer.is_sound() {
        return Ok(page::from_layer(number, (width, height), words));
    }
    let scale = SCALE.min((MAX_PIXELS / (width * height)).sqrt());
    let picture = rasterise(page, scale)?;
    let size = (f64::from(picture.width()), f64::from(picture.height()));
    Ok(page::from_picture(number, size, scale.into(), ocr.read(&picture)?))
}

fn rasterise(page: &PdfPage<'_>, scale: f32) -> Result<GrayImage> {
    let config = PdfRenderConfig::new().scale_page_by_factor(scale).render_form_data(true);
    let bitmap = page.render_with_config(&config).map_err(damaged)?;
    Ok(bitmap.as_image().map_err(damaged)?.to_luma8())
}

/// Reads the words of the text layer and what tells whether it is sound.
fn read_layer(page: &PdfPage<'_>) -> Result<(Vec<Word>, Layer)> {
    let text = page.text().map_err(damaged)?;
    let place = PdfRenderConfig::new().scale_page_by_factor(FINE);
    let mut layer = Layer { picture_share: picture_share(page), ..Layer::default() };
    let mut words = Words::default();
    let characters = text.chars();
    let step = (characters.len() / VISIBILITY_SAMPLES).max(1);
    for (index, character) in characters.iter().enumerate() {
        let Some(value) = character.unicode_char() else {
            layer.characters += 1;
            layer.garbled += 1;
            continue;
        };
        if value.is_whitespace() {
            words.finish();
            continue;
        }
        // U+0002 is how PDFium marks a hyphen at a line's end.
        let value = if value == '\u{2}' { '-' } else { value };
        layer.count(value);
        if index % step == 0 && !character.is_generated().unwrap_or(false) {
            layer.looked_at += 1;
            layer.invisible += u32::from(is_invisible(&character));
        }
        if let Some(bounds) = place_of(page, &character, &place) {
            words.push(value, bounds);
        }
    }
    words.finish();
    Ok((words.done, layer))
}

fn is_invisible(character: &PdfPageTextChar<'_>) -> bool {
    matches!(character.render_mode(), Ok(PdfPageTextRenderMode::Invisible | PdfPageTextRenderMode::InvisibleClipping))
}

/// The share of the page that its pictures cover.
fn picture_share(page: &PdfPage<'_>) -> f32 {
    let area = page.width().value * page.height().value;
    let pictures: f32 = page
        .objects()
        .iter()
        .filter(|object| object.object_type() == PdfPageObjectType::Image)
        .filter_map(|object| object.bounds().ok())
        .map(|quad| (quad.width().value * quad.height().value).abs())
        .sum();
    (pictures / area).clamp(0.0, 1.0)
}

/// The place of a character on the page as it is shown: PDFium undoes the page's rotation and crop box.
fn place_of(page: &PdfPage<'_>, character: &PdfPageTextChar<'_>, config: &PdfRenderConfig) -> Option<BoundingBox> {
    let bounds = character.loose_bounds().ok()?;
    let (x1, y1) = page.points_to_pixels(bounds.left(), bounds.top(), config).ok()?;
    let (x2, y2) = page.points_to_pixels(bounds.right(), bounds.bottom(), config).ok()?;
    let points = |pixels: i32| i16::try_from(pixels / 16).ok().map(|whole| f32::from(whole) + remainder(pixels));
    let (x1, y1, x2, y2) = (points(x1)?, points(y1)?, points(x2)?, points(y2)?);
    Some(BoundingBox { x: x1.min(x2), y: y1.min(y2), width: (x1 - x2).abs(), height: (y1 - y2).abs() })
}

fn remainder(pixels: i32) -> f32 {
    i16::try_from(pixels % 16).map_or(0.0, |rest| f32::from(rest) / FINE)
}

/// Gathers characters into words.
#[derive(Default)]
struct Words {
    text: String,
    bounds: BoundingBox,
    done: Vec<Word>,
}

impl Words {
    fn push(&mut self, character: char, bounds: BoundingBox) {
        if !self.text.is_empty() && self.is_apart(bounds) {
            self.finish();
        }
        self.bounds = if self.text.is_empty() { bounds } else { union(self.bounds, bounds) };
        self.text.push(character);
    }

    /// Whether a character begins another word although no space stands before it.
    fn is_apart(&self, next: BoundingBox) -> bool {
        let height = self.bounds.height.max(next.height).max(1.0);
        let gap = next.x - (self.bounds.x + self.bounds.width);
        let step = (next.y + next.height / 2.0) - (self.bounds.y + self.bounds.height / 2.0);
        gap > height * 0.4 || gap < -height * 3.0 || step.abs() > height * 0.6
    }

    fn finish(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.done.push(Word { text, bounds: self.bounds, confidence: 1.0, line: 0 });
        }
    }
}

fn union(a: BoundingBox, b: BoundingBox) -> BoundingBox {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    BoundingBox {
        x,
        y,
        width: (a.x + a.width).max(b.x + b.width) - x,
        height: (a.y + a.height).max(b.y + b.height) - y,
    }
}
