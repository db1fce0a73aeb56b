//! Tables of a page: rows whose cells stand under each other.

use sluice_core::{BoundingBox, Page, Word};

/// Fewer rows under each other are no table.
const FEWEST_ROWS: usize = 3;
/// Fewer cells in a row are no row of a table: two are a label and its value.
const FEWEST_CELLS: usize = 3;

/// A table as it stands on a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The first row, where it has no numbers.
    pub header: Option<Vec<String>>,
    /// The other rows, each with as many cells as there are columns; a cell that is not there is empty.
    pub rows: Vec<Vec<String>>,
    /// Its place.
    pub bounds: BoundingBox,
}

#[derive(Debug, Clone)]
struct Cell {
    text: String,
    bounds: BoundingBox,
}

/// Finds the tables of a page, from the top.
#[must_use]
pub fn find(page: &Page) -> Vec<Table> {
    let lines: Vec<Vec<Cell>> = page.words.chunk_by(|a, b| a.line == b.line).map(cells_of).collect();
    let mut tables = Vec::new();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for line in lines {
        let goes_on = line.len() >= FEWEST_CELLS && rows.last().is_none_or(|above| stands_under(&line, above));
        if !goes_on {
            tables.extend(table_of(&rows));
            rows.clear();
        }
        if line.len() >= FEWEST_CELLS {
            rows.push(line);
        }
    }
    tables.extend(table_of(&rows));
    tables
}

/// The words of a line, joined where only a space is between them.
fn cells_of(line: &[Word]) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    for word in line {
        let bounds = word.bounds;
        match cells.last_mut() {
            Some(cell) if bounds.x - right(cell.bounds) < bounds.height.min(cell.bounds.height) * 0.9 => {
                cell.text.push(' ');
                cell.text.push_str(&word.text);
                cell.bounds = around(cell.bounds, bounds);
            }
            _ => cells.push(Cell { text: word.text.clone(), bounds }),
        }
    }
    cells
}

/// Whether two of the cells begin or end where cells of the row above do.
fn stands_under(line: &[Cell], above: &[Cell]) -> bool {
    let is_aligned = |cell: &&Cell| {
        let near = cell.bounds.height.max(1.0);
        above.iter().any(|other| {
            (cell.bounds.x - other.bounds.x).abs() < near || (right(cell.bounds) - right(other.bounds)).abs() < near
        })
    };
    line.iter().filter(is_aligned).count() >= 2
}

fn table_of(rows: &[Vec<Cell>]) -> Option<Table> {
    if rows.len() < FEWEST_ROWS {
        return None;
    }
    let columns = rows.iter().max_by_key(|row| row.len())?;
    let mut texts: Vec<Vec<String>> = rows.iter().map(|row| in_columns(row, columns)).collect();
    let bounds = rows.iter().flatten().map(|cell| cell.bounds).reduce(around)?;
    let has_numbers = |row: &Vec<String>| row.iter().any(|cell| cell.chars().any(|c| c.is_ascii_digit()));
    let header = texts.first().is_some_and(|first| !has_numbers(first)).then(|| texts.remove(0));
    Some(Table { header, rows: texts, bounds })
}

/// Puts each cell into the column that it overlaps most, or else stands nearest to.
fn in_columns(row: &[Cell], columns: &[Cell]) -> Vec<String> {
    let mut texts = vec![String::new(); columns.len()];
    for cell in row {
        let overlap = |column: &Cell| right(cell.bounds).min(right(column.bounds)) - cell.bounds.x.max(column.bounds.x);
        let best = (0_usize..).zip(columns).max_by(|(_, a), (_, b)| overlap(a).total_cmp(&overlap(b)));
        if let Some(text) = best.and_then(|(place, _)| texts.get_mut(place)) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&cell.text);
        }
    }
    texts
}

fn right(bounds: BoundingBox) -> f32 {
    bounds.x + bounds.width
}

fn around(a: BoundingBox, b: BoundingBox) -> BoundingBox {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    BoundingBox { x, y, width: right(a).max(right(b)) - x, height: (a.y + a.height).max(b.y + b.height) - y }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_core::TextSource;

    /// A page of lines; words stand at the columns of their characters, five units each.
    fn page(lines: &[&str]) -> Page {
        let mut words = Vec::new();
        for (number, line) in (0_u8..).zip(lines) {
            let mut column = 0_u16;
            for text in line.split(' ') {
                let length = u16::try_from(text.chars().count()).unwrap();
                let bounds = BoundingBox {
                    x: f32::from(column) * 5.0,
                    y: f32::from(number) * 12.0,
                    width: f32::from(length) * 5.0,
                    height: 10.0,
                };
                if length > 0 {
                    words.push(Word { text: text.to_owned(), bounds, confidence: 1.0, line: number.into() });
                }
                column += length + 1;
            }
        }
        Page { width: 600.0, height: 800.0, words, ..Page::of_text(1, TextSource::TextLayer, "") }
    }

    #[test]
    fn rows_under_a_header_are_a_table_and_what_is_around_is_not() {
        let tables = find(&page(&[
            "Harbour Supplies Limited",
            "Invoice          4711",
            "Item             Quantity     Price    Amount",
            "Blue rope               3      1.00      3.00",
            "Anchor                  1                2.50",
            "Paint, red             12      0.50      6.00",
            "Total                                   11.50",
        ]));
        assert_eq!(tables.len(), 1, "{tables:?}");
        assert_eq!(tables[0].header.as_deref(), Some(&["Item", "Quantity", "Price", "Amount"].map(str::to_owned)[..]));
        assert_eq!(
            tables[0].rows,
            [["Blue rope", "3", "1.00", "3.00"], ["Anchor", "1", "", "2.50"], ["Paint, red", "12", "0.50", "6.00"]]
        );
        assert_eq!(tables[0].bounds.y, 24.0);
    }

    #[test]
    fn text_and_labels_with_values_are_no_table() {
        assert_eq!(find(&page(&["Dear Sir or Madam", "we thank you for your order", "and remain", "yours"])), []);
        assert_eq!(find(&page(&["Number     4711", "Date       2026-03-14", "Customer   17", "Due        now"])), []);
        assert_eq!(find(&page(&[])), []);
    }
}
