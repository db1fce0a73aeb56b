//! The words of all pages, by what they say.

mod values;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use chrono::NaiveDate;
use sluice_core::{BoundingBox, Page, Word};

use super::fold::{Class, class, columns, fold_char};

/// The characters that places of a text are found by.
const GRAM: usize = 4;
/// A word among the words of all pages.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) bounds: BoundingBox,
    pub(crate) confidence: f32,
    /// Which of the pages.
    pub(crate) page: usize,
    /// The line, counted over all pages.
    pub(crate) line: usize,
}

/// A run of characters of one class in a word.
#[derive(Debug)]
pub(crate) struct Token {
    start: usize,
    end: usize,
    pub(crate) word: usize,
    /// Where it begins and ends in its word, 0..=1.
    from: f32,
    to: f32,
    class: Class,
    /// What stands before it in its word.
    before: Before,
}

/// What stands before a token in its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The word begins.
    Start,
    /// A token of another class.
    Nothing,
    /// One sign.
    Sign(char),
    /// Several signs.
    Signs,
}

/// Consecutive tokens, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// A place of a number: the second says how much it stands by itself, 0..=1.
pub(crate) type NumberPlace = (Span, f32);

/// The extent of one page.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) number: u32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// Whether the boxes of its words are known.
    pub(crate) has_boxes: bool,
}

