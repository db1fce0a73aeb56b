//! What every source of text yields: pages of words with their places.

use serde::{Deserialize, Serialize};

/// A rectangle on the upright page, in the page's units, measured from the top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct BoundingBox {
    /// Distance of the left edge from the page's left edge.
    pub x: f32,
    /// Distance of the top edge from the page's top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

/// One word as it is printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Its characters, without spaces.
    pub text: String,
    /// Its place.
    #[serde(rename = "box")]
    pub bounds: BoundingBox,
    /// How sure the reader is, 0..=1; 1 for a text layer.
    pub confidence: f32,
    /// The line it belongs to, counted from 0 down the page.
    pub line: u32,
}

/// Where a page's words come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextSource {
    /// The text that the PDF carries.
    TextLayer,
    /// Read from the picture of the page.
    Ocr,
    /// Read by another service. Where it tells no places, words have an empty box.
    Remote,
}

/// One page, upright.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Its number, from 1.
    pub number: u32,
    /// Width in the page's units: points (1/72 inch) for a PDF, pixels for an image.
    pub width: f32,
    /// Height in the page's units.
    pub height: f32,
    /// By how many degrees clockwise the page was turned to stand upright: 0, 90, 180 or 270.
    pub turned_degrees: u16,
    /// By how many degrees clockwise its lines slope once it stands upright, as on a scan that was put in askew; places are
    /// those on the page as it is, slope and all.
    #[serde(default)]
    pub skew_degrees: f32,
    /// Tesseract's names of the languages it was read in; none for a text layer.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Where the words come from.
    pub source: TextSource,
    /// The words in reading order.
    pub words: Vec<Word>,
    /// The words line by line.
    pub text: String,
    /// The page as a language model reads it: rows and columns kept on a grid of characters.
    pub markdown: String,
}

impl Page {
    /// A page of which nothing but the text is known; a unit wide and high.
    #[must_use]
    pub fn of_text(number: u32, source: TextSource, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            number,
            width: 1.0,
            height: 1.0,
            turned_degrees: 0,
            skew_degrees: 0.0,
            source,
            languages: Vec::new(),
            words: Vec::new(),
            markdown: text.clone(),
            text,
        }
    }

    /// The mean confidence of the words, each weighted by its length; `None` on a page without words.
    #[must_use]
    pub fn confidence(&self) -> Option<f32> {
        let (sum, weight) = self.words.iter().fold((0.0, 0.0), |(sum, weight), word| {
            let length = f32::from(u16::try_from(word.text.chars().count()).unwrap_or(u16::MAX));
            (sum + word.confidence * length, weight + length)
        });
        (weight > 0.0).then(|| sum / weight)
    }
}

/// Whether a character takes two columns where others take one: CJK, kana, hangul and full-width forms.
#[must_use]
pub const fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}' | '\u{20000}'..='\u{3FFFD}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, confidence: f32) -> Word {
        Word { text: text.to_owned(), bounds: BoundingBox::default(), confidence, line: 0 }
    }

    #[test]
    fn long_words_weigh_more_in_the_confidence_of_a_page() {
        let words = vec![word("abc", 1.0), word("d", 0.0)];
        let mut page = Page { words, ..Page::of_text(1, TextSource::Ocr, "") };
        assert_eq!(page.confidence(), Some(0.75));
        page.words.clear();
        assert_eq!(page.confidence(), None);
    }
}
