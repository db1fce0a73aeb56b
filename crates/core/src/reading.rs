//! How a file is to be turned into pages.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::manifest::FileFormat;

/// When a page's picture is read instead of its text layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OcrMode {
    /// Where the text layer is missing, hidden or garbled.
    #[default]
    Auto,
    /// Always.
    Force,
    /// Never: a page without a text layer stays empty.
    Never,
}

/// The settings that decide what the pages say; equal settings on an equal file give equal pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadOptions {
    /// When to read the picture.
    pub ocr: OcrMode,
    /// Tesseract's names of the languages to expect, the likeliest first; none to find out page by page.
    pub languages: Vec<String>,
    /// Tesseract's page segmentation mode, 0..=13; `None` to begin with 6, which takes the page for one block and keeps its rows,
    /// and to try others where it reads badly.
    pub page_mode: Option<u8>,
    /// More pages than these are refused.
    pub max_pages: u32,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { ocr: OcrMode::Auto, languages: Vec::new(), page_mode: None, max_pages: 500 }
    }
}

/// A file to be turned into pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRequest {
    /// The local file.
    pub path: PathBuf,
    /// Its format.
    pub format: FileFormat,
    /// How to read it.
    pub options: ReadOptions,
    /// Numbers of the pages that are known already.
    pub skip: Vec<u32>,
}

/// A file that another carries, such as the XML of an e-invoice in a PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedFile {
    /// Its name, as the file that carries it says.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A page to be shown as a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderRequest {
    /// The local file.
    pub path: PathBuf,
    /// Its format.
    pub format: FileFormat,
    /// The page, from 1.
    pub page: u32,
    /// The longer side of the picture at most.
    pub max_side_pixels: u32,
    /// By how many degrees clockwise to turn it: 0, 90, 180 or 270, as `Page::turned_degrees` says.
    pub turned_degrees: u16,
}
