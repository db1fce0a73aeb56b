//! The text layer of a PDF's page: its words, and whether they are to be seen.

use image::GrayImage;
use pdfium_render::prelude::*;
use sluice_core::{BoundingBox, Word};

use crate::error::Result;
use crate::ink::Letters;
use crate::number::{at, index};
use crate::pdf::damaged;
use crate::soundness::Layer;

/// Device units a point when places are asked for, which PDFium answers in whole numbers.
const FINE: f32 = 16.0;
/// Pixels a point of the picture that tells whether words are to be seen: the smallest print is some pixels high.
const LOOK_SCALE: f32 = 1.5;
/// The most pixels of that picture.
const LOOK_PIXELS: f32 = 4_000_000.0;
/// Smaller print is not for people, in points.
const SMALLEST_POINTS: f32 = 1.5;
/// Shades that a word must differ in from what is around it to be seen.
const CONTRAST: u8 = 14;
/// The share of a page that pictures cover, from which on it may be a scan.
const SCAN_SHARE: f32 = 0.3;

/// Reads the words of the text layer that are to be seen, and what tells whether it is sound.
pub(crate) fn read(page: &PdfPage<'_>) -> Result<(Vec<Word>, Layer)> {
    let text = page.text().map_err(damaged)?;
    let place = PdfRenderConfig::new().scale_page_by_factor(FINE);
    let mut layer = Layer { picture_share: picture_share(page), ..Layer::default() };
    let mut words = Words::default();
    for character in text.chars().iter() {
        let Some(value) = character.unicode_char() else {
            layer.characters += 1;
            layer.garbled += 1;
            continue;
        };
        if value.is_whitespace() {
            words.finish();
            continue;
        }
        // U+0002 is how PDFium marks a hyphen at a line's end.
        let value = if value == '\u{2}' { '-' } else { value };
        layer.count(value);
        let Some(bounds) = place_of(page, &character, &place) else { continue };
        if words.push(value, bounds) {
            words.ink = Ink::of(&character);
        }
    }
    words.finish();
    let words = words.done;
    if words.is_empty() {
        return Ok((Vec::new(), layer));
    }
    layer.looked_at = count(words.len());
    layer.invisible = count(words.iter().filter(|(_, ink)| *ink == Ink::None).count());
    words.iter().for_each(|(word, _)| layer.count_word(&word.text));
    // A layer that is hidden as a whole lies over a scan; single words that are hidden are there to mislead.
    let looks = Looks::at(page)?;
    if layer.picture_share > SCAN_SHARE {
        layer.unread_letters = looks.letters_outside(&words);
    }
    if layer.is_hidden() {
        return Ok((words.into_iter().map(|(word, _)| word).collect(), layer));
    }
    let seen = words.into_iter().filter(|(word, ink)| *ink != Ink::None && looks.shows(word, *ink));
    Ok((seen.map(|(word, _)| word).collect(), layer))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// What a word is painted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Ink {
    /// Nothing.
    None,
    /// White or nearly so.
    White,
    /// What shows on paper.
    #[default]
    Shade,
}

impl Ink {
    fn of(character: &PdfPageTextChar<'_>) -> Self {
        if matches!(
            character.render_mode(),
            Ok(PdfPageTextRenderMode::Invisible | PdfPageTextRenderMode::InvisibleClipping)
        ) {
            return Self::None;
        }
        let Ok(color) = character.fill_color() else { return Self::Shade };
        if color.alpha() < 10 {
            return Self::None;
        }
        let is_white = color.red().min(color.green()).min(color.blue()) > 240;
        if is_white { Self::White } else { Self::Shade }
    }
}

/// The page as it looks.
struct Looks {
    picture: GrayImage,
    scale: f32,
}

impl Looks {
    fn at(page: &PdfPage<'_>) -> Result<Self> {
        let area = page.width().value * page.height().value;
        let scale = LOOK_SCALE.min((LOOK_PIXELS / area).sqrt());
        Ok(Self { picture: crate::pdf::rasterise(page, scale)?, scale })
    }

