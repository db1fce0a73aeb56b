//! Where the rows of a document's table stand, so that a long list can be asked for part by part and none of it gets lost.
//!
//! What is looked at is the text on its grid of characters: a row has words and ends in a number, and the numbers at the
//! ends of a table's rows stand under one another.

use std::ops::Range;

use sluice_core::Page;

use crate::grid::{self, Cell};

/// How far the ends of a column's numbers may be apart, in characters.
const ALIGNED: usize = 2;
/// Lines below the last row that may still belong to it.
const TAIL_LINES: usize = 5;
/// Lines above the first row among which the heads of the columns are looked for.
const HEAD_LINES: usize = 5;
/// Lines that a row takes, where no rows are known.
const LINES_PER_ROW: usize = 2;

/// Words of lines that sum up. A line with one of them and few numbers is no row.
const SUMS: &[&str] = &[
    "total",
    "totals",
    "subtotal",
    "summe",
    "zwischensumme",
    "gesamt",
    "gesamtbetrag",
    "gesamtsumme",
    "netto",
    "nettobetrag",
    "brutto",
    "bruttobetrag",
    "rechnungsbetrag",
    "mwst",
    "ust",
    "vat",
    "tax",
    "gst",
    "tva",
    "iva",
    "btw",
    "ht",
    "ttc",
    "totaal",
    "subtotaal",
    "importe",
    "saldo",
    "balance",
    "due",
    "change",
    "cash",
    "visa",
    "mastercard",
    "rounding",
    "tip",
    "übertrag",
    "carried",
    "forward",
    "montant",
    "somme",
    "zahlbetrag",
    "合计",
    "小计",
    "总计",
    "价税合计",
    "税额",
];
/// Beginnings of words that sum up a part only: more rows may follow.
const PART_SUMS: &[&str] = &["sub", "zwischen", "sous", "übertrag", "carried", "forward", "小计"];

/// The lines of a document and which of them are rows of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    lines: Vec<Line>,
    columns: String,
    /// The lines that the table takes.
    table: Range<usize>,
    evident: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    text: String,
    is_row: bool,
}

/// A part of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    lines: Range<usize>,
    /// Rows that it seems to have.
    pub rows: usize,
}

/// What a line looks like.
struct Shape {
    cells: Vec<Cell>,
    numbers: usize,
    /// Where its last number begins and ends; absent when the line can't be a row.
    number: Option<(usize, usize)>,
    sums: Option<Sum>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sum {
    Part,
    Whole,
}

impl Rows {
    /// Looks for the rows of some pages.
    #[must_use]
    pub fn find(pages: &[Page]) -> Self {
        let mut lines = Vec::new();
        let (mut evident, mut several) = (0, 0);
        let mut columns = String::new();
        for page in pages {
            let first = lines.len();
            let texts: Vec<&str> = page.markdown.lines().collect();
            let shapes: Vec<Shape> = texts.iter().map(|text| Shape::of(text)).collect();
            let is_row = column_of_numbers(&shapes);
            let mut has_ended = false;
            for ((text, shape), is_row) in texts.iter().zip(&shapes).zip(&is_row) {
                has_ended |= shape.sums == Some(Sum::Whole) && lines.iter().skip(first).any(|line: &Line| line.is_row);
                if *is_row && !has_ended {
                    evident += 1;
                    several += usize::from(shape.numbers >= 2);
                }
                lines.push(Line { text: (*text).to_owned(), is_row: *is_row });
            }
            if let (true, Some(row)) = (columns.is_empty(), is_row.iter().position(|is_row| *is_row)) {
                columns = head(&texts, &shapes, row);
            }
        }
        let table = extent(&lines);
        // One number at the end of a line is what any list of amounts has.
        let is_table = evident >= 2 && several * 10 >= evident * 7;
        Self { lines, columns, table, evident: if is_table { evident } else { 0 } }
    }

    /// The rows that the document evidently has; 0 when it has no table that could be told from other text.
    #[must_use]
    pub const fn evident(&self) -> usize {
        self.evident
    }

