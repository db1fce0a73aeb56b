//! What makes the picture of a page easier to read: even paper, level lines, letters of one size.

use image::{GrayImage, Luma, imageops};

use crate::number::{at, index, narrow, whole};

/// Of a page's longer side: paper is even within so small a part of it.
const TILES: u32 = 64;

/// Divides a picture by the shade of the paper around each place, so that shadows, stains and coloured paper become white.
pub(crate) fn flatten(picture: &GrayImage) -> GrayImage {
    let paper = Paper::of(picture);
    let mut even = picture.clone();
    for (x, y, pixel) in even.enumerate_pixels_mut() {
        let [shade] = pixel.0;
        let white = paper.shade_at(x, y).max(1);
        pixel.0 = [u8::try_from((i64::from(shade) * 255 / white).min(255)).unwrap_or(255)];
    }
    even
}

fn histogram(shades: impl Iterator<Item = u8>) -> [u32; 256] {
    let mut counts = [0; 256];
    for shade in shades {
        if let Some(count) = counts.get_mut(usize::from(shade)) {
            *count += 1;
        }
    }
    counts
}

/// The shade that so many in a hundred are darker than.
fn percentile(counts: &[u32; 256], hundredths: u32) -> i64 {
    let all: u32 = counts.iter().sum();
    let limit = u64::from(all) * u64::from(hundredths) / 100;
    let mut sum = 0_u64;
    for (shade, count) in (0_i64..).zip(counts) {
        sum += u64::from(*count);
        if sum > limit {
            return shade;
        }
    }
    255
}

/// How light the paper is, tile by tile.
struct Paper {
    tile: u32,
    columns: u32,
    rows: u32,
    shades: Vec<i64>,
}

impl Paper {
    fn of(picture: &GrayImage) -> Self {
        let (width, height) = picture.dimensions();
        let tile = (width.max(height) / TILES).clamp(8, 96);
        let (columns, rows) = (width.div_ceil(tile).max(1), height.div_ceil(tile).max(1));
        let lightest = percentile(&histogram(picture.pixels().map(|pixel| pixel.0[0])), 90);
        let mut shades = Vec::with_capacity(at(columns * rows));
        for row in 0..rows {
            for column in 0..columns {
                // One tile more on each side, so that a tile full of print sees paper too.
                let (left, top) = ((column * tile).saturating_sub(tile), (row * tile).saturating_sub(tile));
                let (right, bottom) = ((column * tile + 2 * tile).min(width), (row * tile + 2 * tile).min(height));
                let view = (top..bottom).step_by(2).flat_map(|y| {
                    let line = picture.as_raw().get(at(y) * at(width)..).unwrap_or_default();
                    line.get(at(left)..at(right)).unwrap_or_default().iter().step_by(2).copied()
                });
                // What is much darker than the page is no paper but a dark ground, with light print perhaps.
                shades.push(percentile(&histogram(view), 80).max(lightest * 2 / 5));
            }
        }
        Self { tile, columns, rows, shades }
    }

    /// Between the four tiles around a place.
    fn shade_at(&self, x: u32, y: u32) -> i64 {
        let tile = i64::from(self.tile);
        let split = |value: u32, last: u32| {
            let moved = (i64::from(value) - tile / 2).max(0);
            let first = (moved / tile).min(i64::from(last) - 1);
            (first, (first + 1).min(i64::from(last) - 1), moved - first * tile)
        };
        let (left, right, x_rest) = split(x, self.columns);
        let (top, bottom, y_rest) = split(y, self.rows);
        let shade = |column: i64, row: i64| {
            let place = usize::try_from(row * i64::from(self.columns) + column).unwrap_or(0);
            self.shades.get(place).copied().unwrap_or(255)
        };
        let (x_rest, y_rest) = (x_rest.min(tile), y_rest.min(tile));
        let upper = shade(left, top) * (tile - x_rest) + shade(right, top) * x_rest;
        let lower = shade(left, bottom) * (tile - x_rest) + shade(right, bottom) * x_rest;
        (upper * (tile - y_rest) + lower * y_rest) / (tile * tile)
    }
}

/// A turn about the middle of a picture by a few degrees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tilt {
    sine: f64,
    cosine: f64,
    middle: (f64, f64),
}

impl Tilt {
    /// The turn by so many degrees clockwise.
    pub(crate) fn new(degrees: f64, width: f64, height: f64) -> Self {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        Self { sine, cosine, middle: (width / 2.0, height / 2.0) }
    }

