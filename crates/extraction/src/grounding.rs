//! Finds where on the pages each extracted value is printed.
//!
//! The model is not asked: a value's characters are looked up among the words of the pages, in any notation of numbers,
//! dates and times, with the confusions of scans allowed for, and of several places the one is chosen that row, column,
//! label and neighbours speak for.

mod choose;
#[cfg(test)]
pub(crate) mod drawing;
mod fold;
mod index;
mod leaves;
mod notation;
mod rows;
mod search;
mod similar;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_core::{BoundingBox, Page};

use self::choose::Choice;
use self::index::Index;
use self::leaves::Leaf;
use self::search::{Places, Search};
pub(crate) use crate::schema::has_type;

/// The longest text that a citation quotes, in characters.
const MAX_TEXT: usize = 500;

/// How a value was found on its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchKind {
    /// As it is.
    Exact,
    /// In another notation: of a number, a date, capitals, spaces.
    Normalized,
    /// With misread characters, or in part.
    Fuzzy,
    /// Not printed, but it follows from the page: a currency from its sign, a choice of the schema.
    Derived,
    /// Not at all.
    NotFound,
}

impl MatchKind {
    /// The word in tables and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Normalized => "normalized",
            Self::Fuzzy => "fuzzy",
            Self::Derived => "derived",
            Self::NotFound => "not_found",
        }
    }
}

impl fmt::Display for MatchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no kind of match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of match")]
pub struct UnknownMatchKind(String);

impl FromStr for MatchKind {
    type Err = UnknownMatchKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Exact, Self::Normalized, Self::Fuzzy, Self::Derived, Self::NotFound]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownMatchKind(text.to_owned()))
    }
}

/// The place of one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Citation {
    /// Dot path of the value, positions in lists as numbers.
    pub path: String,
    /// The number of its page.
    pub page: Option<u32>,
    /// The box around it, in the page's units; absent where only the text of a page is known.
    #[serde(rename = "box")]
    pub bounds: Option<BoundingBox>,
    /// How it was found.
    pub match_kind: MatchKind,
    /// What is printed there.
    pub text: Option<String>,
    /// How sure the reader is of its least certain word, 0..=1.
    pub confidence: Option<f32>,
    /// How many other places were as good.
    #[serde(default)]
    pub alternatives: u32,
}

/// Finds the place of each scalar value of some data, in the order of the data. Nulls and empty texts have none.
#[must_use]
pub fn ground(data: &Value, pages: &[Page], schema: &Value) -> Vec<Citation> {
    let leaves = leaves::collect(data, schema);
    let index = Index::new(pages);
    let mut search = Search::new(&index);
    let places: Vec<Places> = leaves.iter().map(|leaf| search.find(leaf)).collect();
    let choices = choose::choose(&leaves, &places, &index);
    leaves.into_iter().zip(choices).map(|(leaf, choice)| cite(leaf, choice, &index)).collect()
}

fn cite(leaf: Leaf<'_>, choice: Option<Choice>, index: &Index<'_>) -> Citation {
    let Some(choice) = choice else { return derive(leaf, index) };
    let first = index.word_of(choice.place.span.first);
    let sheet = first.and_then(|word| index.sheets.get(word.page));
    let words = || choice.place.spans().flat_map(|span| index.words_of(span));
    let mut text = words().map(|word| &*word.text).collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
    }
    // A choice of the schema that happens to be printed somewhere follows from the page, not from this place.
    let is_chance = leaf.field.is_chosen && choice.alternatives > 0;
    Citation {
        page: sheet.map(|sheet| sheet.number),
        bounds: sheet.filter(|sheet| sheet.has_boxes).and_then(|_| choice.place.bounds(index)),
        match_kind: if is_chance { MatchKind::Derived } else { choice.place.kind },
        confidence: words().map(|word| word.confidence).reduce(f32::min),
        text: Some(text),
        alternatives: choice.alternatives,
        path: leaf.path,
    }
}

/// What is not printed may follow from the page.
fn derive(leaf: Leaf<'_>, index: &Index<'_>) -> Citation {
    let nowhere = |match_kind: MatchKind, path: String| Citation {
        path,
        page: None,
        bounds: None,
        match_kind,
        text: None,
        confidence: None,
        alternatives: 0,
    };
    let text = leaf.value.as_str().map(str::trim).unwrap_or_default();
    let marks = notation::currency_marks(text);
    let word = index.words.iter().find(|word| marks.iter().any(|mark| is_mark(&word.text, mark)));
    if let Some(word) = word {
        let sheet = index.sheets.get(word.page);
        return Citation {
            page: sheet.map(|sheet| sheet.number),
            bounds: sheet.filter(|sheet| sheet.has_boxes).map(|_| word.bounds),
            text: Some(word.text.to_string()),
            confidence: Some(word.confidence),
            ..nowhere(MatchKind::Derived, leaf.path)
        };
    }
    // The country of a tax id, printed as its first letters.
    let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_prefix = |word: &str| {
        word.strip_prefix(text).is_some_and(|rest| rest.len() >= 8 && rest.bytes().any(|b| b.is_ascii_digit()))
    };
    if is_code && let Some(word) = index.words.iter().find(|word| is_prefix(&word.text)) {
        let page = index.sheets.get(word.page).map(|sheet| sheet.number);
        return Citation {
            page,
            text: Some(word.text.to_string()),
            confidence: Some(word.confidence),
            ..nowhere(MatchKind::Derived, leaf.path)
        };
    }
    let follows = leaf.value.is_boolean() || leaf.field.is_chosen || is_code_of(text, &leaf.field.labels);
    nowhere(if follows { MatchKind::Derived } else { MatchKind::NotFound }, leaf.path)
}

/// Whether a text is a code that stands for what a page says in words: of a unit, a country, a language, a tax category.
fn is_code_of(text: &str, labels: &BTreeSet<String>) -> bool {
    let has = |label: &str| labels.contains(label);
    let is_upper = text.bytes().all(|byte| byte.is_ascii_uppercase());
    match text.len() {
        1 | 2 if is_upper && has("category") => true,
        2 if is_upper => has("country"),
        2 if text.bytes().all(|byte| byte.is_ascii_lowercase()) => has("language") || has("lang"),
        2 | 3 => notation::UNIT_CODES.contains(&text),
        _ => false,
    }
}

/// Whether a word has a sign of a currency in it, or is the word of one.
fn is_mark(word: &str, mark: &str) -> bool {
    if mark.chars().all(char::is_alphabetic) && mark.is_ascii() {
        let bare = word.trim_matches(|c: char| !c.is_alphabetic());
        bare.eq_ignore_ascii_case(mark)
    } else {
        word.contains(mark)
    }
}

#[cfg(test)]
mod tests;