    /// The line above the columns; empty when there is none.
    #[must_use]
    pub fn columns(&self) -> &str {
        &self.columns
    }

    /// The table in parts of at most so many rows each, in order.
    #[must_use]
    pub fn parts(&self, max_rows: usize) -> Vec<Part> {
        self.cut(self.table.clone(), max_rows.max(1))
    }

    /// A part in two; `None` when it has one row only.
    #[must_use]
    pub fn halve(&self, part: &Part) -> Option<Vec<Part>> {
        let parts = if part.rows > 1 {
            self.cut(part.lines.clone(), part.rows.div_ceil(2))
        } else {
            self.even(part.lines.clone(), part.lines.len().div_ceil(2))
        };
        (parts.len() > 1).then_some(parts)
    }

    /// The text of a part.
    #[must_use]
    pub fn text(&self, part: &Part) -> String {
        let lines = self.lines.get(part.lines.clone()).unwrap_or_default();
        lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn cut(&self, lines: Range<usize>, max_rows: usize) -> Vec<Part> {
        let numbered = self.lines.iter().enumerate().take(lines.end).skip(lines.start);
        let rows: Vec<usize> = numbered.filter(|(_, line)| line.is_row).map(|(number, _)| number).collect();
        if rows.is_empty() {
            return self.even(lines, max_rows.saturating_mul(LINES_PER_ROW));
        }
        let mut parts = Vec::new();
        let mut start = lines.start;
        let mut chunks = rows.chunks(max_rows).peekable();
        while let Some(chunk) = chunks.next() {
            let end = chunks.peek().and_then(|next| next.first()).copied().unwrap_or(lines.end);
            parts.push(Part { lines: start..end, rows: chunk.len() });
            start = end;
        }
        parts
    }

    fn even(&self, lines: Range<usize>, count: usize) -> Vec<Part> {
        let count = count.max(1);
        let starts = lines.clone().step_by(count);
        let parts = starts.map(|start| Part { lines: start..(start + count).min(lines.end), rows: 0 });
        parts.filter(|part| !self.text(part).trim().is_empty()).collect()
    }
}

impl Shape {
    fn of(text: &str) -> Self {
        let cells = grid::cells(text);
        let numbers = cells.iter().filter(|cell| cell.is_number()).count();
        let words: Vec<&str> = cells.iter().filter(|cell| !cell.is_number()).map(|cell| cell.text.as_str()).collect();
        let has_words = words.iter().any(|text| text.chars().filter(|c| c.is_alphabetic()).count() >= 2);
        let sums = if numbers <= 2 { words.iter().find_map(|text| sum(text)) } else { None };
        let last = cells.last().filter(|cell| cell.is_number()).map(|cell| (cell.start, cell.end));
        let number = last.filter(|_| sums.is_none() && (has_words && numbers >= 1 || numbers >= 3));
        Self { cells, numbers, number, sums }
    }
}

fn sum(text: &str) -> Option<Sum> {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let mut found = None;
    for word in words {
        if PART_SUMS.iter().any(|start| word.starts_with(start)) {
            return Some(Sum::Part);
        }
        if SUMS.contains(&word) {
            found = Some(Sum::Whole);
        }
    }
    found
}

/// Which lines of a page are rows: the most whose last numbers stand under one another, by their ends or their beginnings.
fn column_of_numbers(shapes: &[Shape]) -> Vec<bool> {
    let aligned = |place: fn((usize, usize)) -> usize| {
        let places: Vec<Option<usize>> = shapes.iter().map(|shape| shape.number.map(place)).collect();
        let count = |at: usize| places.iter().flatten().filter(|place| place.abs_diff(at) <= ALIGNED).count();
        let best = places.iter().flatten().copied().max_by_key(|at| count(*at));
        let is_row =
            move |place: &Option<usize>| place.zip(best).is_some_and(|(place, best)| place.abs_diff(best) <= ALIGNED);
        places.iter().map(is_row).collect::<Vec<bool>>()
    };
    let (by_end, by_start) = (aligned(|(_, end)| end), aligned(|(start, _)| start));
    let rows = |lines: &[bool]| lines.iter().filter(|is_row| **is_row).count();
    if rows(&by_start) > rows(&by_end) { by_start } else { by_end }
}

/// The heads of the columns: the last line above the first row that has several cells and few digits.
fn head(texts: &[&str], shapes: &[Shape], row: usize) -> String {
    let above = texts.iter().zip(shapes).take(row).rev().take(HEAD_LINES);
    let is_head = |(text, shape): &(&&str, &Shape)| {
        let digits = text.chars().filter(char::is_ascii_digit).count();
        shape.cells.len() >= 3 && digits * 5 <= text.chars().filter(|c| c.is_alphanumeric()).count()
    };
    above.filter(is_head).map(|(text, _)| (*text).to_owned()).next().unwrap_or_default()
}

/// From the heads of the columns above the first row to some lines below the last; all lines when there are no rows.
fn extent(lines: &[Line]) -> Range<usize> {
    let first = lines.iter().position(|line| line.is_row);
    let last = lines.iter().rposition(|line| line.is_row);
    match first.zip(last) {
        Some((first, last)) => first.saturating_sub(HEAD_LINES)..(last + 1 + TAIL_LINES).min(lines.len()),
        None => 0..lines.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sluice_core::TextSource;

    fn page(markdown: String) -> Page {
        Page::of_text(1, TextSource::TextLayer, markdown)
    }

    fn table(rows: Range<usize>) -> String {
        let head =
            "ACME Ltd                         Invoice 4711\n\nItem            Qty     Price     Amount\n".to_owned();
        let row = |n: usize| {
            format!("Part no {n:<10} {:>2} {:>9}.00 {:>8}.00\n    in a box\n", n % 7 + 1, n, n * (n % 7 + 1))
        };
        head + &rows.map(row).collect::<String>()
            + "\nTotal                              9999.00\nVAT 19 %                            999.00\n"
    }

    #[test]
    fn rows_are_told_from_totals_and_other_lines() {
        let rows = Rows::find(&[page(table(1..31))]);
        assert_eq!(rows.evident(), 30);
        assert!(rows.columns().starts_with("Item  "), "{}", rows.columns());
        let letter = "Dear Sir,\nplease find the 3 items of 2026 enclosed.\nYours, John\nPhone 12345\nTotal   9.00\n";
        assert_eq!(Rows::find(&[page(letter.to_owned())]).evident(), 0);
    }

    #[test]
    fn rows_of_all_pages_count() {
        assert_eq!(Rows::find(&[page(table(1..31)), page(table(31..51))]).evident(), 50);
    }

    #[test]
    fn parts_have_whole_rows_and_together_all() {
        let rows = Rows::find(&[page(table(1..31))]);
        let parts = rows.parts(8);
        assert_eq!(parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [8, 8, 8, 6]);
        let text = rows.text(&parts[1]);
        assert!(text.starts_with("Part no 9 ") && text.trim_end().ends_with("in a box"), "{text}");
        let halves = rows.halve(&parts[3]).unwrap();
        assert_eq!(halves.iter().map(|part| part.rows).collect::<Vec<_>>(), [3, 3]);
        assert_eq!(rows.text(&halves[0]) + "\n" + &rows.text(&halves[1]), rows.text(&parts[3]));
    }

    #[test]
    fn text_without_rows_is_cut_by_lines() {
        let text: String = (0..20).map(|n| format!("line {n}\n")).collect();
        let rows = Rows::find(&[page(text)]);
        assert_eq!(rows.parts(5).len(), 2);
        let part = rows.parts(100).remove(0);
        assert_eq!(rows.halve(&part).unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn parts_never_lose_a_line_of_the_table(count in 1_usize..60, max in 1_usize..20) {
            let rows = Rows::find(&[page(table(1..count + 1))]);
            let all: Vec<String> = rows.parts(max).iter().map(|part| rows.text(part)).collect();
            let all = all.join("\n");
            for n in 1..=count {
                let name = format!("Part no {n} ");
                prop_assert_eq!(all.matches(name.as_str()).count(), 1, "{}", name);
            }
        }
    }
}
