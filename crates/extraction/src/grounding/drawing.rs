//! Pages that tests draw, so that each place is known.

use sluice_core::{BoundingBox, Page, TextSource, Word};

use super::fold::columns;

pub(crate) const SIZE: f32 = 10.0;
const WIDTH: f32 = 5.0;

/// A page that is drawn text by text; each call answers the box of what it drew.
#[derive(Default)]
pub(crate) struct Drawing {
    pub(crate) words: Vec<Word>,
}

impl Drawing {
    pub(crate) fn text(&mut self, x: f32, y: f32, text: &str) -> BoundingBox {
        let mut at = x;
        for word in text.split(' ') {
            let width = word.chars().map(columns).sum::<f32>() * WIDTH;
            if !word.is_empty() {
                let bounds = BoundingBox { x: at, y, width, height: SIZE };
                self.words.push(Word { text: word.to_owned(), bounds, confidence: 1.0, line: 0 });
            }
            at += width + WIDTH;
        }
        BoundingBox { x, y, width: at - WIDTH - x, height: SIZE }
    }

    /// The words in reading order, as readers give them.
    pub(crate) fn page(mut self, number: u32) -> Page {
        self.words.sort_by(|a, b| a.bounds.y.total_cmp(&b.bounds.y).then(a.bounds.x.total_cmp(&b.bounds.x)));
        let mut line = 0;
        let mut last = self.words.first().map_or(0.0, |word| word.bounds.y);
        for word in &mut self.words {
            if word.bounds.y - last > SIZE / 2.0 {
                line += 1;
                last = word.bounds.y;
            }
            word.line = line;
        }
        page(number, self.words)
    }
}

pub(crate) fn page(number: u32, words: Vec<Word>) -> Page {
    Page { width: 595.0, height: 842.0, words, ..Page::of_text(number, TextSource::TextLayer, "") }
}
