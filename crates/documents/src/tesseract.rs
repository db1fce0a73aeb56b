//! Tesseract through leptess.

use std::io::Write;
use std::path::Path;

use image::GrayImage;
use leptess::{LepTess, Variable};
use sluice_core::{BoundingBox, Word};

use crate::error::{Error, Result};

/// The row of Tesseract's table that is a word.
const WORD_LEVEL: &str = "5";
/// What Tesseract is told of every picture, in dots per inch: letters were brought to the size that they have at this.
const RESOLUTION: i32 = 300;

/// One instance of Tesseract; must not be shared between threads.
pub(crate) struct Tesseract {
    engine: LepTess,
}

impl Tesseract {
    /// Loads the languages.
    pub(crate) fn new(tessdata: Option<&Path>, languages: &[String]) -> Result<Self> {
        let names = languages.join("+");
        let folder = tessdata.map(|path| path.to_string_lossy().into_owned());
        let fail = || Error::Languages { languages: names.clone() };
        let engine = LepTess::new(folder.as_deref(), &names).map_err(|_source| fail())?;
        Ok(Self { engine })
    }

    /// Reads the words of a picture; boxes in its pixels.
    pub(crate) fn read(&mut self, picture: &GrayImage, page_mode: u8) -> Result<Vec<Word>> {
        self.engine.set_variable(Variable::TesseditPagesegMode, &page_mode.to_string()).map_err(engine_error)?;
        // Leptonica reads the plainest of formats without a copy more than needed.
        let mut bytes = Vec::with_capacity(picture.as_raw().len() + 32);
        write!(bytes, "P5\n{} {}\n255\n", picture.width(), picture.height())?;
        bytes.extend_from_slice(picture.as_raw());
        self.engine.set_image_from_mem(&bytes).map_err(engine_error)?;
        drop(bytes);
        self.engine.set_source_resolution(RESOLUTION);
        if self.engine.recognize() != 0 {
            return Err(Error::Engine { reason: "Tesseract could not read a page".to_owned() });
        }
        let table = self.engine.get_tsv_text(0).map_err(engine_error)?;
        Ok(table.lines().filter_map(read_row).collect())
    }
}

fn engine_error(error: impl std::fmt::Display) -> Error {
    Error::Engine { reason: error.to_string() }
}

/// Columns: level page block paragraph line word left top width height confidence text.
fn read_row(row: &str) -> Option<Word> {
    let mut columns = row.split('\t');
    if columns.next()? != WORD_LEVEL {
        return None;
    }
    let mut numbers = [0.0_f32; 10];
    for number in &mut numbers {
        *number = columns.next()?.parse().ok()?;
    }
    let [_, _, _, _, _, x, y, width, height, confidence] = numbers;
    let text = columns.next()?.trim();
    (!text.is_empty()).then(|| Word {
        text: text.to_owned(),
        bounds: BoundingBox { x, y, width, height },
        confidence: (confidence / 100.0).clamp(0.0, 1.0),
        line: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_from_the_table_and_other_rows_are_not() {
        let word = read_row("5\t1\t1\t1\t2\t3\t10\t20\t30\t40\t91.5\t12.50").unwrap();
        assert_eq!((word.text.as_str(), word.confidence), ("12.50", 0.915));
        assert_eq!(word.bounds, BoundingBox { x: 10.0, y: 20.0, width: 30.0, height: 40.0 });
        for row in
            ["4\t1\t1\t1\t2\t0\t10\t20\t30\t40\t-1\t", "5\t1\t1\t1\t2\t3\t10\t20\t30\t40\t91.5\t ", "", "level\tpage"]
        {
            assert_eq!(read_row(row), None, "{row}");
        }
    }
}
