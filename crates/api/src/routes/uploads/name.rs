//! Names of files: as users give them, and in headers.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sluice_core::FileFormat;

/// The longest name that is kept, in characters.
const MAX_CHARACTERS: usize = 255;

/// What RFC 8187 lets stand in an extended parameter.
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The last part of a name, without control characters, not longer than file systems take. It is only ever shown.
pub(crate) fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().filter(|letter| !letter.is_control()).collect();
    let shown = shown.trim();
    if matches!(shown, "" | "." | "..") {
        return "file".to_owned();
    }
    let length = shown.chars().count();
    if length <= MAX_CHARACTERS {
        return shown.to_owned();
    }
    // The end tells the type.
    let extension = shown.rsplit_once('.').map_or(String::new(), |(_, extension)| format!(".{extension}"));
    let extension = if extension.chars().count() <= 16 { extension } else { String::new() };
    let kept = MAX_CHARACTERS - extension.chars().count();
    shown.chars().take(kept).chain(extension.chars()).collect()
}

/// A `Content-Disposition` under the file's name, in any script (RFC 6266). Files are shown inline, but XML: a browser would run
/// what is in it.
pub(crate) fn disposition(name: &str, content_type: &str) -> String {
    let kind =
        if FileFormat::from_content_type(content_type) == Some(FileFormat::Xml) { "attachment" } else { "inline" };
    let plain: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_graphic() && !matches!(letter, '"' | '\\' | '%') || letter == ' ' { letter } else { '_' }
        })
        .collect();
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTRIBUTE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_and_what_can_not_be_shown() {
        let cases = [
            ("Rechnung Größe.pdf", "Rechnung Größe.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\scans\\发票.png", "发票.png"),
            ("a\r\nb\0.pdf", "ab.pdf"),
            ("  ", "file"),
            ("..", "file"),
            ("", "file"),
        ];
        for (given, expected) in cases {
            assert_eq!(clean(given), expected);
        }
        let long = clean(&format!("{}.pdf", "ß".repeat(300)));
        assert_eq!((long.chars().count(), long.ends_with("ß.pdf")), (255, true));
    }

    #[test]
    fn a_disposition_carries_names_of_any_script() {
        assert_eq!(
            disposition("发票 \"1\".pdf", "application/pdf"),
            "inline; filename=\"__ _1_.pdf\"; filename*=UTF-8''%E5%8F%91%E7%A5%A8%20%221%22.pdf"
        );
        assert!(disposition("a.xml", "application/xml").starts_with("attachment; "));
    }
}