    /// Whether a word is to be seen: large enough, on the page, and of another shade than what is around it.
    fn shows(&self, word: &Word, ink: Ink) -> bool {
        let bounds = word.bounds;
        if bounds.height < SMALLEST_POINTS {
            return false;
        }
        let pixel = |points: f32| index(f64::from((points * self.scale).max(0.0)));
        let (left, right) = (pixel(bounds.x), pixel(bounds.x + bounds.width) + 1);
        let (top, bottom) = (pixel(bounds.y), pixel(bounds.y + bounds.height) + 1);
        let width = at(self.picture.width());
        let rows = self.picture.as_raw().chunks_exact(width.max(1)).skip(top).take(bottom.saturating_sub(top));
        let (mut darkest, mut lightest, mut light, mut all) = (255_u8, 0_u8, 0_u32, 0_u32);
        for shade in rows.flat_map(|row| row.get(left.min(width)..right.min(width)).unwrap_or_default()) {
            darkest = darkest.min(*shade);
            lightest = lightest.max(*shade);
            light += u32::from(*shade > 235);
            all += 1;
        }
        // White print shows on a dark ground only.
        let shows_on_ground = ink != Ink::White || light * 2 < all;
        all > 0 && shows_on_ground && lightest.saturating_sub(darkest) >= CONTRAST
    }

    /// How many letters the page shows that no word has, and how many it has.
    fn letters_outside(&self, words: &[(Word, Ink)]) -> (u32, u32) {
        let letters = Letters::find(&self.picture);
        let in_pixels = |(word, _): &(Word, Ink)| {
            let bounds = word.bounds;
            let bounds = BoundingBox {
                x: bounds.x * self.scale,
                y: bounds.y * self.scale,
                width: bounds.width * self.scale,
                height: bounds.height * self.scale,
            };
            Word { bounds, ..word.clone() }
        };
        let words: Vec<Word> = words.iter().map(in_pixels).collect();
        let all = letters.blots.len();
        let outside = index((1.0 - letters.share_within(&words)) * crate::number::real(all));
        (count(outside), count(all))
    }
}

/// The share of the page that its pictures cover.
fn picture_share(page: &PdfPage<'_>) -> f32 {
    let area = page.width().value * page.height().value;
    let pictures: f32 = page
        .objects()
        .iter()
        .filter(|object| object.object_type() == PdfPageObjectType::Image)
        .filter_map(|object| object.bounds().ok())
        .map(|quad| (quad.width().value * quad.height().value).abs())
        .sum();
    (pictures / area).clamp(0.0, 1.0)
}

/// The place of a character on the page as it is shown: PDFium undoes the page's rotation and crop box.
fn place_of(page: &PdfPage<'_>, character: &PdfPageTextChar<'_>, config: &PdfRenderConfig) -> Option<BoundingBox> {
    let bounds = character.loose_bounds().ok()?;
    let (x1, y1) = page.points_to_pixels(bounds.left(), bounds.top(), config).ok()?;
    let (x2, y2) = page.points_to_pixels(bounds.right(), bounds.bottom(), config).ok()?;
    let points = |pixels: i32| i16::try_from(pixels / 16).ok().map(|whole| f32::from(whole) + remainder(pixels));
    let (x1, y1, x2, y2) = (points(x1)?, points(y1)?, points(x2)?, points(y2)?);
    Some(BoundingBox { x: x1.min(x2), y: y1.min(y2), width: (x1 - x2).abs(), height: (y1 - y2).abs() })
}

fn remainder(pixels: i32) -> f32 {
    i16::try_from(pixels % 16).map_or(0.0, |rest| f32::from(rest) / FINE)
}

/// Gathers characters into words.
#[derive(Default)]
struct Words {
    text: String,
    bounds: BoundingBox,
    ink: Ink,
    done: Vec<(Word, Ink)>,
}

impl Words {
    /// Adds a character; `true` when a word begins with it.
    fn push(&mut self, character: char, bounds: BoundingBox) -> bool {
        if !self.text.is_empty() && self.is_apart(bounds) {
            self.finish();
        }
        let begins = self.text.is_empty();
        self.bounds = if begins { bounds } else { union(self.bounds, bounds) };
        self.text.push(character);
        begins
    }

    /// Whether a character begins another word although no space stands before it.
    fn is_apart(&self, next: BoundingBox) -> bool {
        let height = self.bounds.height.max(next.height).max(1.0);
        let gap = next.x - (self.bounds.x + self.bounds.width);
        let step = (next.y + next.height / 2.0) - (self.bounds.y + self.bounds.height / 2.0);
        gap > height * 0.4 || gap < -height * 3.0 || step.abs() > height * 0.6
    }

    fn finish(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.done.push((Word { text, bounds: self.bounds, confidence: 1.0, line: 0 }, self.ink));
        }
    }
}

fn union(a: BoundingBox, b: BoundingBox) -> BoundingBox {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    BoundingBox {
        x,
        y,
        width: (a.x + a.width).max(b.x + b.width) - x,
        height: (a.y + a.height).max(b.y + b.height) - y,
    }
}
