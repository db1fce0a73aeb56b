//! Which way up a picture is.

use image::{GrayImage, imageops};

/// The side that a picture is reduced to before its rows are looked at.
const LOOK_AT_PIXELS: u32 = 700;

/// A turn that brings a picture upright, in degrees clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl Turn {
    pub(crate) const fn degrees(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Quarter => 90,
            Self::Half => 180,
            Self::ThreeQuarters => 270,
        }
    }

    pub(crate) fn apply(self, picture: &GrayImage) -> GrayImage {
        match self {
            Self::None => picture.clone(),
            Self::Quarter => imageops::rotate90(picture),
            Self::Half => imageops::rotate180(picture),
            Self::ThreeQuarters => imageops::rotate270(picture),
        }
    }
}

/// The turns in the order in which they are worth trying: lines of text make the ink of rows uneven and that of columns
/// even, so the first two follow from the picture. Whether it stands on its head only reading tells.
pub(crate) fn likely_turns(picture: &GrayImage) -> [Turn; 4] {
    let factor = f64::from(picture.width().max(picture.height())) / f64::from(LOOK_AT_PIXELS);
    let small = if factor > 1.0 {
        let scale = |side: u32| whole(f64::from(side) / factor).max(1);
        imageops::resize(picture, scale(picture.width()), scale(picture.height()), imageops::FilterType::Triangle)
    } else {
        picture.clone()
    };
    let (mut rows, mut columns) = (vec![0.0; count(small.height())], vec![0.0; count(small.width())]);
    for (x, y, pixel) in small.enumerate_pixels() {
        let [shade] = pixel.0;
        let ink = 255.0 - f64::from(shade);
        if let (Some(row), Some(column)) = (rows.get_mut(count(y)), columns.get_mut(count(x))) {
            *row += ink;
            *column += ink;
        }
    }
    if unevenness(&rows) >= unevenness(&columns) {
        [Turn::None, Turn::Half, Turn::Quarter, Turn::ThreeQuarters]
    } else {
        [Turn::ThreeQuarters, Turn::Quarter, Turn::None, Turn::Half]
    }
}

/// How much neighbours differ, against the mean: the edges of lines, not broad shades.
fn unevenness(sums: &[f64]) -> f64 {
    let length = f64::from(u32::try_from(sums.len().max(1)).unwrap_or(u32::MAX));
    let mean = sums.iter().sum::<f64>() / length;
    let differences: f64 = sums.windows(2).filter_map(|pair| Some((pair.last()? - pair.first()?).powi(2))).sum();
    if mean > 0.0 { differences / length / mean.powi(2) } else { 0.0 }
}

fn count(side: u32) -> usize {
    usize::try_from(side).unwrap_or(usize::MAX)
}

fn whole(value: f64) -> u32 {
    format!("{value:.0}").parse().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    #[test]
    fn lines_of_text_lie_level() {
        let level = GrayImage::from_fn(300, 200, |x, y| {
            let row = y / 20;
            let letter = (x + row * 5) / 7;
            Luma([if y % 20 < 8 && letter * (row + 3) % 5 != 0 && (x + row) % 7 < 5 { 0 } else { 255 }])
        });
        assert_eq!(likely_turns(&level)[0], Turn::None);
        assert_eq!(likely_turns(&Turn::Quarter.apply(&level))[0], Turn::ThreeQuarters);
    }

    #[test]
    fn an_empty_picture_is_left_as_it_is() {
        assert_eq!(likely_turns(&GrayImage::from_pixel(10, 10, Luma([255])))[0], Turn::None);
    }
}
