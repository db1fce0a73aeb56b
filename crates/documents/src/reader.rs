//! Chooses the parser and hands pages on as they are done.

use std::path::PathBuf;

use sluice_core::{EmbeddedFile, FileFormat, Page, ReadRequest};

use crate::error::{Error, Result};
use crate::ocr::Ocr;
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
        if std::fs::metadata(&request.path)?.len() == 0 {
            return Err(Error::Empty);
        }
        let mut ocr = Ocr::new(self.config.tessdata.as_deref(), &request.options);
        match request.format {
            FileFormat::Pdf => pdf::read(&self.config.pdfium, request, &mut ocr, progress),
            FileFormat::Png
            | FileFormat::Jpeg
            | FileFormat::Gif
            | FileFormat::Webp
            | FileFormat::Bmp
            | FileFormat::Tiff => image::read(request, &mut ocr, progress),
            FileFormat::Xml => Err(Error::NoPages),
        }
    }
}
