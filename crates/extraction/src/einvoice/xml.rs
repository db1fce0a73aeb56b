//! Safe reading of XML, and finding what stands in it.

use chrono::NaiveDate;
use roxmltree::{Document, Node, ParsingOptions};
use rust_decimal::Decimal;

use super::{Error, MAX_BYTES};

/// Far more than an invoice of ten thousand lines has.
const MAX_NODES: u32 = 2_000_000;
/// A text that is longer is no term of an invoice.
const MAX_TEXT: usize = 20_000;

/// The dialects that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Cii,
    Zugferd1,
    UblInvoice,
    UblCreditNote,
}

/// The text of some bytes: UTF-8, UTF-16 by its mark, or Latin-1 where the declaration says so.
pub(super) fn decode(bytes: &[u8]) -> Result<String, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::TooLong);
    }
    let wide = |pairs: &[u8], join: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = pairs.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(join).collect();
        String::from_utf16(&units).map_err(|_error| Error::Encoding)
    };
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return wide(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return wide(rest, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let declares_latin = || {
        let head: String = bytes.iter().take(200).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
        ["iso-8859-1", "windows-1252", "latin1", "us-ascii"].iter().any(|name| head.contains(name))
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim_start().to_owned()),
        Err(_) if declares_latin() => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Err(_) => Err(Error::Encoding),
    }
}

/// The document; no document type and so no entities of its own.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Error> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| Error::Malformed { reason: error.to_string() })
}

pub(super) fn dialect(root: Node<'_, '_>) -> Option<Dialect> {
    let space = root.tag_name().namespace().unwrap_or_default();
    match root.tag_name().name() {
        "CrossIndustryInvoice" => Some(Dialect::Cii),
        "CrossIndustryDocument" => Some(Dialect::Zugferd1),
        "Invoice" if space.starts_with("urn:oasis:names:specification:ubl:") => Some(Dialect::UblInvoice),
        "CreditNote" if space.starts_with("urn:oasis:names:specification:ubl:") => Some(Dialect::UblCreditNote),
        _ => None,
    }
}

/// All elements at a path of local names, `a/b/c`; `b|c` stands for either.
pub(super) fn all<'a, 'input>(node: Node<'a, 'input>, path: &str) -> Vec<Node<'a, 'input>> {
    path.split('/').fold(vec![node], |nodes, step| {
        let is_step =
            |node: &Node<'_, '_>| node.is_element() && step.split('|').any(|name| name == node.tag_name().name());
        nodes.into_iter().flat_map(|node| node.children()).filter(is_step).collect()
    })
}

pub(super) fn first<'a, 'input>(node: Node<'a, 'input>, path: &str) -> Option<Node<'a, 'input>> {
    all(node, path).into_iter().next()
}

/// The text of an element with its spaces joined; none when there is none.
pub(super) fn content(node: Node<'_, '_>) -> Option<String> {
    let raw: String = node.children().filter(Node::is_text).filter_map(|text| text.text()).collect();
    let mut joined = String::new();
    for word in raw.split_whitespace() {
        if joined.len() + word.len() > MAX_TEXT {
            break;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    (!joined.is_empty()).then_some(joined)
}

/// The first text at a path.
pub(super) fn text(node: Node<'_, '_>, path: &str) -> Option<String> {
    all(node, path).into_iter().find_map(content)
}

/// All texts at a path, joined.
pub(super) fn texts(node: Node<'_, '_>, path: &str) -> Option<String> {
    let found: Vec<String> = all(node, path).into_iter().filter_map(content).collect();
    (!found.is_empty()).then(|| found.join("\n"))
}

/// The first number at a path.
pub(super) fn number(node: Node<'_, '_>, path: &str) -> Option<Decimal> {
    text(node, path).as_deref().and_then(read_number)
}

/// The sum of the numbers at a path; none when there are none.
pub(super) fn sum(numbers: impl IntoIterator<Item = Decimal>) -> Option<Decimal> {
    numbers
        .into_iter()
        .try_fold(None, |sum: Option<Decimal>, next| sum.unwrap_or_default().checked_add(next).map(Some))?
}

pub(super) fn read_number(text: &str) -> Option<Decimal> {
    let text = text.strip_prefix('+').unwrap_or(text);
    Decimal::from_str_exact(text).ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// The first date at a path: `20240131`, `2024-01-31`, with or without a time behind it.
pub(super) fn date(node: Node<'_, '_>, path: &str) -> Option<NaiveDate> {
    let text = text(node, path)?;
    let digits: String = text.chars().filter(char::is_ascii_digit).take(8).collect();
    NaiveDate::parse_from_str(&digits, "%Y%m%d").ok()
}
