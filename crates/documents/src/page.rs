//! From words to a page.

use sluice_core::{Page, TextSource, Word};

use crate::layout::set_on_grid;
use crate::number::narrow;
use crate::ocr::Reading;
use crate::picture::Tilt;

/// A page that was read from its picture of so many pixels, in units of so many pixels.
pub(crate) fn from_picture(number: u32, (width, height): (f64, f64), pixels_a_unit: f64, reading: Reading) -> Page {
    let turned_degrees = reading.turn.degrees();
    let (width, height) = if turned_degrees.is_multiple_of(180) { (width, height) } else { (height, width) };
    // Rows are rows only while the lines are level; then each word goes back to where it stands.
    let (mut words, text, markdown) = set_on_grid(reading.words);
    let back = Tilt::new(reading.skew_degrees, width, height);
    for word in &mut words {
        put_back(word, &back, (width, height), pixels_a_unit);
    }
    Page {
        number,
        width: narrow(width / pixels_a_unit),
        height: narrow(height / pixels_a_unit),
        turned_degrees,
        skew_degrees: narrow(reading.skew_degrees),
        languages: reading.languages,
        source: TextSource::Ocr,
        words,
        text,
        markdown,
    }
}

/// Brings a word's box back to the page as it is: its middle is turned, its size stays; none leaves the page.
fn put_back(word: &mut Word, back: &Tilt, (page_width, page_height): (f64, f64), pixels_a_unit: f64) {
    let bounds = &mut word.bounds;
    let (width, height) = (f64::from(bounds.width), f64::from(bounds.height));
    let (x, y) = back.apply(f64::from(bounds.x) + width / 2.0, f64::from(bounds.y) + height / 2.0);
    let left = (x - width / 2.0).clamp(0.0, page_width);
    let top = (y - height / 2.0).clamp(0.0, page_height);
    bounds.x = narrow(left / pixels_a_unit);
    bounds.y = narrow(top / pixels_a_unit);
    bounds.width = narrow(width.min(page_width - left) / pixels_a_unit);
    bounds.height = narrow(height.min(page_height - top) / pixels_a_unit);
}

/// A page whose words come from its text layer.
pub(crate) fn from_layer(number: u32, (width, height): (f32, f32), words: Vec<Word>) -> Page {
    let (words, text, markdown) = set_on_grid(words);
    Page {
        number,
        width,
        height,
        turned_degrees: 0,
        skew_degrees: 0.0,
        languages: Vec::new(),
        source: TextSource::TextLayer,
        words,
        text,
        markdown,
    }
}
