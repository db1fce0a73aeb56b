//! Sets words on a grid of characters, so that rows and columns of the page stay rows and columns of the text.

use sluice_core::Word;
use sluice_core::page::is_wide;

/// The widest line that is kept as it stands; wider pages are set closer.
const MAX_COLUMNS: f32 = 180.0;

/// Puts the words into reading order, numbers their lines, and answers the text (words of a line with single spaces) and
/// the markdown (words at their columns).
pub fn set_on_grid(words: Vec<Word>) -> (Vec<Word>, String, String) {
    let lines = into_lines(words);
    let text = lines.iter().map(|line| join_line(line)).collect::<Vec<_>>().join("\n");
    let markdown = set_lines(&lines);
    let mut ordered = Vec::new();
    for (number, line) in (0..).zip(lines) {
        ordered.extend(line.into_iter().map(|word| Word { line: number, ..word }));
    }
    (ordered, text, markdown)
}

/// Groups words into lines from the top. A word joins the line whose last word to the left of it stands at its height, so
/// that lines of a slightly turned scan stay together.
fn into_lines(mut words: Vec<Word>) -> Vec<Vec<Word>> {
    words.retain(|word| !word.text.trim().is_empty());
    words.sort_by(|a, b| a.bounds.x.total_cmp(&b.bounds.x));
    let mut lines: Vec<Vec<Word>> = Vec::new();
    for word in words {
        let nearest = lines
            .iter_mut()
            .filter_map(|line| {
                let last = line.last()?;
                let height = last.bounds.height.min(word.bounds.height).max(1.0);
                let distance = (middle(last) - middle(&word)).abs();
                (distance < height * 0.6).then_some((distance, line))
            })
            .min_by(|(a, _), (b, _)| a.total_cmp(b));
        match nearest {
            Some((_, line)) => line.push(word),
            None => lines.push(vec![word]),
        }
    }
    lines.sort_by(|a, b| line_middle(a).total_cmp(&line_middle(b)));
    lines
}

fn middle(word: &Word) -> f32 {
    word.bounds.y + word.bounds.height / 2.0
}

fn line_middle(line: &[Word]) -> f32 {
    median(line.iter().map(middle).collect()).unwrap_or(0.0)
}

/// The middle value, the lower of two.
fn median(mut values: Vec<f32>) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}

fn join_line(line: &[Word]) -> String {
    line.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn set_lines(lines: &[Vec<Word>]) -> String {
    let left = lines.iter().flatten().map(|word| word.bounds.x).fold(f32::INFINITY, f32::min);
    let right = lines.iter().flatten().map(|word| word.bounds.x + word.bounds.width).fold(0.0, f32::max);
    let widths = lines.iter().flatten().filter(|word| columns_of(&word.text) >= 2.0);
    let character = median(widths.map(|word| word.bounds.width / columns_of(&word.text)).collect());
    let character = character.unwrap_or(1.0).max((right - left) / MAX_COLUMNS).max(f32::MIN_POSITIVE);
    let middles: Vec<f32> = lines.iter().map(|line| line_middle(line)).collect();
    let pitch = median(middles.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?)).collect());
    let pitch = pitch.unwrap_or(1.0).max(f32::MIN_POSITIVE);

    let mut markdown = String::new();
    let mut previous: Option<f32> = None;
    for (line, middle) in lines.iter().zip(middles) {
        if let Some(previous) = previous {
            markdown.push('\n');
            if middle - previous > pitch * 1.8 {
                markdown.push('\n');
            }
        }
        markdown.push_str(&set_line(line, left, character));
        previous = Some(middle);
    }
    markdown
}

