//! What the page does not show as the XML says: people pay what they see, machines what the XML says.

use std::collections::{BTreeSet, HashSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use sluice_core::Page;

use super::convert::Term;
use super::map::Mapped;
use crate::validate::{Issue, Severity};

/// The machine word of these findings.
const CHECK: &str = "einvoice_differs";
/// The first three letters of months in the languages of Europe's invoices, folded.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen"],
    &["feb", "fev", "fév"],
    &["mar", "mär", "mrz", "maa"],
    &["apr", "avr", "abr"],
    &["may", "mai", "mei", "mag"],
    &["jun", "jui", "giu"],
    &["jul", "jui", "lug"],
    &["aug", "aou", "aoû", "ago"],
    &["sep", "set"],
    &["oct", "okt", "ott"],
    &["nov"],
    &["dec", "dez", "déc", "dic"],
];

/// What the pages do not show as the XML says, as warnings; nothing where no text was read.
#[must_use]
pub fn differences(mapped: &Mapped, pages: &[Page]) -> Vec<Issue> {
    let shown = Shown::of(pages);
    if shown.is_empty() {
        return Vec::new();
    }
    mapped.shown.iter().filter_map(|(path, term)| shown.difference(path, term)).collect()
}

/// What the pages show, in forms that can be searched.
struct Shown {
    /// Without signs: pages write credits in many ways.
    numbers: BTreeSet<Decimal>,
    dates: HashSet<NaiveDate>,
    /// All letters and digits, page by page.
    squeezed: Vec<String>,
}

impl Shown {
    fn of(pages: &[Page]) -> Self {
        let mut shown = Self { numbers: BTreeSet::new(), dates: HashSet::new(), squeezed: Vec::new() };
        for page in pages {
            let words: Vec<&str> = page.words.iter().map(|word| word.text.as_str()).collect();
            // Words stand in the order of reading, lines in the order of the page: a value may be whole in one only.
            for text in [words.join(" "), page.text.clone()] {
                read_numbers(&text, &mut shown.numbers);
                read_dates(&text, &mut shown.dates);
                shown.squeezed.push(squeeze(&text));
            }
        }
        shown
    }

    fn is_empty(&self) -> bool {
        self.squeezed.iter().all(String::is_empty)
    }

    fn difference(&self, path: &str, term: &Term) -> Option<Issue> {
        let (is_shown, told, near) = match term {
            Term::Amount(number) | Term::Measure(number) => {
                let wanted = number.normalize().abs();
                let is_shown = wanted.is_zero() || self.numbers.contains(&wanted);
                (is_shown, number.to_string(), self.nearest(wanted))
            }
            Term::Date(date) => (self.dates.contains(date), date.to_string(), None),
            Term::Text(text) => (self.shows(&squeeze(text)), text.clone(), None),
            Term::Words(_) => return None,
        };
        if is_shown {
            return None;
        }
        let message = near.map_or_else(
            || format!("the e-invoice says {told}, which no page shows"),
            |near| format!("the e-invoice says {told}, the page shows {near}"),
        );
        let expected = near.and_then(|near| serde_json::from_str(&near.to_string()).ok());
        Some(Issue {
            severity: Severity::Warning,
            actual: Some(Value::String(told)),
            expected,
            check: Some(CHECK.to_owned()),
            ..Issue::error(path.to_owned(), message)
        })
    }

    /// Whether a page shows a code; a long one may be broken into two rows of a cell.
    fn shows(&self, code: &str) -> bool {
        const PART: usize = 4;
        const LONG: usize = 12;
        let is_broken = |page: &str| {
            let places = code.char_indices().skip(PART).map(|(place, _)| place);
            let mut halves = places.filter_map(|place| code.split_at_checked(place));
            halves.any(|(head, tail)| tail.len() >= PART && page.contains(head) && page.contains(tail))
        };
        self.squeezed.iter().any(|page| page.contains(code) || (code.len() >= LONG && is_broken(page)))
    }

    /// A number of the page that differs in its last places only, as one rounded in another way does.
    fn nearest(&self, wanted: Decimal) -> Option<Decimal> {
        let bound = (wanted / Decimal::from(1000)).max(Decimal::new(5, 2)).min(Decimal::ONE);
        let near = self.numbers.range(wanted - bound..=wanted + bound);
        near.min_by_key(|near| (**near - wanted).abs()).copied()
    }
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Takes in every number of a text, in each way in which it can be read.
fn read_numbers(text: &str, numbers: &mut BTreeSet<Decimal>) {
    let letters: Vec<char> = text.chars().collect();
    let mut place = 0;
    while let Some(&letter) = letters.get(place) {
        if !letter.is_ascii_digit() {
            place += 1;
            continue;
        }
        let begin = place;
        // Spaces part groups of three digits; the parts before one may be a number by themselves.
        let mut ends = Vec::new();
        while let Some(&letter) = letters.get(place) {
            let digits_follow =
                |count: usize| (1..=count).all(|step| letters.get(place + step).is_some_and(char::is_ascii_digit));
            let is_group_end = || !letters.get(place + 4).is_some_and(char::is_ascii_digit);
            match letter {
                '0'..='9' => {}
                '.' | ',' | '\'' | '’' if digits_follow(1) => {}
                ' ' | '\u{a0}' | '\u{202f}' if digits_follow(3) && is_group_end() => ends.push(place),
                _ => break,
            }
            place += 1;
        }
        ends.push(place);
        let starts = std::iter::once(begin).chain(ends.iter().map(|end| end + 1));
        for start in starts {
            for end in ends.iter().filter(|end| **end > start) {
                let part: String = letters.get(start..*end).unwrap_or_default().iter().collect();
                numbers.extend(readings(&part));
            }
        }
    }
}

/// A number with marks, read with its last mark as the decimal one and with all marks between groups.
fn readings(part: &str) -> impl Iterator<Item = Decimal> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let whole = digits(part);
    let with_fraction = part
        .rfind(['.', ','])
        .and_then(|mark| part.split_at_checked(mark))
        .map(|(head, tail)| format!("{}.{}", digits(head), digits(tail)));
    // Longer ones are account numbers.
    let read = |text: String| if text.len() > 20 { None } else { Decimal::from_str_exact(&text).ok() };
    [Some(whole), with_fraction].into_iter().flatten().filter_map(read).map(|number| number.normalize())
}

