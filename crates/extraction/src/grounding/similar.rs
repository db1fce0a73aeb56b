//! Texts that are nearly the same, as a scan misreads them.

use std::collections::HashMap;

use super::index::{Index, Span};

/// What an edit costs; a confusion that scans are known for costs one.
const EDIT: u32 = 4;
/// Longer texts are compared in pieces.
pub(crate) const MAX_LENGTH: usize = 40;
/// So many entries are compared at most, those that share most pairs of characters first.
const MAX_COMPARED: usize = 60;

/// All short texts of the pages.
#[derive(Debug)]
pub(crate) struct Dictionary {
    entries: Vec<(Vec<char>, Vec<Span>)>,
    /// Entries by pairs of characters.
    pairs: HashMap<[char; 2], Vec<usize>>,
}

/// A text that is nearly the one that was looked for.
#[derive(Debug)]
pub(crate) struct Similar<'a> {
    pub(crate) spans: &'a [Span],
    /// 0..=1.
    pub(crate) likeness: f32,
}

impl Dictionary {
    pub(crate) fn new(index: &Index<'_>) -> Self {
        let mut spans: HashMap<Vec<char>, Vec<Span>> = HashMap::new();
        for (text, places) in &index.chunks {
            spans.insert(text.chars().collect(), places.clone());
        }
        // Words of several tokens, and neighbours: what a scan has torn apart or run together.
        let mut first = 0;
        while let Some(token) = index.tokens.get(first) {
            let end_of = |from: usize| {
                let word = index.tokens.get(from).map(|token| token.word);
                let rest = index.tokens.get(from..).unwrap_or_default();
                from + rest.iter().take_while(|token| Some(token.word) == word).count()
            };
            let end = end_of(first);
            let line = index.line_of(first);
            let mut add = |last: usize| {
                let span = Span { first, last };
                let text = index.characters(span);
                if text.len() <= MAX_LENGTH {
                    let places = spans.entry(text.to_vec()).or_default();
                    if places.last() != Some(&span) {
                        places.push(span);
                    }
                }
            };
            if end - first > 1 {
                add(end - 1);
            }
            if index.line_of(end) == line && index.tokens.get(end).is_some_and(|next| next.word != token.word) {
                add(end_of(end) - 1);
            }
            first = end;
        }
        let mut entries: Vec<(Vec<char>, Vec<Span>)> = spans.into_iter().collect();
        // Answers must not depend on the order of a hash map.
        entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (_, spans) in &mut entries {
            spans.sort_unstable_by_key(|span| (span.first, span.last));
            spans.dedup();
        }
        let mut pairs: HashMap<[char; 2], Vec<usize>> = HashMap::new();
        for (number, (text, _)) in entries.iter().enumerate() {
            for pair in pairs_of(text) {
                let known = pairs.entry(pair).or_default();
                if known.last() != Some(&number) {
                    known.push(number);
                }
            }
        }
        Self { entries, pairs }
    }

    /// What is nearly a text, the likest first; never the text itself.
    pub(crate) fn find(&self, text: &[char]) -> Vec<Similar<'_>> {
        let Some(limit) = limit(text.len()) else { return Vec::new() };
        let mut shared: HashMap<usize, u32> = HashMap::new();
        let wanted = pairs_of(text);
        for number in wanted.iter().filter_map(|pair| self.pairs.get(pair)).flatten() {
            *shared.entry(*number).or_default() += 1;
        }
        let edits = usize::try_from(limit / EDIT).unwrap_or(0);
        let least = wanted.len().saturating_sub(2 * edits).max(1);
        let mut near: Vec<(u32, usize)> = shared
            .into_iter()
            .filter(|(_, count)| *count >= u32::try_from(least).unwrap_or(u32::MAX))
            .map(|(number, count)| (count, number))
            .collect();
        near.sort_unstable_by(|(one, first), (other, second)| other.cmp(one).then(first.cmp(second)));
        let mut found: Vec<(u32, &[Span])> = near
            .into_iter()
            .take(MAX_COMPARED)
            .filter_map(|(_, number)| self.entries.get(number))
            .filter_map(|(entry, spans)| Some((distance(text, entry, limit)?, spans.as_slice())))
            .filter(|(cost, _)| *cost > 0)
            .collect();
        found.sort_by_key(|(cost, _)| *cost);
        let whole = real(text.len()) * 4.0;
        let likeness = |cost: u32| 1.0 - f32::from(u16::try_from(cost).unwrap_or(u16::MAX)) / whole.max(1.0);
        found.into_iter().map(|(cost, spans)| Similar { spans, likeness: likeness(cost) }).collect()
    }
}