fn set_line(line: &[Word], left: f32, character: f32) -> String {
    let mut set = String::new();
    let mut columns = 0.0_f32;
    let mut last: Option<&Word> = None;
    for word in line {
        let target = ((word.bounds.x - left) / character).round();
        let gap = last.map_or(f32::INFINITY, |last| word.bounds.x - (last.bounds.x + last.bounds.width));
        let is_wide = last.is_some_and(|last| ends_wide(&last.text)) || starts_wide(&word.text);
        let column = if gap < character * 0.8 && is_wide {
            // Scripts without spaces run on where the print does.
            columns
        } else if gap < character * 1.6 {
            // The space between words of one cell.
            columns + 1.0
        } else if last.is_none() {
            target
        } else {
            target.max(columns + 1.0)
        };
        while columns < column {
            set.push(' ');
            columns += 1.0;
        }
        set.push_str(&word.text);
        columns += columns_of(&word.text);
        last = Some(word);
    }
    set
}

/// Columns that a text takes: two for each wide character.
fn columns_of(text: &str) -> f32 {
    text.chars().map(|c| if is_wide(c) { 2.0 } else { 1.0 }).sum()
}

fn starts_wide(text: &str) -> bool {
    text.chars().next().is_some_and(is_wide)
}

fn ends_wide(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_wide)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sluice_core::BoundingBox;

    fn word(text: &str, x: f32, y: f32) -> Word {
        let bounds = BoundingBox { x, y, width: 10.0 * columns_of(text), height: 12.0 };
        Word { text: text.to_owned(), bounds, confidence: 1.0, line: 0 }
    }

    #[test]
    fn columns_of_a_table_stay_columns() {
        let words = vec![
            word("80.00", 300.0, 40.5),
            word("Rope", 0.0, 20.0),
            word("Anchor", 0.0, 40.0),
            word("25.00", 300.0, 20.2),
            word("Total", 0.0, 100.0),
        ];
        let (ordered, text, markdown) = set_on_grid(words);
        assert_eq!(text, "Rope 25.00\nAnchor 80.00\nTotal");
        assert_eq!(markdown, "Rope                          25.00\nAnchor                        80.00\n\nTotal");
        assert_eq!(ordered.iter().map(|word| word.line).collect::<Vec<_>>(), [0, 0, 1, 1, 2]);
    }

    #[test]
    fn lines_of_a_slightly_turned_scan_stay_together() {
        let slope = 0.02;
        let words = (0..3_u8)
            .flat_map(|row| {
                (0..6_u8).map(move |column| {
                    let (x, y) = (f32::from(column) * 120.0_f32, f32::from(row) * 20.0_f32);
                    word(&format!("r{row}c{column}"), x, y + x * slope)
                })
            })
            .collect();
        let (_, text, _) = set_on_grid(words);
        assert_eq!(text, "r0c0 r0c1 r0c2 r0c3 r0c4 r0c5\nr1c0 r1c1 r1c2 r1c3 r1c4 r1c5\nr2c0 r2c1 r2c2 r2c3 r2c4 r2c5");
    }

    #[test]
    fn chinese_runs_on_without_spaces_and_keeps_its_columns() {
        let words = vec![word("发", 0.0, 0.0), word("票", 20.0, 0.0), word("100.00", 200.0, 0.0)];
        let (_, _, markdown) = set_on_grid(words);
        assert_eq!(markdown, "发票                100.00");
    }

    proptest! {
        #[test]
        fn no_word_is_lost_and_none_runs_into_another(
            places in proptest::collection::vec(("[a-z0-9.]{1,12}", 0.0_f32..600.0, 0.0_f32..800.0), 0..60)
        ) {
            let words: Vec<Word> = places.iter().map(|(text, x, y)| word(text, *x, *y)).collect();
            let mut expected: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
            let (ordered, text, markdown) = set_on_grid(words);
            let mut found: Vec<String> = markdown.split_whitespace().map(str::to_owned).collect();
            let same_order: Vec<String> = ordered.into_iter().map(|word| word.text).collect();
            prop_assert_eq!(&found, &same_order);
            prop_assert_eq!(text.split_whitespace().collect::<Vec<_>>(), same_order);
            expected.sort();
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