    /// Where a place of the picture is after the turn.
    pub(crate) fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = (x - self.middle.0, y - self.middle.1);
        (self.middle.0 + x * self.cosine - y * self.sine, self.middle.1 + x * self.sine + y * self.cosine)
    }

    /// Turns a picture; what comes in at the corners is white.
    pub(crate) fn turn(degrees: f64, picture: &GrayImage) -> GrayImage {
        let (width, height) = picture.dimensions();
        // Each place of the result is looked up in the picture: the turn the other way.
        let back = Self::new(-degrees, f64::from(width), f64::from(height));
        GrayImage::from_fn(width, height, |x, y| {
            let (x, y) = back.apply(f64::from(x) + 0.5, f64::from(y) + 0.5);
            Luma([sample(picture, x - 0.5, y - 0.5)])
        })
    }
}

/// The shade between four pixels.
fn sample(picture: &GrayImage, x: f64, y: f64) -> u8 {
    let (width, height) = picture.dimensions();
    if x < 0.0 || y < 0.0 || x > f64::from(width) - 1.0 || y > f64::from(height) - 1.0 {
        return 255;
    }
    let (left, top) = (index(x.floor()), index(y.floor()));
    let (right_part, lower_part) = (x.fract(), y.fract());
    let row = |y: usize| {
        let line = picture.as_raw().get(y * at(width)..).unwrap_or_default();
        let shade = |x: usize| line.get(x.min(at(width) - 1)).map_or(255.0, |shade| f64::from(*shade));
        shade(left) * (1.0 - right_part) + shade(left + 1) * right_part
    };
    let shade = row(top) * (1.0 - lower_part) + row((top + 1).min(at(height) - 1)) * lower_part;
    u8::try_from(whole(shade)).unwrap_or(255)
}

/// Enlarges or reduces a picture.
pub(crate) fn resize(picture: &GrayImage, factor: f64) -> GrayImage {
    let scaled = |side: u32| whole(f64::from(side) * factor).max(1);
    let filter = if factor > 1.0 { imageops::FilterType::CatmullRom } else { imageops::FilterType::Triangle };
    imageops::resize(picture, scaled(picture.width()), scaled(picture.height()), filter)
}

/// The picture where nothing, not even a coordinate, is known yet.
pub(crate) fn size_of(picture: &GrayImage) -> (f32, f32) {
    (narrow(f64::from(picture.width())), narrow(f64::from(picture.height())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_becomes_paper_and_print_stays_dark() {
        // Paper that falls from 250 to 100, with print half as light.
        let shaded = GrayImage::from_fn(600, 400, |x, y| {
            let paper = 250 - x / 4;
            let is_print = x % 20 < 3 && y % 20 < 8;
            Luma([u8::try_from(if is_print { paper / 2 } else { paper }).unwrap()])
        });
        let even = flatten(&shaded);
        let shades = |wanted: bool| {
            let is_print = |x: u32, y: u32| x % 20 < 3 && y % 20 < 8;
            even.enumerate_pixels().filter(move |(x, y, _)| is_print(*x, *y) == wanted).map(|(_, _, pixel)| pixel.0[0])
        };
        assert!(shades(false).min().unwrap() > 225);
        assert!(shades(true).max().unwrap() < 150);
    }

    #[test]
    fn a_dark_ground_with_light_print_is_no_paper() {
        let page = GrayImage::from_fn(400, 400, |_, y| Luma([if y < 100 { 30 } else { 250 }]));
        assert!(flatten(&page).get_pixel(200, 40).0[0] < 100);
    }

    #[test]
    fn a_turn_and_the_turn_back_meet() {
        let tilt = Tilt::new(5.0, 300.0, 200.0);
        let back = Tilt::new(-5.0, 300.0, 200.0);
        let (x, y) = tilt.apply(30.0, 170.0);
        let (x, y) = back.apply(x, y);
        assert!((x - 30.0).abs() < 1e-9 && (y - 170.0).abs() < 1e-9);
    }

    #[test]
    fn empty_pictures_stay_empty() {
        assert_eq!(flatten(&GrayImage::new(0, 0)).dimensions(), (0, 0));
        assert_eq!(Tilt::turn(3.0, &GrayImage::new(1, 1)).dimensions(), (1, 1));
    }
}
