//! A page as a service has read it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sluice_core::{BoundingBox, Page, TextSource, Word};

/// Words of the file that must be in the text before their places are believed, and the other way round.
const MIN_SHARED: f64 = 0.8;

/// How large a page is, in its own units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageSize {
    /// From left to right.
    pub width: f32,
    /// From top to bottom.
    pub height: f32,
}

/// A page, and the parts that a layout model found on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadPage {
    /// The page.
    #[serde(flatten)]
    pub page: Page,
    /// Its parts; none where nobody looked for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<Element>,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Element {
    /// What it is, in the service's word.
    #[serde(rename = "type")]
    pub kind: String,
    /// How sure the service is, 0..=1.
    pub confidence: f32,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<BoundingBox>,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl From<Page> for ReadPage {
    fn from(page: Page) -> Self {
        Self { page, elements: Vec::new() }
    }
}

impl ReadPage {
    /// Takes the words of a text layer that says the same, because it knows their places exactly; the text stays as it is.
    pub fn take_places_of(&mut self, layer: &Page) {
        let is_upright = self.page.turned_degrees == layer.turned_degrees;
        if layer.source != TextSource::TextLayer || !is_upright || !says_the_same(&self.page.words, &layer.words) {
            return;
        }
        let confidence = self.page.confidence().unwrap_or(1.0);
        self.page.words = layer.words.iter().map(|word| Word { confidence, ..word.clone() }).collect();
        (self.page.width, self.page.height) = (layer.width, layer.height);
    }
}

/// Whether most words of each are in the other.
fn says_the_same(ours: &[Word], layer: &[Word]) -> bool {
    shared(layer, ours) >= MIN_SHARED && shared(ours, layer) >= MIN_SHARED
}

/// The share of `words` that are among `others`; signs around a word don't count.
fn shared(words: &[Word], others: &[Word]) -> f64 {
    let plain = |word: &Word| word.text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let others: HashSet<String> = others.iter().map(plain).collect();
    let (mut all, mut found) = (0.0, 0.0);
    for word in words.iter().map(plain).filter(|word| !word.is_empty()) {
        all += 1.0;
        if others.contains(&word) {
            found += 1.0;
        }
    }
    if all > 0.0 { found / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(source: TextSource, text: &str, confidence: f32, x: f32) -> Page {
        let bounds = BoundingBox { x, y: x, width: x, height: x };
        let words = text.split(' ').map(|text| Word { text: text.to_owned(), bounds, confidence, line: 0 });
        Page { width: 10.0, height: 10.0, words: words.collect(), ..Page::of_text(1, source, text) }
    }

    #[test]
    fn places_are_taken_of_a_layer_that_says_the_same_only() {
        let remote = page(TextSource::Remote, "Invoice: 4711 Total 12.50", 0.9, 0.0);
        for (layer, is_taken) in [
            (page(TextSource::TextLayer, "invoice 4711 total: 12.50", 1.0, 3.0), true),
            (page(TextSource::TextLayer, "invoice 4711", 1.0, 3.0), false),
            (page(TextSource::TextLayer, "lnv0ice A7ll tola1 l2.S0", 1.0, 3.0), false),
            (page(TextSource::TextLayer, "", 1.0, 3.0), false),
            (page(TextSource::Ocr, "Invoice 4711 Total 12.50", 1.0, 3.0), false),
        ] {
            let mut read = ReadPage::from(remote.clone());
            read.take_places_of(&layer);
            assert_eq!(read.page.words.iter().all(|word| word.bounds.x > 0.0), is_taken, "{layer:?}");
            assert_eq!((read.page.text.as_str(), read.page.source), (remote.text.as_str(), TextSource::Remote));
            assert_eq!(read.page.confidence(), Some(0.9));
        }
    }

    #[test]
    fn pages_without_parts_are_stored_as_before() {
        let read = ReadPage::from(page(TextSource::Ocr, "a", 0.5, 1.0));
        let stored = serde_json::to_value(&read).unwrap();
        assert_eq!(stored, serde_json::to_value(&read.page).unwrap());
        assert_eq!(serde_json::from_value::<ReadPage>(stored).unwrap(), read);
    }
}
