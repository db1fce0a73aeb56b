//! What is printed on a page, before it is read: letters, rules, the slope of the lines.

use image::GrayImage;
use sluice_core::Word;

use crate::number::{at, index, real, side};

/// Darker is ink, on a picture whose paper was made white.
const INK: u8 = 140;
/// Lines that slope more than this are left alone: a page is never put in more askew, and columns begin to look like lines.
const MAX_SLOPE_DEGREES: i32 = 10;

/// A connected piece of ink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blot {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) right: u32,
    pub(crate) bottom: u32,
    pub(crate) pixels: u32,
}

impl Blot {
    const fn width(&self) -> u32 {
        self.right - self.left
    }

    const fn height(&self) -> u32 {
        self.bottom - self.top
    }

    const fn joined(&self, other: &Self) -> Self {
        const fn less(a: u32, b: u32) -> u32 {
            if a < b { a } else { b }
        }
        const fn more(a: u32, b: u32) -> u32 {
            if a < b { b } else { a }
        }
        Self {
            left: less(self.left, other.left),
            top: less(self.top, other.top),
            right: more(self.right, other.right),
            bottom: more(self.bottom, other.bottom),
            pixels: self.pixels + other.pixels,
        }
    }
}

/// The pieces of ink that may be letters.
#[derive(Debug)]
pub(crate) struct Letters {
    pub(crate) blots: Vec<Blot>,
    /// The height of an ordinary one, in pixels.
    pub(crate) height: Option<f64>,
}

impl Letters {
    /// Finds the letters of an even picture.
    pub(crate) fn find(picture: &GrayImage) -> Self {
        let (width, height) = picture.dimensions();
        let most = (width.max(height) / 8).max(24);
        let mut blots = find_blots(picture);
        blots.retain(|blot| {
            let (wide, high) = (blot.width(), blot.height());
            let filled = f64::from(blot.pixels) / (f64::from(wide) * f64::from(high)).max(1.0);
            (4..=most).contains(&high) && (2..=most).contains(&wide) && wide <= high * 4 && filled > 0.12
        });
        let mut heights: Vec<u32> = blots.iter().map(Blot::height).collect();
        heights.sort_unstable();
        // Weighted by height: dots and dirt are many and small.
        let total: u64 = heights.iter().copied().map(u64::from).sum();
        let mut sum = 0;
        let ordinary = heights.into_iter().find(|height| {
            sum += u64::from(*height);
            sum * 2 >= total
        });
        let ordinary = ordinary.filter(|_| blots.len() >= 8).map(f64::from);
        if let Some(ordinary) = ordinary {
            blots.retain(|blot| (0.5..=3.0).contains(&(f64::from(blot.height()) / ordinary)));
        }
        Self { blots, height: ordinary }
    }

    /// Whether the letters stand in rows rather than in columns, as they do on a page that lies on its side.
    pub(crate) fn stand_in_rows(&self) -> bool {
        let bottoms: Vec<_> =
            self.blots.iter().map(|blot| (middle(blot.left, blot.right), blot.bottom.into())).collect();
        let rights: Vec<_> = self.blots.iter().map(|blot| (middle(blot.top, blot.bottom), blot.right.into())).collect();
        let lefts: Vec<_> = self.blots.iter().map(|blot| (middle(blot.top, blot.bottom), blot.left.into())).collect();
        let bin = self.bin();
        let in_columns = best_slope(&rights, bin).1.max(best_slope(&lefts, bin).1);
        best_slope(&bottoms, bin).1 >= in_columns
    }

    /// By how many degrees the lines slope, clockwise; 0 when that is not plain.
    pub(crate) fn slope_degrees(&self) -> f64 {
        let bottoms: Vec<_> =
            self.blots.iter().map(|blot| (middle(blot.left, blot.right), blot.bottom.into())).collect();
        if bottoms.len() < 20 {
            return 0.0;
        }
        let bin = self.bin();
        let level = evenness(&bottoms, 0.0, bin);
        let (tenths, best) = best_slope(&bottoms, bin);
        if best > level * 1.05 { f64::from(tenths) / 10.0 } else { 0.0 }
    }

