//! Chooses the parser and hands pages on as they are done.

use std::io::Cursor;
use std::path::PathBuf;

use ::image::{DynamicImage, ImageFormat};
use sluice_core::{EmbeddedFile, FileFormat, Page, ReadRequest, RenderRequest};

use crate::error::{Error, Result};
use crate::ocr::{NoOcr, Ocr, PictureReader};
use crate::orient::Turn;
use crate::{image, pdf};

/// Where the libraries' files are.
#[derive(Debug, Clone)]
pub struct ReaderConfig {
    /// PDFium's shared library.
    pub pdfium: PathBuf,
    /// Tesseract's language data; the system's when absent.
    pub tessdata: Option<PathBuf>,
}

/// How far the reading is.
#[derive(Debug)]
pub enum Progress {
    /// The file was opened and has so many pages.
    Opened {
        /// Its pages.
        pages: u32,
    },
    /// It carries these e-invoices; told before its pages, and only when there are any.
    Embedded(Vec<EmbeddedFile>),
    /// A page was read.
    Page(Box<Page>),
}

/// Reads files.
#[derive(Debug)]
pub struct Reader {
    config: ReaderConfig,
}

impl Reader {
    /// A reader; loads nothing yet.
    #[must_use]
    pub const fn new(config: ReaderConfig) -> Self {
        Self { config }
    }

    /// Reads a file page by page, but not the pages to be skipped.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(&self, request: &ReadRequest, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let mut ocr = Ocr::new(self.config.tessdata.as_deref(), &request.options);
        self.read_with(request, &mut ocr, progress)
    }

    /// Reads a file as [`Reader::read`] does, as long as its pages have sound text layers. A program that calls this alone needs
    /// no Tesseract, whose libraries take longer to load than a page takes to be read.
    ///
    /// # Errors
    /// What is wrong with the file, or `NeedsOcr` at the first page that has to be read from its picture.
    pub fn read_text_layers(&self, request: &ReadRequest, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.read_with(request, &mut NoOcr, progress)
    }

    fn read_with(
        &self,
        request: &ReadRequest,
        ocr: &mut dyn PictureReader,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        if std::fs::metadata(&request.path)?.len() == 0 {
            return Err(Error::Empty);
        }
        match request.format {
            FileFormat::Pdf => pdf::read(&self.config.pdfium, request, ocr, progress),
            FileFormat::Png
            | FileFormat::Jpeg
            | FileFormat::Gif
            | FileFormat::Webp
            | FileFormat::Bmp
            | FileFormat::Tiff => image::read(request, ocr, progress),
            FileFormat::Xml => Err(Error::NoPages),
        }
    }

    /// Renders a page as PNG, upright and not larger than asked for.
    ///
    /// # Errors
    /// What is wrong with the file, or that it has no such page.
    pub fn render(&self, request: &RenderRequest) -> Result<Vec<u8>> {
        let picture = match request.format {
            FileFormat::Pdf => pdf::render(&self.config.pdfium, request)?,
            FileFormat::Png
            | FileFormat::Jpeg
            | FileFormat::Gif
            | FileFormat::Webp
            | FileFormat::Bmp
            | FileFormat::Tiff => image::render(request)?,
            FileFormat::Xml => return Err(Error::NoPages),
        };
        let picture = Turn::by(request.turned_degrees).show(picture);
        // What a browser can show, whatever the depth of the file's colours.
        let picture = match picture {
            DynamicImage::ImageLuma8(_) => picture,
            picture if picture.color().has_alpha() => DynamicImage::ImageRgba8(picture.into_rgba8()),
            picture => DynamicImage::ImageRgb8(picture.into_rgb8()),
        };
        let mut bytes = Cursor::new(Vec::new());
        let written = picture.write_to(&mut bytes, ImageFormat::Png);
        written.map_err(|error| Error::Engine { reason: error.to_string() })?;
        Ok(bytes.into_inner())
    }
}
