//! Why a file can't be read, in words for the person who uploaded it.
#![deny(clippy::wildcard_enum_match_arm)]

use sluice_core::{Classify, ErrorKind};

/// The result of reading.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The PDF wants a password.
    #[error("the PDF is encrypted and needs a password")]
    Encrypted,
    /// The bytes are not what the file claims to be.
    #[error("the file is damaged or not what it claims to be: {reason}")]
    Damaged {
        /// What the parser says.
        reason: String,
    },
    /// The file has no pages that could be seen.
    #[error("an XML file has no pages to look at")]
    NoPages,
    /// The file has more pages than allowed.
    #[error("the document has {pages} pages, at most {limit} are read")]
    TooManyPages {
        /// Its pages.
        pages: u32,
        /// The limit.
        limit: u32,
    },
    /// A page is asked for that the file does not have.
    #[error("the document has no page {number}")]
    NoSuchPage {
        /// The page.
        number: u32,
    },
    /// A page or image is larger than any document.
    #[error("page {number} measures {width:.0} × {height:.0} {unit}, which is larger than is read")]
    TooLarge {
        /// The page.
        number: u32,
        /// Its width.
        width: f64,
        /// Its height.
        height: f64,
        /// `pixels` or `points`.
        unit: &'static str,
    },
    /// A language of the settings is not installed, or Tesseract does not start.
    #[error("Tesseract does not start with the languages {languages}; are they installed?")]
    Languages {
        /// The languages.
        languages: String,
    },
    /// A page is a picture, and no pictures were to be read.
    #[error("a page has to be read from its picture")]
    NeedsOcr,
    /// A library is missing or failed.
    #[error("the reader failed: {reason}")]
    Engine {
        /// What it says.
        reason: String,
    },
    /// The file can't be opened.
    #[error("the file can't be opened")]
    File(#[from] std::io::Error),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty | Self::NoPages | Self::Encrypted | Self::Damaged { .. } | Self::Languages { .. } => {
                ErrorKind::Invalid
            }
            Self::NoSuchPage { .. } => ErrorKind::NotFound,
            Self::TooManyPages { .. } | Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::NeedsOcr | Self::Engine { .. } | Self::File(_) => ErrorKind::Internal,
        }
    }
}
