//! Text on a grid of characters: cells are what stands between wide gaps.

use sluice_core::page::is_wide;

/// A cell of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// The column where it begins.
    pub(crate) start: usize,
    /// The column behind its end.
    pub(crate) end: usize,
}

impl Cell {
    /// Whether it is an amount, a count or a rate: digits, marks, and hardly a letter.
    pub(crate) fn is_number(&self) -> bool {
        let digits = self.text.chars().filter(char::is_ascii_digit).count();
        let letters = self.text.chars().filter(|c| c.is_alphabetic()).count();
        let slashes = self.text.matches(['/', ':']).count();
        digits > 0 && letters <= 3 && letters <= digits && slashes == 0
    }
}

/// The cells of a line: parts with two spaces or more between them. A column is a character, or half of a wide one.
pub(crate) fn cells(line: &str) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    let mut column = 0;
    let mut spaces = 2;
    for character in line.chars() {
        if character.is_whitespace() {
            spaces += 1;
            column += 1;
            continue;
        }
        let width = if is_wide(character) { 2 } else { 1 };
        match cells.last_mut() {
            Some(cell) if spaces < 2 => {
                if spaces == 1 {
                    cell.text.push(' ');
                }
                cell.text.push(character);
                cell.end = column + width;
            }
            _ => cells.push(Cell { text: character.to_string(), start: column, end: column + width }),
        }
        spaces = 0;
        column += width;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_between_gaps() {
        let found = cells("  Rope 10 m    2   EUR 25.00");
        let told: Vec<(&str, usize, usize)> =
            found.iter().map(|cell| (cell.text.as_str(), cell.start, cell.end)).collect();
        assert_eq!(told, [("Rope 10 m", 2, 11), ("2", 15, 16), ("EUR 25.00", 19, 28)]);
        assert_eq!(found.iter().map(Cell::is_number).collect::<Vec<_>>(), [false, true, true]);
        assert_eq!(cells("发票  1")[1].start, 6);
        assert!(cells("   ").is_empty());
    }
}