    /// The share of the letters that stand in the box of a word.
    pub(crate) fn share_within(&self, words: &[Word]) -> f64 {
        let has = |blot: &&Blot| {
            let (x, y) = (middle(blot.left, blot.right), middle(blot.top, blot.bottom));
            words.iter().any(|word| {
                let (left, top) = (f64::from(word.bounds.x), f64::from(word.bounds.y));
                (left..=left + f64::from(word.bounds.width)).contains(&x)
                    && (top..=top + f64::from(word.bounds.height)).contains(&y)
            })
        };
        real(self.blots.iter().filter(has).count()) / real(self.blots.len().max(1))
    }

    fn bin(&self) -> f64 {
        (self.height.unwrap_or(10.0) / 4.0).max(1.0)
    }
}

fn middle(from: u32, to: u32) -> f64 {
    (f64::from(from) + f64::from(to)) / 2.0
}

/// The slope, in tenths of a degree, at which the places fall into the fewest rows, and how well they do.
fn best_slope(places: &[(f64, f64)], bin: f64) -> (i32, f64) {
    let better = |candidates: &mut dyn Iterator<Item = i32>, known: (i32, f64)| {
        candidates.fold(known, |best, tenths| {
            let score = evenness(places, f64::from(tenths) / 10.0, bin);
            if score > best.1 { (tenths, score) } else { best }
        })
    };
    let limit = MAX_SLOPE_DEGREES * 10;
    let coarse = better(&mut (-limit..=limit).step_by(5), (0, evenness(places, 0.0, bin)));
    better(&mut (coarse.0 - 4..=coarse.0 + 4), coarse)
}

/// The sum of the squares of how many places fall into each row, which is large when they are few.
fn evenness(places: &[(f64, f64)], degrees: f64, bin: f64) -> f64 {
    let slope = degrees.to_radians().tan();
    let heights: Vec<f64> = places.iter().map(|(x, y)| (y - x * slope) / bin).collect();
    let lowest = heights.iter().copied().fold(f64::INFINITY, f64::min);
    let mut rows: Vec<f64> = Vec::new();
    for height in heights {
        // Shared between two rows, so that the bounds of rows do not matter.
        let place = height - lowest;
        let (row, part) = (index(place.floor()), place.fract());
        if rows.len() < row + 2 {
            rows.resize(row + 2, 0.0);
        }
        for (row, share) in [(row, 1.0 - part), (row + 1, part)] {
            if let Some(count) = rows.get_mut(row) {
                *count += share;
            }
        }
    }
    rows.iter().map(|count| count * count).sum()
}

/// A stretch of ink in one row.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
    group: usize,
}

fn find_blots(picture: &GrayImage) -> Vec<Blot> {
    let width = at(picture.width()).max(1);
    let mut groups: Vec<usize> = Vec::new();
    let mut blots: Vec<Blot> = Vec::new();
    let mut above: Vec<Run> = Vec::new();
    for (y, row) in (0..).zip(picture.as_raw().chunks_exact(width)) {
        let mut runs = runs_of(row);
        let mut first = 0;
        for run in &mut runs {
            let mut own: Option<usize> = None;
            while above.get(first).is_some_and(|other| other.end < run.start) {
                first += 1;
            }
            for other in above.iter().skip(first).take_while(|other| other.start <= run.end) {
                let root = root_of(&mut groups, other.group);
                match own {
                    None => own = Some(root),
                    Some(known) if known != root => {
                        if let Some(group) = groups.get_mut(root) {
                            *group = known;
                        }
                        if let (Some(moved), Some(kept)) = (blots.get(root).copied(), blots.get_mut(known)) {
                            *kept = kept.joined(&moved);
                        }
                    }
                    Some(_) => {}
                }
            }
            let here = Blot { left: run.start, top: y, right: run.end, bottom: y + 1, pixels: run.end - run.start };
            run.group = own.unwrap_or(groups.len());
            match blots.get_mut(run.group) {
                Some(blot) => *blot = blot.joined(&here),
                None => {
                    groups.push(run.group);
                    blots.push(here);
                }
            }
        }
        above = runs;
    }
    let roots = groups.iter().enumerate().filter(|(index, group)| index == *group).map(|(index, _)| index);
    roots.filter_map(|root| blots.get(root).copied()).collect()
}

