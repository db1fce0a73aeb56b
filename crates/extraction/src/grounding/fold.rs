//! Folds characters, so that notations of the same text are the same characters.

use sluice_core::page::is_wide;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What a folded character is to the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Digit,
    Letter,
    /// A character that is a word of its own: scripts without spaces.
    Ideograph,
}

/// The class of a folded character; `None` for what only separates.
pub(crate) fn class(c: char) -> Option<Class> {
    if c.is_ascii_digit() {
        Some(Class::Digit)
    } else if is_ideograph(c) {
        Some(Class::Ideograph)
    } else if c.is_alphanumeric() {
        Some(Class::Letter)
    } else {
        None
    }
}

const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{2FFF}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFD}')
}

/// How wide a character is printed, in columns.
pub(crate) fn columns(c: char) -> f32 {
    if is_wide(c) { 2.0 } else { 1.0 }
}

/// Folds a character: small, without accents, narrow; calls `take` with what it becomes.
pub(crate) fn fold_char(c: char, mut take: impl FnMut(char)) {
    if c.is_ascii() {
        take(c.to_ascii_lowercase());
        return;
    }
    for part in std::iter::once(c).nfkd().filter(|part| !is_combining_mark(*part)) {
        for small in part.to_lowercase() {
            match small {
                'ß' => ['s', 's'].into_iter().for_each(&mut take),
                'æ' => ['a', 'e'].into_iter().for_each(&mut take),
                'œ' => ['o', 'e'].into_iter().for_each(&mut take),
                'ø' => take('o'),
                'ł' => take('l'),
                'đ' => take('d'),
                'ı' => take('i'),
                other => take(other),
            }
        }
    }
}

/// The folded letters, digits and ideographs of a text, and nothing else.
pub(crate) fn squeeze(text: &str) -> Vec<char> {
    let mut folded = Vec::with_capacity(text.len());
    for c in text.chars() {
        fold_char(c, |part| {
            if class(part).is_some() {
                folded.push(part);
            }
        });
    }
    folded
}

/// The folded runs of letters and digits of a text, each ideograph by itself.
pub(crate) fn chunks(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_open = false;
    for c in text.chars() {
        fold_char(c, |part| match class(part) {
            Some(Class::Ideograph) => {
                found.push(part.to_string());
                is_open = false;
            }
            Some(Class::Digit | Class::Letter) => match found.last_mut() {
                Some(last) if is_open => last.push(part),
                _ => {
                    found.push(part.to_string());
                    is_open = true;
                }
            },
            None => is_open = false,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_of_a_text_fold_to_the_same() {
        let folded = |text: &str| squeeze(text).into_iter().collect::<String>();
        assert_eq!(folded("MÜLLER & Söhne, Straße 5"), "mullersohnestrasse5");
        assert_eq!(folded("ＡＢ－１２"), "ab12");
        assert_eq!(folded("发票 号码：12"), "发票号码12");
        assert_eq!(chunks("RE-2018/17 发票A1"), ["re", "2018", "17", "发", "票", "a1"]);
    }
}
