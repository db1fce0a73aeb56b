//! A layout becomes a page: words with places.

use sluice_core::{BoundingBox, Page, TextSource, Word};

use super::reply::{Block, Layout, Line};
use super::table;
use crate::page::{Element, PageSize, ReadPage};

/// What is said of words whose reader says nothing of its certainty.
const CONFIDENCE: f32 = 0.9;
/// Pixels a point in which servers rasterise a PDF when they don't tell the size of the picture.
const USUAL_SCALE: f32 = 2.0;

/// A page from what was found on it; `size` is the page's own, as it stands in the file.
#[must_use]
pub fn page(layout: &Layout, number: u32, size: PageSize) -> ReadPage {
    let turned_degrees = (360 - layout.angle) % 360;
    let size = if turned_degrees % 180 == 90 { PageSize { width: size.height, height: size.width } } else { size };
    let scale = scale(layout, size);
    let place = |bounds: BoundingBox| BoundingBox {
        x: bounds.x * scale.0,
        y: bounds.y * scale.1,
        width: bounds.width * scale.0,
        height: bounds.height * scale.1,
    };
    let mut writer = Writer::default();
    if layout.lines.is_empty() {
        for block in &layout.blocks {
            writer.block(block, block.bounds.map(place).unwrap_or_default());
        }
    } else {
        for row in rows_of(&layout.lines) {
            writer.row(&row, place);
        }
    }
    let elements = layout.blocks.iter().map(|block| Element {
        kind: block.label.clone(),
        confidence: 1.0,
        position: block.bounds.map(place),
        content: Some(block.content.clone()).filter(|content| !content.is_empty()),
    });
    let text = text(layout);
    let markdown = layout.markdown.as_deref().map(table::to_markdown).filter(|markdown| !markdown.is_empty());
    let mut page = Page::of_text(number, TextSource::Remote, text);
    (page.width, page.height) = (size.width, size.height);
    page.turned_degrees = turned_degrees;
    page.words = writer.words;
    if let Some(markdown) = markdown {
        page.markdown = markdown;
    }
    ReadPage { page, elements: elements.collect() }
}

/// Units of the page a pixel of the picture, across and down.
fn scale(layout: &Layout, size: PageSize) -> (f32, f32) {
    if let Some((width, height)) = layout.size {
        return (size.width / width, size.height / height);
    }
    let boxes =
        layout.blocks.iter().filter_map(|block| block.bounds).chain(layout.lines.iter().map(|line| line.bounds));
    let (right, bottom) = boxes.fold((0.0_f32, 0.0_f32), |(right, bottom), bounds| {
        (right.max(bounds.x + bounds.width), bottom.max(bounds.y + bounds.height))
    });
    // How many times larger than the page the picture is at least.
    let least = (right / size.width).max(bottom / size.height);
    let pixels = if least <= 1.0 { 1.0 } else { least.max(USUAL_SCALE) };
    (1.0 / pixels, 1.0 / pixels)
}

fn text(layout: &Layout) -> String {
    let blocks = layout.blocks.iter().map(|block| {
        if is_table(block) {
            let rows = table::rows(&block.content);
            rows.iter().map(|row| row.join("  ").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
        } else {
            block.content.trim().to_owned()
        }
    });
    let text = blocks.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        return layout.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
    }
    text
}

fn is_table(block: &Block) -> bool {
    block.content.trim_start().to_ascii_lowercase().starts_with('<')
        && block.content.to_ascii_lowercase().contains("<t")
}