/// Takes in every date of a text, in each way in which it can be read.
fn read_dates(text: &str, dates: &mut HashSet<NaiveDate>) {
    let parts = date_parts(text);
    for part in &parts {
        if let Part::Number(number, 8) = part
            && let Ok(date) = NaiveDate::parse_from_str(&format!("{number:08}"), "%Y%m%d")
        {
            dates.insert(date);
        }
    }
    for three in parts.windows(3) {
        let [a, b, c] = three else { continue };
        for (day, month, year) in [(a, b, c), (b, a, c), (c, b, a)] {
            if let (Some(day), Some(year)) = (day.day(), year.year()) {
                dates.extend(month.months().filter_map(|month| NaiveDate::from_ymd_opt(year, month, day)));
            }
        }
    }
}

/// A run of digits with its length, or the beginning of a word.
#[derive(Debug)]
enum Part {
    Number(u32, usize),
    Word(String),
}

impl Part {
    fn day(&self) -> Option<u32> {
        if let Self::Number(number @ 1..=31, 1..=2) = self { Some(*number) } else { None }
    }

    fn year(&self) -> Option<i32> {
        match self {
            Self::Number(number, 4) => i32::try_from(*number).ok(),
            Self::Number(number, 2) => i32::try_from(2000 + number).ok(),
            _ => None,
        }
    }

    fn months(&self) -> impl Iterator<Item = u32> {
        let named = |number: u32, names: &[&str]| match self {
            Self::Number(told, 1..=2) => *told == number,
            Self::Number(..) => false,
            Self::Word(word) => names.contains(&word.as_str()),
        };
        (1..)
            .zip(MONTHS)
            .filter(move |(number, names)| named(*number, names))
            .map(|(number, _)| number)
            .collect::<Vec<_>>()
            .into_iter()
    }
}

fn date_parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut run = String::new();
    for letter in text.chars().chain([' ']) {
        let goes_on = run.chars().next().is_some_and(|first| first.is_ascii_digit() == letter.is_ascii_digit());
        let is_over = !letter.is_alphanumeric() || !goes_on;
        if is_over && !run.is_empty() {
            let length = run.chars().count();
            if let Ok(number) = run.parse() {
                parts.push(Part::Number(number, length));
            } else if length > 2 {
                parts.push(Part::Word(run.to_lowercase().chars().take(3).collect()));
            }
            run.clear();
        }
        if letter.is_alphanumeric() {
            run.push(letter);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        read_numbers(text, &mut found);
        found.into_iter().map(|number| number.to_string()).collect()
    }

    fn has_date(text: &str, date: (i32, u32, u32)) -> bool {
        let mut found = HashSet::new();
        read_dates(text, &mut found);
        found.contains(&NaiveDate::from_ymd_opt(date.0, date.1, date.2).unwrap())
    }

    #[test]
    fn numbers_are_read_in_every_notation() {
        for text in ["1.234,56 €", "1,234.56", "1 234,56", "1'234.56", "EUR1234.56-", "x 1\u{202f}234,56"] {
            assert!(numbers(text).contains(&"1234.56".to_owned()), "{text}: {:?}", numbers(text));
        }
        // Columns that stand close together are numbers of their own too.
        let found = numbers("2 100,00");
        assert!(found.contains(&"100".to_owned()) && found.contains(&"2100".to_owned()), "{found:?}");
        assert_eq!(numbers("abc . , '"), Vec::<String>::new());
        assert_eq!(numbers(&"9".repeat(100_000)), Vec::<String>::new());
    }

    #[test]
    fn dates_are_read_in_every_notation() {
        for text in [
            "2024-03-05",
            "05.03.2024",
            "5.3.24",
            "05/03/2024",
            "03/05/2024",
            "5. März 2024",
            "March 5, 2024",
            "5 mars 2024",
            "2024年3月5日",
            "20240305",
            "5-Mar-2024",
        ] {
            assert!(has_date(text, (2024, 3, 5)), "{text}");
        }
        assert!(!has_date("2024 5", (2024, 3, 5)) && !has_date("5. Mai 2024", (2024, 3, 5)));
    }
}