fn root_of(groups: &mut [usize], mut group: usize) -> usize {
    while let Some(parent) = groups.get(group).copied() {
        if parent == group {
            break;
        }
        // Half of the way is cut off for those who come after.
        let further = groups.get(parent).copied().unwrap_or(parent);
        if let Some(entry) = groups.get_mut(group) {
            *entry = further;
        }
        group = further;
    }
    group
}

fn runs_of(row: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut start: Option<u32> = None;
    for (x, shade) in (0_u32..).zip(row) {
        match (start, *shade < INK) {
            (None, true) => start = Some(x),
            (Some(from), false) => {
                runs.push(Run { start: from, end: x, group: 0 });
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        runs.push(Run { start: from, end: side(row.len()), group: 0 });
    }
    runs
}

/// Wipes out the rules of tables and forms, of which Tesseract makes pictures, strokes and letters; what is written across
/// them stays.
pub(crate) fn remove_rules(picture: &mut GrayImage, letter_height: f64) {
    let (width, height) = picture.dimensions();
    let (columns, rows) = (at(width).max(1), at(height));
    let least = u16::try_from(index(letter_height * 5.0).max(40)).unwrap_or(u16::MAX);
    let thickest = u16::try_from(index(letter_height * 0.4).max(3)).unwrap_or(u16::MAX);
    let across = run_lengths(picture.as_raw(), rows, columns, (columns, 1));
    let down = run_lengths(picture.as_raw(), columns, rows, (1, columns));
    let is_rule = |place: usize| match (across.get(place), down.get(place)) {
        (Some(across), Some(down)) => (*across >= least && *down <= thickest, *down >= least && *across <= thickest),
        _ => (false, false),
    };
    let shades: &mut [u8] = picture;
    for place in 0..shades.len() {
        let (lies, stands) = is_rule(place);
        if !lies && !stands {
            continue;
        }
        // The grey seam of a rule goes with it, two pixels wide.
        let step = if lies { columns } else { 1 };
        let seam = [place.checked_sub(step), place.checked_sub(2 * step), Some(place + step), Some(place + 2 * step)];
        for place in seam.into_iter().flatten() {
            if let Some(shade) = shades.get_mut(place).filter(|shade| **shade >= INK) {
                *shade = 255;
            }
        }
        if let Some(shade) = shades.get_mut(place) {
            *shade = 255;
        }
    }
}

/// For each pixel of ink, how long the stretch of ink is that it belongs to, along lines of so many pixels. `steps` are those
/// from line to line and from pixel to pixel. A gap of one pixel does not end a stretch.
fn run_lengths(shades: &[u8], lines: usize, length: usize, steps: (usize, usize)) -> Vec<u16> {
    let mut lengths = vec![0_u16; shades.len()];
    for line in 0..lines {
        let place = |pixel: usize| line * steps.0 + pixel * steps.1;
        let is_ink = |pixel: usize| pixel < length && shades.get(place(pixel)).is_some_and(|shade| *shade < INK);
        let mut pixel = 0;
        while pixel < length {
            if !is_ink(pixel) {
                pixel += 1;
                continue;
            }
            let start = pixel;
            while is_ink(pixel) || is_ink(pixel + 1) {
                pixel += 1;
            }
            let run = u16::try_from(pixel - start).unwrap_or(u16::MAX);
            for within in start..pixel {
                if is_ink(within)
                    && let Some(entry) = lengths.get_mut(place(within))
                {
                    *entry = run;
                }
            }
        }
    }
    lengths
}

/// The part of a page, left, top, width and height, where letters stand closest: what is read to try something.
pub(crate) fn densest_part(letters: &Letters, width: u32, height: u32) -> (u32, u32, u32, u32) {
    let cell = index(letters.height.unwrap_or(16.0) * 9.0).max(40);
    let (columns, rows) = (at(width).div_ceil(cell).max(1), at(height).div_ceil(cell).max(1));
    let mut counts = vec![0.0_f64; columns * rows];
    for blot in &letters.blots {
        let (column, row) = (at(blot.left) / cell, at(blot.top) / cell);
        if let Some(count) = counts.get_mut(row * columns + column) {
            *count += 1.0;
        }
    }
    // Three cells by three; on a page of fewer cells what there is.
    let sum = |column: usize, row: usize| -> f64 {
        let near = (row..(row + 3).min(rows))
            .flat_map(|row| (column..(column + 3).min(columns)).map(move |c| row * columns + c));
        near.filter_map(|place| counts.get(place)).map(|count| count.min(real(cell))).sum()
    };
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    let best = places.max_by(|a, b| sum(a.0, a.1).total_cmp(&sum(b.0, b.1))).unwrap_or((0, 0));
    let (left, top) = (side(best.0 * cell), side(best.1 * cell));
    (left, top, (width - left).min(side(3 * cell)), (height - top).min(side(3 * cell)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orient::Turn;
    use crate::picture::Tilt;
    use image::Luma;

    /// Rows of blots like letters, ten pixels high, in words of uneven length.
    fn page_of_letters() -> GrayImage {
        GrayImage::from_fn(700, 600, |x, y| {
            let (row, column) = (y / 30, x / 9);
            let within = (60..640).contains(&x) && (60..540).contains(&y) && y % 30 < 10 && x % 9 < 6;
            let is_space = (column + row * 3) % (5 + row % 4) == 0;
            Luma([if within && !is_space { 20 } else { 255 }])
        })
    }

    #[test]
    fn the_height_of_letters_and_their_rows_are_found() {
        let letters = Letters::find(&page_of_letters());
        assert_eq!(letters.height, Some(10.0));
        assert!(letters.blots.len() > 500);
        assert!(letters.stand_in_rows());
        assert!(!Letters::find(&Turn::Quarter.apply(&page_of_letters())).stand_in_rows());
    }

    #[test]
    fn the_slope_is_found_and_undone() {
        for degrees in [-7.0, -2.0, -0.5, 0.0, 1.5, 9.0] {
            let askew = Tilt::turn(degrees, &page_of_letters());
            let found = Letters::find(&askew).slope_degrees();
            assert!((found - degrees).abs() <= 0.3, "{degrees} was found as {found}");
            let level = Letters::find(&Tilt::turn(-found, &askew)).slope_degrees();
            assert!(level.abs() <= 0.3, "{degrees}: {level} is left");
        }
    }

    #[test]
    fn a_page_without_letters_has_no_slope_and_no_height() {
        for shade in [0, 255] {
            let letters = Letters::find(&GrayImage::from_pixel(300, 200, Luma([shade])));
            assert_eq!((letters.height, letters.slope_degrees()), (None, 0.0));
        }
        let letters = Letters::find(&GrayImage::new(0, 0));
        assert_eq!(letters.blots, []);
        assert!(letters.stand_in_rows());
    }

    #[test]
    fn rules_go_and_letters_stay() {
        let mut ruled = page_of_letters();
        for place in 40..660 {
            for (x, y) in [(place, 50), (place, 51), (place, 75), (30, place.min(590)), (31, place.min(590))] {
                ruled.put_pixel(x, y, Luma([0]));
            }
        }
        let before = Letters::find(&page_of_letters()).blots.len();
        remove_rules(&mut ruled, 10.0);
        assert_eq!(Letters::find(&ruled).blots.len(), before);
        assert_eq!(ruled, page_of_letters());
    }

    #[test]
    fn the_part_with_most_letters_is_on_the_page() {
        let picture = page_of_letters();
        let (left, top, width, height) = densest_part(&Letters::find(&picture), 700, 600);
        assert!(left + width <= 700 && top + height <= 600 && width > 100 && height > 100);
        let (_, _, width, height) = densest_part(&Letters::find(&GrayImage::new(5, 5)), 5, 5);
        assert_eq!((width, height), (5, 5));
    }
}