/// Lines that stand beside each other, from the top.
fn rows_of(lines: &[Line]) -> Vec<Vec<&Line>> {
    let middle = |line: &Line| line.bounds.y + line.bounds.height / 2.0;
    let mut sorted: Vec<&Line> = lines.iter().collect();
    sorted.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
    let mut rows: Vec<Vec<&Line>> = Vec::new();
    for line in sorted {
        let fits = rows
            .last()
            .and_then(|row| row.first())
            .is_some_and(|first| middle(line) - middle(first) < first.bounds.height.min(line.bounds.height) / 2.0);
        match rows.last_mut().filter(|_| fits) {
            Some(row) => row.push(line),
            None => rows.push(vec![line]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.bounds.x.total_cmp(&b.bounds.x));
    }
    rows
}

/// Writes words down the page.
#[derive(Default)]
struct Writer {
    words: Vec<Word>,
    line: u32,
}

impl Writer {
    fn row(&mut self, row: &[&Line], place: impl Fn(BoundingBox) -> BoundingBox) {
        for line in row {
            self.write(&line.text, place(line.bounds), line.confidence.unwrap_or(CONFIDENCE));
        }
        self.line += 1;
    }

    /// Sets the lines of a block evenly inside its place.
    fn block(&mut self, block: &Block, bounds: BoundingBox) {
        if is_table(block) {
            self.table(&table::rows(&block.content), bounds);
            return;
        }
        let lines: Vec<&str> = block.content.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let longest = lines.iter().map(|line| length(line)).fold(1.0, f32::max);
        let height = bounds.height / count(lines.len());
        for (index, line) in lines.iter().enumerate() {
            let y = bounds.y + height * count_from_zero(index);
            let width = bounds.width * length(line) / longest;
            self.write(line, BoundingBox { x: bounds.x, y, width, height }, CONFIDENCE);
            self.line += 1;
        }
    }

    /// Rows evenly, columns as wide as their longest cell.
    fn table(&mut self, rows: &[Vec<String>], bounds: BoundingBox) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest =
            |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| length(cell)).fold(1.0, f32::max);
        let widths: Vec<f32> = (0..columns).map(widest).collect();
        let unit = bounds.width / widths.iter().sum::<f32>().max(1.0);
        let height = bounds.height / count(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let y = bounds.y + height * count_from_zero(index);
            let mut x = bounds.x;
            for (cell, width) in row.iter().zip(&widths) {
                let width = width * unit;
                self.write(cell, BoundingBox { x, y, width, height }, CONFIDENCE);
                x += width;
            }
            self.line += 1;
        }
    }

    /// Sets the words of a line by their lengths.
    fn write(&mut self, text: &str, bounds: BoundingBox, confidence: f32) {
        let unit = bounds.width / length(text).max(1.0);
        let mut x = bounds.x;
        let mut begin = 0;
        let mut words: Vec<(usize, &str)> = Vec::new();
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            if c.is_whitespace() {
                words.extend(text.get(begin..at).filter(|word| !word.is_empty()).map(|word| (begin, word)));
                begin = at + c.len_utf8();
            }
        }
        let mut passed = 0;
        for (begin, word) in words {
            x += unit * length(text.get(passed..begin).unwrap_or_default());
            let width = unit * length(word);
            let bounds = BoundingBox { x, y: bounds.y, width, height: bounds.height };
            self.words.push(Word { text: word.to_owned(), bounds, confidence, line: self.line });
            x += width;
            passed = begin + word.len();
        }
    }
}

/// How long a text is when it is printed: ideographs are twice as wide as letters.
fn length(text: &str) -> f32 {
    text.chars()
        .map(|c| {
            if matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{FF00}'..='\u{FF60}') {
                2.0
            } else {
                1.0
            }
        })
        .sum()
}

fn count(items: usize) -> f32 {
    count_from_zero(items.max(1))
}

