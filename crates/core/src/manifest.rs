//! What a manifest's row may say of its file and its state.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::job::words;
use crate::xml_root;

/// Where a manifest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ManifestStatus {
    /// Uploaded; nothing extracted.
    Pending,
    /// A job works on it.
    Processing,
    /// Extracted and valid.
    Completed,
    /// Extracted in part: there is data, and it did not pass the checks.
    Partial,
    /// The last job gave no data.
    Failed,
}

impl ManifestStatus {
    /// The word in tables and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

words!(ManifestStatus, "manifest status", [Pending, Processing, Completed, Partial, Failed]);

/// The coarse type of a file, as the API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileType {
    /// A PDF.
    Pdf,
    /// One of the image formats.
    Image,
    /// An e-invoice without a page.
    Xml,
}

impl FileType {
    /// The word in tables and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Image => "image",
            Self::Xml => "xml",
        }
    }
}

words!(FileType, "file type", [Pdf, Image, Xml]);

/// The formats that Sluice takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Portable Document Format.
    Pdf,
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// Graphics Interchange Format.
    Gif,
    /// WebP.
    Webp,
    /// Windows bitmap.
    Bmp,
    /// Tagged Image File Format.
    Tiff,
    /// An e-invoice: CII or UBL.
    Xml,
}

impl FileFormat {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Pdf, Self::Png, Self::Jpeg, Self::Gif, Self::Webp, Self::Bmp, Self::Tiff, Self::Xml];

    /// How many bytes [`FileFormat::sniff`] wants to see.
    pub const SNIFF_BYTES: usize = 8 * 1024;

    /// Tells the format from the first bytes of a file; names and declared types are not asked.
    ///
    /// A PDF's header may stand anywhere in the first 1024 bytes (ISO 32000-1, Annex H, note 13).
    #[must_use]
    pub fn sniff(head: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| head.starts_with(magic);
        if starts(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if starts(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if starts(b"GIF87a") || starts(b"GIF89a") {
            Some(Self::Gif)
        } else if starts(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            Some(Self::Webp)
        } else if starts(b"II*\0") || starts(b"MM\0*") {
            Some(Self::Tiff)
        } else if starts(b"BM") {
            Some(Self::Bmp)
        } else {
            let head = head.get(..Self::SNIFF_BYTES).unwrap_or(head);
            let begin = head.get(..1024).unwrap_or(head);
            let is_pdf = begin.windows(5).any(|window| window == b"%PDF-");
            if is_pdf { Some(Self::Pdf) } else { xml_root::is_einvoice(head).then_some(Self::Xml) }
        }
    }

    /// The format that a content type names, if it is one of ours.
    #[must_use]
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "image/jpg" => return Some(Self::Jpeg),
            "text/xml" => return Some(Self::Xml),
            _ => {}
        }
        Self::ALL.into_iter().find(|format| format.content_type() == essence)
    }

    /// The content type of a file of this format.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Xml => "application/xml",
        }
    }

    /// The coarse type.
    #[must_use]
    pub const fn file_type(self) -> FileType {
        match self {
            Self::Pdf => FileType::Pdf,
            Self::Png | Self::Jpeg | Self::Gif | Self::Webp | Self::Bmp | Self::Tiff => FileType::Image,
            Self::Xml => FileType::Xml,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_from_their_first_bytes() {
        let cases: [(&[u8], Option<FileFormat>); 10] = [
            (b"%PDF-1.7\n", Some(FileFormat::Pdf)),
            (b"junk before\n%PDF-1.4", Some(FileFormat::Pdf)),
            (b"\x89PNG\r\n\x1a\n....", Some(FileFormat::Png)),
            (b"\xff\xd8\xff\xe0", Some(FileFormat::Jpeg)),
            (b"GIF89a", Some(FileFormat::Gif)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(FileFormat::Webp)),
            (b"MM\0*", Some(FileFormat::Tiff)),
            (b"<?xml version='1.0'?><a:CrossIndustryInvoice xmlns:a='urn'>", Some(FileFormat::Xml)),
            (b"<html>", None),
            (b"", None),
        ];
        for (head, expected) in cases {
            assert_eq!(FileFormat::sniff(head), expected);
        }
    }

    #[test]
    fn content_types_are_read_with_parameters_and_in_any_case() {
        assert_eq!(FileFormat::from_content_type("Application/PDF; charset=binary"), Some(FileFormat::Pdf));
        assert_eq!(FileFormat::from_content_type("image/jpg"), Some(FileFormat::Jpeg));
        assert_eq!(FileFormat::from_content_type("text/xml; charset=utf-8"), Some(FileFormat::Xml));
        assert_eq!(FileFormat::from_content_type("text/html"), None);
    }
}