fn real(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}

/// What texts of a length may differ by; `None` when too short or too long to tell.
fn limit(length: usize) -> Option<u32> {
    let confusions = u32::try_from(length / 3).ok()?;
    match length {
        2..=3 => Some(1),
        4..=7 => Some(EDIT + confusions),
        8..=13 => Some(2 * EDIT + confusions),
        14..=MAX_LENGTH => Some(3 * EDIT + confusions),
        _ => None,
    }
}

/// The pairs of characters of a text, those that are confused being one; once each.
fn pairs_of(text: &[char]) -> Vec<[char; 2]> {
    let mut pairs: Vec<[char; 2]> = text
        .windows(2)
        .filter_map(|pair| match pair {
            [one, other] => Some([shape(*one), shape(*other)]),
            _ => None,
        })
        .collect();
    pairs.extend(text.first().map(|first| ['\0', shape(*first)]));
    pairs.extend(text.last().map(|last| [shape(*last), '\0']));
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// One character for all that look like it, after folding.
const fn shape(c: char) -> char {
    match c {
        '0' | 'o' | 'q' | 'd' => 'o',
        '1' | 'l' | 'i' | 'j' | '7' | 't' => 'l',
        '5' | 's' => 's',
        '8' | 'b' | '3' | '6' | 'g' | '9' => 'b',
        '2' | 'z' => 'z',
        'c' | 'e' => 'c',
        'u' | 'v' => 'u',
        other => other,
    }
}

/// The cost of making one text the other, when it is within the limit.
fn distance(one: &[char], other: &[char], limit: u32) -> Option<u32> {
    let (longer, shorter) = (one.len().max(other.len()), one.len().min(other.len()));
    if u32::try_from(longer - shorter).ok()?.saturating_mul(EDIT) > limit {
        return None;
    }
    let mut row: Vec<u32> =
        (0..=other.len()).filter_map(|count| u32::try_from(count).ok()).map(|count| count * EDIT).collect();
    for (number, a) in one.iter().enumerate() {
        let mut diagonal = row.first().copied()?;
        let mut left = u32::try_from(number + 1).ok()? * EDIT;
        let mut least = left;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (slot, b) in row.iter_mut().skip(1).zip(other) {
            let swap = if a == b {
                0
            } else if shape(*a) == shape(*b) {
                1
            } else {
                EDIT
            };
            let cost = (diagonal + swap).min(*slot + EDIT).min(left + EDIT);
            (diagonal, *slot, left) = (*slot, cost, cost);
            least = least.min(cost);
        }
        if least > limit {
            return None;
        }
    }
    row.last().copied().filter(|cost| *cost <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(one: &str, other: &str) -> Option<u32> {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        distance(&chars(one), &chars(other), limit(one.len()).unwrap())
    }

    #[test]
    fn confusions_are_cheap_and_others_are_bounded() {
        assert_eq!(cost("inv4711", "inv47l1"), Some(1));
        assert_eq!(cost("harbour", "harbour"), Some(0));
        assert_eq!(cost("harbour", "harhour"), Some(4));
        assert_eq!(cost("harbour", "arbeit"), None);
        assert_eq!(cost("105", "1o5"), Some(1));
        assert_eq!(cost("105", "125"), None);
    }
}