fn count_from_zero(items: usize) -> f32 {
    f32::from(u16::try_from(items).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: PageSize = PageSize { width: 600.0, height: 800.0 };

    fn bounds(x: f32, y: f32, width: f32, height: f32) -> BoundingBox {
        BoundingBox { x, y, width, height }
    }

    fn block(label: &str, content: &str, bounds: BoundingBox) -> Block {
        Block { label: label.to_owned(), content: content.to_owned(), bounds: Some(bounds) }
    }

    fn places(page: &ReadPage) -> Vec<(&str, BoundingBox, u32)> {
        page.page.words.iter().map(|word| (word.text.as_str(), word.bounds, word.line)).collect()
    }

    #[test]
    fn lines_are_set_evenly_inside_their_block() {
        let layout = Layout {
            blocks: vec![block("text", "ab cd\n\n  efg ", bounds(200.0, 400.0, 100.0, 80.0))],
            size: Some((1200.0, 1600.0)),
            ..Layout::default()
        };
        let read = page(&layout, 3, SIZE);
        assert_eq!(
            places(&read),
            [
                ("ab", bounds(100.0, 200.0, 20.0, 20.0), 0),
                ("cd", bounds(130.0, 200.0, 20.0, 20.0), 0),
                ("efg", bounds(100.0, 220.0, 30.0, 20.0), 1)
            ]
        );
        assert_eq!((read.page.number, read.page.source), (3, TextSource::Remote));
        assert_eq!(read.page.confidence(), Some(0.9));
        assert_eq!(read.elements[0].position, Some(bounds(100.0, 200.0, 50.0, 40.0)));
        assert_eq!((read.elements[0].kind.as_str(), read.elements[0].confidence), ("text", 1.0));
    }

    #[test]
    fn cells_of_tables_have_places_and_rows_stay_rows() {
        let html = "<table><tr><td>Item</td><td>Amount</td></tr><tr><td>Rope</td><td>25.00</td></tr></table>";
        let layout = Layout { blocks: vec![block("table", html, bounds(0.0, 0.0, 100.0, 20.0))], ..Layout::default() };
        let read = page(&layout, 1, SIZE);
        assert_eq!(
            places(&read),
            [
                ("Item", bounds(0.0, 0.0, 40.0, 10.0), 0),
                ("Amount", bounds(40.0, 0.0, 60.0, 10.0), 0),
                ("Rope", bounds(0.0, 10.0, 40.0, 10.0), 1),
                ("25.00", bounds(40.0, 10.0, 60.0, 10.0), 1)
            ]
        );
        assert_eq!(read.page.text, "Item  Amount\nRope  25.00");
    }

    #[test]
    fn lines_with_places_of_their_own_are_used_and_stand_in_rows() {
        let line =
            |text: &str, x, y| Line { text: text.to_owned(), confidence: Some(0.7), bounds: bounds(x, y, 40.0, 10.0) };
        let lines = vec![line("105.00", 500.0, 102.0), line("Total", 10.0, 100.0), line("Invoice", 10.0, 10.0)];
        let read = page(&Layout { lines, ..Layout::default() }, 1, SIZE);
        let words: Vec<(&str, u32)> = read.page.words.iter().map(|word| (word.text.as_str(), word.line)).collect();
        assert_eq!(words, [("Invoice", 0), ("Total", 1), ("105.00", 1)]);
        assert_eq!(read.page.confidence(), Some(0.7));
        assert_eq!(read.page.text, "105.00\nTotal\nInvoice");
    }

    #[test]
    fn a_page_that_was_turned_and_one_without_a_size_keep_places_on_the_page() {
        let blocks = vec![block("text", "a", bounds(1000.0, 10.0, 200.0, 20.0))];
        let turned = page(
            &Layout { blocks: blocks.clone(), angle: 90, size: Some((1600.0, 1200.0)), ..Layout::default() },
            1,
            SIZE,
        );
        assert_eq!((turned.page.turned_degrees, turned.page.width, turned.page.height), (270, 800.0, 600.0));
        let guessed = page(&Layout { blocks, ..Layout::default() }, 1, SIZE);
        assert_eq!(guessed.page.words[0].bounds, bounds(500.0, 5.0, 100.0, 10.0));
        let huge = Layout { blocks: vec![block("text", "a", bounds(0.0, 0.0, 6000.0, 10.0))], ..Layout::default() };
        assert_eq!(page(&huge, 1, SIZE).page.words[0].bounds.width, 600.0);
        assert_eq!(page(&Layout::default(), 1, SIZE).page.words, []);
    }

    #[test]
    fn ideographs_are_wide_and_a_block_without_a_place_has_words_all_the_same() {
        let layout =
            Layout { blocks: vec![block("text", "合计 10", bounds(0.0, 0.0, 70.0, 10.0))], ..Layout::default() };
        assert_eq!(places(&page(&layout, 1, SIZE))[1].1, bounds(50.0, 0.0, 20.0, 10.0));
        let nowhere = Block { bounds: None, ..layout.blocks[0].clone() };
        let read = page(&Layout { blocks: vec![nowhere], ..Layout::default() }, 1, SIZE);
        assert_eq!(places(&read)[0], ("合计", BoundingBox::default(), 0));
    }
}