/// All that is looked up.
#[derive(Debug, Default)]
pub(crate) struct Index<'a> {
    pub(crate) sheets: Vec<Sheet>,
    pub(crate) words: Vec<Placed<'a>>,
    pub(crate) tokens: Vec<Token>,
    /// Words by line.
    pub(crate) lines: Vec<Range<usize>>,
    /// Runs of letters and digits, folded, in reading order.
    pub(crate) chunks: HashMap<String, Vec<Span>>,
    pub(crate) numbers: HashMap<String, Vec<NumberPlace>>,
    pub(crate) repaired: HashMap<String, Vec<Span>>,
    pub(crate) dates: HashMap<NaiveDate, Vec<Span>>,
    pub(crate) times: HashMap<(u32, u32), Vec<Span>>,
    stream: Vec<char>,
    grams: HashMap<[char; GRAM], Vec<usize>>,
    /// The first token of each word; one more for the end.
    first_tokens: Vec<usize>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(pages: &'a [Page]) -> Self {
        let mut index = Self::default();
        for page in pages {
            let sheet = index.sheets.len();
            let has_boxes = !page.words.is_empty();
            index.sheets.push(Sheet { number: page.number, width: page.width, height: page.height, has_boxes });
            let mut line = None;
            if has_boxes {
                for word in &page.words {
                    index.add(Cow::Borrowed(&word.text), word, sheet, line != Some(word.line));
                    line = Some(word.line);
                }
            } else {
                for word in words_of_text(page) {
                    let is_new = line != Some(word.line);
                    line = Some(word.line);
                    index.add(Cow::Owned(word.text.clone()), &word, sheet, is_new);
                }
            }
        }
        index.first_tokens.push(index.tokens.len());
        index.find_grams();
        index.find_chunks();
        index.find_values();
        index
    }

    fn add(&mut self, text: Cow<'a, str>, word: &Word, page: usize, begins_line: bool) {
        let number = self.words.len();
        match self.lines.last_mut() {
            Some(line) if !begins_line => line.end = number + 1,
            _ => self.lines.push(number..number + 1),
        }
        self.first_tokens.push(self.tokens.len());
        self.tokenize(&text, number);
        let line = self.lines.len().saturating_sub(1);
        self.words.push(Placed { text, bounds: word.bounds, confidence: word.confidence, page, line });
    }

    fn tokenize(&mut self, text: &str, word: usize) {
        let total = text.chars().map(columns).sum::<f32>().max(1.0);
        let first = self.tokens.len();
        let (mut at, mut before, mut open) = (0.0, Before::Start, None);
        for c in text.chars() {
            let width = columns(c);
            let (from, to) = (at / total, (at + width) / total);
            at += width;
            let (stream, tokens) = (&mut self.stream, &mut self.tokens);
            fold_char(c, |part| match class(part) {
                Some(class) if open == Some(class) && class != Class::Ideograph => {
                    stream.push(part);
                    if let Some(token) = tokens.last_mut() {
                        (token.end, token.to) = (stream.len(), to);
                    }
                }
                Some(class) => {
                    let start = stream.len();
                    stream.push(part);
                    tokens.push(Token { start, end: start + 1, word, from, to, class, before });
                    (open, before) = (Some(class), Before::Nothing);
                }
                None => {
                    before = match before {
                        Before::Nothing => Before::Sign(part),
                        Before::Start if tokens.len() == first => Before::Start,
                        _ => Before::Signs,
                    };
                    open = None;
                }
            });
        }
    }

    /// From each token: its first characters, across the ends of tokens, and the short runs that end with a token.
    fn find_grams(&mut self) {
        for (number, token) in self.tokens.iter().enumerate() {
            let mut key = ['\0'; GRAM];
            let mut length = 0;
            let mut ends = self.tokens.iter().skip(number).map(|token| token.end).peekable();
            for (slot, c) in key.iter_mut().zip(self.stream.iter().skip(token.start)) {
                *slot = *c;
                length += 1;
                if length < GRAM && ends.next_if_eq(&(token.start + length)).is_some() {
                    let mut short = ['\0'; GRAM];
                    short.iter_mut().zip(self.stream.iter().skip(token.start).take(length)).for_each(|(s, c)| *s = *c);
                    self.grams.entry(short).or_default().push(number);
                }
            }
            if length == GRAM {
                self.grams.entry(key).or_default().push(number);
            }
        }
    }

    fn find_chunks(&mut self) {
        let mut first = 0;
        while let Some(token) = self.tokens.get(first) {
            let mut last = first;
            while let Some(next) = self.tokens.get(last + 1) {
                let is_one = next.word == token.word && next.before == Before::Nothing;
                if !is_one || token.class == Class::Ideograph || next.class == Class::Ideograph {
                    break;
                }
                last += 1;
            }
            let span = Span { first, last };
            let text: String = self.characters(span).iter().collect();
            self.chunks.entry(text).or_default().push(span);
            first = last + 1;
        }
    }

    fn class_of(&self, number: usize) -> Option<Class> {
        self.tokens.get(number).map(|token| token.class)
    }

    fn same_word(&self, one: usize, other: usize) -> bool {
        matches!((self.tokens.get(one), self.tokens.get(other)), (Some(one), Some(other)) if one.word == other.word)
    }

    fn same_line(&self, one: usize, other: usize) -> bool {
        matches!((self.word_of(one), self.word_of(other)), (Some(one), Some(other)) if one.line == other.line)
    }

    /// Whether two tokens are of one word or of neighbours with no more than a space between.
    fn is_close(&self, one: usize, other: usize) -> bool {
        let (Some(left), Some(right)) = (self.word_of(one), self.word_of(other)) else { return false };
        let gap = right.bounds.x - (left.bounds.x + left.bounds.width);
        self.same_word(one, other) || (left.line == right.line && gap < left.bounds.height.max(right.bounds.height))
    }

    /// The word of a token.
    pub(crate) fn word_of(&self, token: usize) -> Option<&Placed<'a>> {
        self.words.get(self.tokens.get(token)?.word)
    }

    /// The line of a token.
    pub(crate) fn line_of(&self, token: usize) -> usize {
        self.word_of(token).map_or(usize::MAX, |word| word.line)
    }

    /// The first token of a line.
    pub(crate) fn line_start(&self, line: usize) -> usize {
        let word = self.lines.get(line).map(|words| words.start);
        word.and_then(|word| self.first_tokens.get(word)).copied().unwrap_or(self.tokens.len())
    }

    /// The characters of a span, folded.
    pub(crate) fn characters(&self, span: Span) -> &[char] {
        let ends = (self.tokens.get(span.first), self.tokens.get(span.last));
        let range = ends.0.zip(ends.1).map(|(first, last)| first.start..last.end);
        range.and_then(|range| self.stream.get(range)).unwrap_or_default()
    }

    /// Tokens that a squeezed text may begin with.
    pub(crate) fn beginnings(&self, squeezed: &[char]) -> &[usize] {
        let mut key = ['\0'; GRAM];
        key.iter_mut().zip(squeezed).for_each(|(slot, c)| *slot = *c);
        self.grams.get(&key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The span from a token on that is exactly a squeezed text, ending with a token.
    pub(crate) fn span_of(&self, first: usize, squeezed: &[char]) -> Option<Span> {
        let start = self.tokens.get(first)?;
        let end = start.start + squeezed.len();
        if self.stream.get(start.start..end)? != squeezed {
            return None;
        }
        let rest = self.tokens.get(first..)?;
        let last = first + rest.partition_point(|token| token.end < end);
        let token = self.tokens.get(last)?;
        let stays_on_page = self.word_of(first)?.page == self.word_of(last)?.page;
        // A few characters are put together only from what stands together.
        let is_one = squeezed.len() >= 6 || (first..last).all(|number| self.is_close(number, number + 1));
        (token.end == end && stays_on_page && is_one && self.is_block(first, last)).then_some(Span { first, last })
    }

    /// Whether tokens that go on in the next line do so below and not in another column.
    fn is_block(&self, first: usize, last: usize) -> bool {
        let breaks = (first..last).filter(|number| !self.same_line(*number, number + 1));
        let mut start = first;
        for end in breaks {
            let next = Span { first: end + 1, last: end + 1 };
            let (Some(above), Some(below)) = (self.bounds(Span { first: start, last: end }), self.bounds(next)) else {
                return false;
            };
            if gap_beside(&above, &below) > above.height.max(below.height) * 4.0 {
                return false;
            }
            start = end + 1;
        }
        true
    }

    /// Whether a span begins and ends where words do.
    pub(crate) fn is_of_whole_words(&self, span: Span) -> bool {
        let begins = self.tokens.get(span.first).is_some_and(|token| token.before == Before::Start);
        begins && !self.same_word(span.last, span.last + 1)
    }

    /// The words of a span.
    pub(crate) fn words_of(&self, span: Span) -> &[Placed<'a>] {
        let ends = self.tokens.get(span.first).zip(self.tokens.get(span.last));
        ends.and_then(|(first, last)| self.words.get(first.word..=last.word)).unwrap_or_default()
    }

    /// The box around a span; parts of words by their characters.
    pub(crate) fn bounds(&self, span: Span) -> Option<BoundingBox> {
        let tokens = self.tokens.get(span.first..=span.last)?;
        tokens.iter().filter_map(|token| Some((token, self.words.get(token.word)?))).map(piece).reduce(union)
    }
}

fn piece((token, word): (&Token, &Placed<'_>)) -> BoundingBox {
    let BoundingBox { x, y, width, height } = word.bounds;
    BoundingBox { x: x + width * token.from, y, width: width * (token.to - token.from), height }
}

/// How far two boxes are apart from left to right.
pub(crate) fn gap_beside(one: &BoundingBox, other: &BoundingBox) -> f32 {
    (one.x - (other.x + other.width)).max(other.x - (one.x + one.width)).max(0.0)
}

/// The box around two boxes.
pub(crate) fn union(one: BoundingBox, other: BoundingBox) -> BoundingBox {
    let (x, y) = (one.x.min(other.x), one.y.min(other.y));
    let right = (one.x + one.width).max(other.x + other.width);
    let bottom = (one.y + one.height).max(other.y + other.height);
    BoundingBox { x, y, width: right - x, height: bottom - y }
}

/// Words of a page of which only the text is known: their boxes say line and column.
fn words_of_text(page: &Page) -> Vec<Word> {
    let text = if page.text.is_empty() { &page.markdown } else { &page.text };
    let mut words = Vec::new();
    for (line, text) in (0..).zip(text.lines()) {
        let mut x = 0.0;
        for part in text.split(' ') {
            let width: f32 = part.chars().map(columns).sum();
            if !part.trim().is_empty() {
                let y = f32::from(u16::try_from(line).unwrap_or(u16::MAX)) * 2.0;
                let bounds = BoundingBox { x, y, width, height: 1.5 };
                words.push(Word { text: part.trim().to_owned(), bounds, confidence: 1.0, line });
            }
            x += width + 1.0;
        }
    }
    words
}
