//! A picture becomes words, upright.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use image::{GrayImage, imageops};
use sluice_core::{ReadOptions, Word};

use crate::error::{Error, Result};
use crate::ink::{Letters, densest_part, remove_rules};
use crate::merge::{is_dirt, merge, sureness, worth};
use crate::number::narrow;
use crate::orient::Turn;
use crate::picture::{Tilt, flatten, resize};
use crate::script::is_chinese;
use crate::tesseract::Tesseract;

/// A reading this sure is not the wrong way up nor in the wrong script: such text reads as noise of about 0.4.
const SURE: f32 = 0.7;
/// A reading this sure needs no second one.
const GOOD: f32 = 0.9;
/// A part of a page that reads this well is the right way up, and others need not be tried.
const SURE_PART: f32 = 0.85;
/// A reading less sure than this may be one in the wrong script.
const UNSURE: f32 = 0.8;
/// The share of the letters that a good reading has boxes around.
const COVERED: f64 = 0.9;
/// Tesseract reads letters of this height best, small and capital ones together.
const LETTER_PIXELS: f64 = 24.0;
/// Pictures are not enlarged beyond this.
const MAX_PIXELS: f64 = 16_000_000.0;
/// No further reading of a page is begun after so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// The page mode that takes the page for one block and keeps its rows.
const BLOCK: u8 = 6;
/// The page mode that looks for text anywhere.
const SPARSE: u8 = 11;
/// What Latin and Chinese pages are read in when no languages are set. Three languages read English better than English alone
/// does: where one is unsure of a word the others are asked.
const LATIN: [&str; 3] = ["eng", "deu", "fra"];
const CHINESE: [&str; 2] = ["chi_sim", "eng"];

/// Reads what stands on pictures.
pub(crate) trait PictureReader {
    /// Tells whether it can, before somebody makes a picture of a page for it.
    fn make_ready(&mut self) -> Result<()> {
        Ok(())
    }

    /// Reads a picture.
    fn read(&mut self, picture: &GrayImage) -> Result<Reading>;
}

/// Reads none.
pub(crate) struct NoOcr;

impl PictureReader for NoOcr {
    fn make_ready(&mut self) -> Result<()> {
        Err(Error::NeedsOcr)
    }

    fn read(&mut self, _picture: &GrayImage) -> Result<Reading> {
        Err(Error::NeedsOcr)
    }
}

/// Reads pictures; loads Tesseract when first needed.
pub(crate) struct Ocr {
    tessdata: Option<PathBuf>,
    languages: Vec<String>,
    page_mode: Option<u8>,
    engines: Vec<(Vec<String>, Tesseract)>,
}

/// What a picture says.
pub(crate) struct Reading {
    /// The words, boxes in pixels of the picture as it stands upright with level lines.
    pub(crate) words: Vec<Word>,
    /// How the picture was turned.
    pub(crate) turn: Turn,
    /// By how many degrees clockwise its lines slope.
    pub(crate) skew_degrees: f64,
    /// In which languages it was read.
    pub(crate) languages: Vec<String>,
}

/// The words, and the languages that they were read in.
type InLanguages = (Vec<String>, Vec<Word>);

/// A picture that is ready for Tesseract.
struct Prepared {
    picture: GrayImage,
    factor: f64,
    skew_degrees: f64,
    letters: Letters,
}

impl Prepared {
    /// Levels the lines of an upright picture, removes its rules and brings its letters to one size.
    fn new(upright: &GrayImage) -> Self {
        let letters = Letters::find(upright);
        let skew_degrees = letters.slope_degrees();
        let mut level = if skew_degrees.abs() >= 0.2 { Tilt::turn(-skew_degrees, upright) } else { upright.clone() };
        if let Some(height) = letters.height {
            remove_rules(&mut level, height);
        }
        let factor = factor_of(&letters, &level);
        let picture = if (factor - 1.0).abs() > f64::EPSILON { resize(&level, factor) } else { level };
        Self { letters: Letters::find(&picture), picture, factor, skew_degrees }
    }

    /// The share of the letters that have a box around them.
    fn covered_by(&self, words: &[Word]) -> f64 {
        self.letters.share_within(words)
    }
}

/// What brings letters to the size that Tesseract reads best.
fn factor_of(letters: &Letters, picture: &GrayImage) -> f64 {
    let wanted = letters.height.map_or(1.0, |height| LETTER_PIXELS / height);
    let pixels = f64::from(picture.width()) * f64::from(picture.height());
    let factor = wanted.clamp(0.4, 3.0).min((MAX_PIXELS / pixels).sqrt());
    if (0.8..=1.25).contains(&factor) { 1.0 } else { factor }
}

