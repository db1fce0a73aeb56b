//! Where a value may be printed.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;
use sluice_core::BoundingBox;

use super::MatchKind;
use super::fold::{Class, chunks, class, squeeze};
use super::index::{Index, Span, gap_beside, union};
use super::leaves::Leaf;
use super::notation;
use super::similar::{Dictionary, MAX_LENGTH};

/// So many places of one value are kept.
const MAX_PLACES: usize = 2_000;
/// So many characters are compared for one value: hostile pages begin everywhere like it.
const MAX_COMPARED: usize = 400_000;
/// Longer values are put together from their first parts.
const MAX_PARTS: usize = 120;
/// So many places of a value's rarest part are built upon.
const MAX_ANCHORS: usize = 24;
/// A text put together from parts must have this share of the value's characters.
const LEAST_COVERAGE: f32 = 0.75;

/// One place of a value.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The run of tokens, or the first of several.
    pub(crate) span: Span,
    /// The others, of a value that is printed in parts.
    pub(crate) more: Vec<Span>,
    pub(crate) kind: MatchKind,
    /// How well it is the value and stands by itself, 0..=1.
    pub(crate) likeness: f32,
}

impl Place {
    const fn new(span: Span, kind: MatchKind, likeness: f32) -> Self {
        Self { span, more: Vec::new(), kind, likeness }
    }

    /// All runs of the place.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        std::iter::once(self.span).chain(self.more.iter().copied())
    }

    /// The box around it.
    pub(crate) fn bounds(&self, index: &Index<'_>) -> Option<BoundingBox> {
        self.spans().filter_map(|span| index.bounds(span)).reduce(union)
    }
}

/// All places of a value, in reading order.
pub(crate) type Places = Rc<[Place]>;

/// Looks values up; equal values once.
pub(crate) struct Search<'i, 'a> {
    index: &'i Index<'a>,
    dictionary: OnceCell<Dictionary>,
    known: HashMap<String, Places>,
}

impl<'i, 'a> Search<'i, 'a> {
    pub(crate) fn new(index: &'i Index<'a>) -> Self {
        Self { index, dictionary: OnceCell::new(), known: HashMap::new() }
    }

