//! A picture becomes words, upright.

use std::path::{Path, PathBuf};

use image::{GrayImage, imageops};
use sluice_core::{ReadOptions, Word};

use crate::error::Result;
use crate::orient::{Turn, likely_turns};
use crate::tesseract::Tesseract;

/// A reading this sure is not the wrong way up: text on its head reads as noise of about 0.4.
const SURE: f32 = 0.65;
/// Pictures smaller than this are enlarged: Tesseract wants letters of some twenty pixels.
const SMALL_SIDE_PIXELS: u32 = 1_500;

/// Reads pictures; loads Tesseract when first needed.
pub(crate) struct Ocr {
    tessdata: Option<PathBuf>,
    languages: Vec<String>,
    page_mode: u8,
    tesseract: Option<Tesseract>,
}

/// What a picture says.
pub(crate) struct Reading {
    /// The words, boxes in pixels of the upright picture.
    pub(crate) words: Vec<Word>,
    /// How the picture was turned.
    pub(crate) turn: Turn,
}

impl Ocr {
    pub(crate) fn new(tessdata: Option<&Path>, options: &ReadOptions) -> Self {
        Self {
            tessdata: tessdata.map(Path::to_owned),
            languages: options.languages.clone(),
            page_mode: options.page_mode,
            tesseract: None,
        }
    }

    /// Reads a picture, the likeliest way up first and others only when that reads badly.
    pub(crate) fn read(&mut self, picture: &GrayImage, dots_per_inch: u32) -> Result<Reading> {
        let factor = if picture.width().max(picture.height()) < SMALL_SIDE_PIXELS { 2 } else { 1 };
        let enlarged;
        let picture = if factor == 1 {
            picture
        } else {
            let (width, height) = (picture.width() * factor, picture.height() * factor);
            enlarged = imageops::resize(picture, width, height, imageops::FilterType::CatmullRom);
            &enlarged
        };
        let mut best: Option<(f32, Reading)> = None;
        for turn in likely_turns(picture) {
            let turned = turn.apply(picture);
            let words = self.tesseract()?.read(&turned, dots_per_inch * factor)?;
            let sureness = sureness(&words);
            let reading = Reading { words, turn };
            if sureness >= SURE {
                return Ok(shrink(reading, factor));
            }
            if best.as_ref().is_none_or(|(known, _)| sureness > *known) {
                best = Some((sureness, reading));
            }
            // Nothing to read, whichever way up.
            if best.as_ref().is_some_and(|(_, best)| best.words.is_empty()) {
                break;
            }
        }
        let reading = best.map_or(Reading { words: Vec::new(), turn: Turn::None }, |(_, reading)| reading);
        Ok(shrink(reading, factor))
    }

    fn tesseract(&mut self) -> Result<&mut Tesseract> {
        let tesseract = match self.tesseract.take() {
            Some(tesseract) => tesseract,
            None => Tesseract::new(self.tessdata.as_deref(), &self.languages, self.page_mode)?,
        };
        Ok(self.tesseract.insert(tesseract))
    }
}

/// The mean confidence of words that have a letter or digit, weighted by length.
fn sureness(words: &[Word]) -> f32 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for word in words.iter().filter(|word| word.text.chars().any(char::is_alphanumeric)) {
        let length = f32::from(u16::try_from(word.text.chars().count()).unwrap_or(u16::MAX));
        sum += word.confidence * length;
        weight += length;
    }
    if weight > 0.0 { sum / weight } else { 0.0 }
}

/// Brings boxes back to the picture's own pixels.
fn shrink(mut reading: Reading, factor: u32) -> Reading {
    let factor = if factor == 2 { 2.0 } else { 1.0 };
    for word in &mut reading.words {
        word.bounds.x /= factor;
        word.bounds.y /= factor;
        word.bounds.width /= factor;
        word.bounds.height /= factor;
    }
    reading
}
