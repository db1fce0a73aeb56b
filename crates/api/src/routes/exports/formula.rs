//! What keeps spreadsheets from running what somebody wrote into an invoice.
//!
//! A text that starts with `=`, `+`, `-`, `@`, a tab or a carriage return may be taken for a formula, which can call
//! other programs or send cells away. Such a text gets an apostrophe in front, which spreadsheets read as "this is
//! text". Headers are texts like any other. In CSV, where numbers are texts too, plain numbers such as `-12.5` or `+3`
//! stay as they are; in XLSX numbers have a type of their own, so every such text gets its apostrophe there.

use std::borrow::Cow;

const STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The text, or the text behind an apostrophe.
pub(crate) fn defuse(text: &str) -> Cow<'_, str> {
    if text.starts_with(STARTS) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The same, but numbers stay.
pub(crate) fn defuse_unless_number(text: &str) -> Cow<'_, str> {
    if is_plain_number(text) { Cow::Borrowed(text) } else { defuse(text) }
}

/// A sign, digits, perhaps a point and more digits, perhaps an exponent.
fn is_plain_number(text: &str) -> bool {
    let is_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(a, b)| (a, Some(b)));
    let is_decimal = match mantissa.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(mantissa),
    };
    is_decimal && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_text() {
        let formulas = [
            "=1+1",
            "+cmd|' /C calc'!A0",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "=",
            "-",
            "+",
            "-1.",
            "-.5",
            "+1e",
            "--1",
        ];
        for formula in formulas {
            assert_eq!(defuse_unless_number(formula), format!("'{formula}"));
            assert_eq!(defuse(formula), format!("'{formula}"));
        }
    }

    #[test]
    fn numbers_and_other_texts_stay() {
        for text in ["-12.5", "+3", "-0", "+1.5e-7", "-2E10"] {
            assert_eq!(defuse_unless_number(text), text);
            assert_eq!(defuse(text), format!("'{text}"));
        }
        for text in ["", "12", "a=b", " =1+1", "'=1", "Größe", "{\"a\":\"=1\"}"] {
            assert_eq!((defuse_unless_number(text), defuse(text)), (text.into(), text.into()));
        }
    }
}