    /// Where a leaf may be printed.
    pub(crate) fn find(&mut self, leaf: &Leaf<'_>) -> Places {
        let key = leaf.value.to_string();
        if let Some(places) = self.known.get(&key) {
            return places.clone();
        }
        let mut places = match leaf.value {
            Value::Number(number) => self.find_number(&notation::of_number(number), &number.to_string()),
            Value::String(text) => self.find_string(text.trim()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Vec::new(),
        };
        places.sort_by_key(|place| (place.span.first, place.span.last));
        places.dedup_by_key(|place| (place.span.first, place.span.last));
        places.truncate(MAX_PLACES);
        let places: Places = places.into();
        self.known.insert(key, places.clone());
        places
    }

    fn find_string(&self, text: &str) -> Vec<Place> {
        if let Some(day) = notation::of_iso_date(text) {
            let spans = self.index.dates.get(&day).map(Vec::as_slice).unwrap_or_default();
            if !spans.is_empty() {
                return self.literal(spans.iter().copied(), text);
            }
        }
        if let Some(time) = notation::of_time(text)
            && let Some(spans) = self.index.times.get(&time)
        {
            return self.literal(spans.iter().copied(), text);
        }
        let places = self.find_run(text);
        if !places.is_empty() {
            return places;
        }
        for reading in notation::of_text(text) {
            let places = self.find_number(&reading, text);
            if !places.is_empty() {
                return places;
            }
        }
        let assembled = self.assemble(text);
        if assembled.is_empty() { self.find_similar(&squeeze(text)) } else { assembled }
    }

    /// Places of a value that is written in several notations: the same characters are exact.
    fn literal(&self, spans: impl Iterator<Item = Span>, text: &str) -> Vec<Place> {
        spans
            .take(MAX_PLACES)
            .map(|span| {
                let kind = if self.reads(span, text) { MatchKind::Exact } else { MatchKind::Normalized };
                Place::new(span, kind, 1.0)
            })
            .collect()
    }

    fn find_number(&self, digits: &str, text: &str) -> Vec<Place> {
        if let Some(found) = self.index.numbers.get(digits) {
            let places = found.iter().take(MAX_PLACES).map(|(span, alone)| {
                let kind = if self.reads(*span, text) { MatchKind::Exact } else { MatchKind::Normalized };
                Place::new(*span, kind, *alone)
            });
            return places.collect();
        }
        if let Some(found) = self.index.repaired.get(digits) {
            return found.iter().take(MAX_PLACES).map(|span| Place::new(*span, MatchKind::Fuzzy, 0.9)).collect();
        }
        // A share that is printed in percent.
        if let Some(fraction) = digits.strip_prefix("0.") {
            let padded = format!("{fraction:0<2}");
            let (whole, rest) = padded.split_at_checked(2).unwrap_or((&padded, ""));
            let found =
                self.index.numbers.get(&notation::canonical(whole, rest)).map(Vec::as_slice).unwrap_or_default();
            let is_percent = |span: Span| {
                let near = self.index.words_of(Span {
                    first: span.first,
                    last: (span.last + 1).min(self.index.tokens.len().saturating_sub(1)),
                });
                near.iter().any(|word| word.text.contains('%'))
            };
            let places = found.iter().filter(|(span, _)| is_percent(*span));
            return places.map(|(span, alone)| Place::new(*span, MatchKind::Normalized, alone * 0.9)).collect();
        }
        self.find_similar_number(digits)
    }

    /// Digits of which one was read as another.
    fn find_similar_number(&self, digits: &str) -> Vec<Place> {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let printed = [format!("{whole}{fraction:0<2}"), format!("{whole}{fraction}")];
        for text in printed.iter().filter(|text| text.len() >= 4) {
            let places = self.find_similar(&text.chars().collect::<Vec<_>>());
            let places: Vec<Place> = places
                .into_iter()
                .filter(|place| self.index.characters(place.span).len() == text.len())
                .filter(|place| self.index.characters(place.span).iter().any(char::is_ascii_digit))
                .map(|place| Place { likeness: place.likeness * 0.8, ..place })
                .collect();
            if !places.is_empty() {
                return places;
            }
        }
        Vec::new()
    }

    /// Whether a span is printed exactly as a text, and not as the beginning of something longer.
    fn reads(&self, span: Span, text: &str) -> bool {
        let words = self.index.words_of(span);
        let length: usize = words.iter().map(|word| word.text.len() + 1).sum();
        if words.len() > 1 && length > text.len() + 32 {
            return false;
        }
        let printed = words.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        printed.match_indices(&text).take(8).any(|(start, found)| {
            let before = printed.get(..start).unwrap_or_default().chars().rev();
            let after = printed.get(start + found.len()..).unwrap_or_default().chars();
            !goes_on(before) && !goes_on(after)
        })
    }

    /// Runs of tokens that say the text, whatever separates them.
    fn find_run(&self, text: &str) -> Vec<Place> {
        let wanted = squeeze(text);
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut compared = 0;
        let mut places = Vec::new();
        for first in self.index.beginnings(&wanted) {
            compared += wanted.len();
            if compared > MAX_COMPARED || places.len() >= MAX_PLACES {
                break;
            }
            let Some(span) = self.index.span_of(*first, &wanted) else { continue };
            let kind = if self.reads(span, text) { MatchKind::Exact } else { MatchKind::Normalized };
            let likeness = if self.index.is_of_whole_words(span) { 1.0 } else { 0.85 };
            places.push(Place::new(span, kind, likeness));
        }
        places
    }

    fn dictionary(&self) -> &Dictionary {
        self.dictionary.get_or_init(|| Dictionary::new(self.index))
    }

    fn find_similar(&self, text: &[char]) -> Vec<Place> {
        if text.len() > MAX_LENGTH {
            return Vec::new();
        }
        let similar = self.dictionary().find(text);
        let best = similar.first().map_or(0.0, |first| first.likeness);
        let near = similar.iter().take_while(|other| other.likeness >= best - 0.05);
        let places = near
            .flat_map(|other| other.spans.iter().map(|span| Place::new(*span, MatchKind::Fuzzy, other.likeness * 0.9)));
        places.take(MAX_ANCHORS).collect()
    }

    /// Puts a text together from parts that stand near each other: lines of a block between which another block's are read.
    fn assemble(&self, text: &str) -> Vec<Place> {
        let mut texts = chunks(text);
        texts.truncate(MAX_PARTS);
        if texts.len() < 2 {
            return Vec::new();
        }
        let parts: Vec<Part> = texts.iter().map(|text| self.part(text)).collect();
        let rarest = parts
            .iter()
            .enumerate()
            .filter(|(_, part)| !part.spans.is_empty())
            .min_by_key(|(_, part)| (part.spans.len().min(MAX_ANCHORS), std::cmp::Reverse(part.length)));
        let Some((number, anchor)) = rarest else { return Vec::new() };
        let whole: f32 = parts.iter().map(Part::weight).sum();
        let mut places: Vec<Place> = Vec::new();
        for start in anchor.spans.iter().take(MAX_ANCHORS) {
            let (spans, matched) = self.gather(&parts, number, *start);
            let coverage = matched / whole.max(1.0);
            if coverage < LEAST_COVERAGE {
                continue;
            }
            let mut spans = join(spans);
            let is_all = coverage > 0.999;
            let kind = if is_all { MatchKind::Normalized } else { MatchKind::Fuzzy };
            let span = spans.remove(0);
            places.push(Place { span, more: spans, kind, likeness: coverage * if is_all { 0.95 } else { 0.9 } });
        }
        let best = places.iter().map(|place| place.likeness).fold(0.0, f32::max);
        places.retain(|place| place.likeness > best - 0.1);
        places
    }

    fn part(&self, text: &str) -> Part {
        let length = text.chars().count();
        let characters: Vec<char> = text.chars().collect();
        if let Some(spans) = self.index.chunks.get(text) {
            return Part { length, spans: spans.clone(), likeness: 1.0 };
        }
        // A part of a longer run of letters, as in scripts and layers without spaces.
        let spans: Vec<Span> = self
            .index
            .beginnings(&characters)
            .iter()
            .take(MAX_PLACES)
            .filter_map(|first| self.index.span_of(*first, &characters))
            .collect();
        if !spans.is_empty() {
            return Part { length, spans, likeness: 1.0 };
        }
        match self.dictionary().find(&characters).first() {
            Some(similar) => Part { length, spans: similar.spans.to_vec(), likeness: similar.likeness },
            None => Part { length, spans: Vec::new(), likeness: 0.0 },
        }
    }

    /// The parts around an anchor, each at the place nearest to the one before it; and their share by characters.
    fn gather(&self, parts: &[Part], anchor: usize, start: Span) -> (Vec<Span>, f32) {
        let mut matched = parts.get(anchor).map_or(0.0, |part| part.weight() * part.likeness);
        let (Some(bounds), Some(word)) = (self.index.bounds(start), self.index.word_of(start.first)) else {
            return (vec![start], 0.0);
        };
        let mut block = Block { taken: vec![start], bounds, page: word.page };
        let forwards = anchor + 1..parts.len();
        let backwards = (0..anchor).rev();
        for range in [forwards.collect::<Vec<_>>(), backwards.collect()] {
            let mut cursor = start;
            for part in range.into_iter().filter_map(|number| parts.get(number)) {
                let Some((nearest, bounds)) = self.nearest(part, cursor, &block) else { continue };
                block.taken.push(nearest);
                block.bounds = union(block.bounds, bounds);
                cursor = nearest;
                matched += part.weight() * part.likeness;
            }
        }
        (block.taken, matched)
    }

    fn nearest(&self, part: &Part, cursor: Span, block: &Block) -> Option<(Span, BoundingBox)> {
        let line = self.index.line_of(cursor.first);
        let at = part.spans.partition_point(|span| span.first < cursor.first);
        let near = part.spans.get(at.saturating_sub(6)..(at + 6).min(part.spans.len()))?;
        let here = self.index.bounds(cursor)?;
        let mut best: Option<(f32, Span, BoundingBox)> = None;
        for span in near {
            let Some(word) = self.index.word_of(span.first) else { continue };
            if word.page != block.page || block.taken.contains(span) || word.line.abs_diff(line) > 6 {
                continue;
            }
            let Some(bounds) = self.index.bounds(*span) else { continue };
            let height = here.height.max(bounds.height).max(f32::MIN_POSITIVE);
            let aside = gap_beside(&bounds, &block.bounds) / height;
            let below = (bounds.y - here.y).abs() / height;
            if aside > 8.0 || below > 12.0 {
                continue;
            }
            let follows = word.line == line && (span.first == cursor.last + 1 || span.last + 1 == cursor.first);
            let cost = if follows { 0.0 } else { aside + below };
            if best.as_ref().is_none_or(|(known, ..)| cost < *known) {
                best = Some((cost, *span, bounds));
            }
        }
        best.map(|(_, span, bounds)| (span, bounds))
    }
}

/// What is put together of a value so far.
struct Block {
    taken: Vec<Span>,
    bounds: BoundingBox,
    page: usize,
}

/// Whether what stands beside a text belongs to it: a letter, a digit, or a digit behind a separator.
fn goes_on(mut rest: impl Iterator<Item = char>) -> bool {
    match rest.next() {
        Some('.' | ',' | '\'') => rest.next().is_some_and(|c| c.is_ascii_digit()),
        next => next.is_some_and(|c| matches!(class(c), Some(Class::Digit | Class::Letter))),
    }
}

/// A part of a value, with all its places.
struct Part {
    length: usize,
    spans: Vec<Span>,
    likeness: f32,
}

impl Part {
    fn weight(&self) -> f32 {
        f32::from(u16::try_from(self.length).unwrap_or(u16::MAX))
    }
}

/// Puts spans in order and those that follow each other into one.
fn join(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable_by_key(|span| (span.first, span.last));
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.first <= last.last + 1 => last.last = last.last.max(span.last),
            _ => joined.push(span),
        }
    }
    joined
}