impl PictureReader for Ocr {
    /// Reads a picture: the likeliest way up, language and page mode first and others only where that reads badly.
    fn read(&mut self, picture: &GrayImage) -> Result<Reading> {
        let started = Instant::now();
        let even = flatten(picture);
        let letters = Letters::find(&even);
        let likely = if letters.stand_in_rows() { Turn::None } else { Turn::ThreeQuarters };
        let mode = self.page_mode.unwrap_or(BLOCK);
        let languages = self.first_languages();
        let mut turn = likely;
        let mut prepared = Prepared::new(&turn.apply(&even));
        let mut best = (languages.clone(), self.engine(&languages)?.read(&prepared.picture, mode)?);
        if sureness(&best.1) < SURE && letters.height.is_some() {
            let (better, languages) = self.try_parts(&even, &letters, likely)?;
            if better != turn || languages != best.0 {
                turn = better;
                prepared = Prepared::new(&turn.apply(&even));
                let words = self.engine(&languages)?.read(&prepared.picture, mode)?;
                best = (languages, words);
            }
        }
        if self.languages.is_empty() {
            best = self.try_chinese(&prepared, mode, best)?;
        }
        let (languages, mut words) = best;
        if self.page_mode.is_none() {
            words = self.improve(&prepared, &languages, words, started)?;
        }
        words.retain(|word| !is_dirt(word));
        for word in &mut words {
            let back = narrow(1.0 / prepared.factor);
            word.bounds.x *= back;
            word.bounds.y *= back;
            word.bounds.width *= back;
            word.bounds.height *= back;
        }
        Ok(Reading { words, turn, skew_degrees: prepared.skew_degrees, languages })
    }
}

impl Ocr {
    pub(crate) fn new(tessdata: Option<&Path>, options: &ReadOptions) -> Self {
        Self {
            tessdata: tessdata.map(Path::to_owned),
            languages: options.languages.clone(),
            page_mode: options.page_mode,
            engines: Vec::new(),
        }
    }

    /// Reads again in other ways what was read badly or in part, and takes the best of each.
    fn improve(
        &mut self,
        prepared: &Prepared,
        languages: &[String],
        mut words: Vec<Word>,
        started: Instant,
    ) -> Result<Vec<Word>> {
        let is_good = |words: &[Word]| sureness(words) >= GOOD && prepared.covered_by(words) >= COVERED;
        let has_time = || started.elapsed() < PATIENCE;
        if is_good(&words) || prepared.letters.height.is_none() || !has_time() {
            return Ok(words);
        }
        let sparse = self.engine(languages)?.read(&prepared.picture, SPARSE)?;
        words = merge(words, sparse);
        if sureness(&words) >= GOOD || !has_time() {
            return Ok(words);
        }
        // Another size shows other shapes.
        let smaller = resize(&prepared.picture, 0.7);
        let mut other = self.engine(languages)?.read(&smaller, BLOCK)?;
        for word in &mut other {
            word.bounds.x /= 0.7;
            word.bounds.y /= 0.7;
            word.bounds.width /= 0.7;
            word.bounds.height /= 0.7;
        }
        Ok(merge(words, other))
    }

    /// Reads the page in Chinese where the first reading may be one in the wrong script.
    fn try_chinese(&mut self, prepared: &Prepared, mode: u8, first: InLanguages) -> Result<InLanguages> {
        let (languages, words) = first;
        if languages == CHINESE {
            return Ok((languages, words));
        }
        if sureness(&words) < UNSURE && prepared.letters.height.is_some() {
            let chinese = CHINESE.map(str::to_owned).to_vec();
            if let Ok(engine) = self.engine(&chinese) {
                let other = engine.read(&prepared.picture, mode)?;
                if is_chinese(&other) && worth(&other) > worth(&words) {
                    return Ok((chinese, other));
                }
            }
        }
        Ok((languages, words))
    }

    /// Reads a part of the page each way up, and in Chinese where no languages are set, and says what reads best.
    fn try_parts(&mut self, even: &GrayImage, letters: &Letters, likely: Turn) -> Result<(Turn, Vec<String>)> {
        let (left, top, width, height) = densest_part(letters, even.width(), even.height());
        let part = imageops::crop_imm(even, left, top, width, height).to_image();
        let first = self.first_languages();
        let mut best = (0.0, likely, first.clone());
        let mut choices = vec![first];
        if self.languages.is_empty() {
            choices.push(CHINESE.map(str::to_owned).to_vec());
        }
        for turn in likely.and_others() {
            let prepared = Prepared::new(&turn.apply(&part));
            for languages in &choices {
                // A language that is not installed is not the document's.
                let Ok(engine) = self.engine(languages) else { continue };
                let words = engine.read(&prepared.picture, BLOCK)?;
                let worth = worth(&words);
                if worth > best.0 {
                    best = (worth, turn, languages.clone());
                }
                if sureness(&words) >= SURE_PART && words.len() >= 12 {
                    return Ok((turn, languages.clone()));
                }
            }
        }
        Ok((best.1, best.2))
    }

    /// The languages that are set, or else those for Latin script that are installed.
    fn first_languages(&mut self) -> Vec<String> {
        if !self.languages.is_empty() {
            return self.languages.clone();
        }
        let latin = LATIN.map(str::to_owned).to_vec();
        if self.engine(&latin).is_ok() { latin } else { vec!["eng".to_owned()] }
    }

    fn engine(&mut self, languages: &[String]) -> Result<&mut Tesseract> {
        let place = self.engines.iter().position(|(known, _)| known == languages);
        let (_, engine) = match place {
            Some(place) => self.engines.remove(place),
            None => (Vec::new(), Tesseract::new(self.tessdata.as_deref(), languages)?),
        };
        self.engines.push((languages.to_vec(), engine));
        let last = self.engines.last_mut().map(|(_, engine)| engine);
        last.ok_or_else(|| Error::Engine { reason: "no engine".to_owned() })
    }
}
