//! Finds the numbers, days and times that words say, in whatever notation.

use std::ops::Range;

use chrono::NaiveDate;

use super::super::fold::Class;
use super::super::notation;
use super::{Before, Index, Span};

/// The most groups of digits that are looked at for one number: hostile pages have longer runs.
const MAX_GROUPS: usize = 6;

impl Index<'_> {
    pub(super) fn find_values(&mut self) {
        for number in 0..self.tokens.len() {
            if self.tokens.get(number).is_some_and(|token| token.class == Class::Digit) {
                self.find_number(number);
                self.find_time(number);
            }
            for (day, last) in self.days_at(number) {
                self.dates.entry(day).or_default().push(Span { first: number, last });
            }
        }
        for (number, word) in self.words.iter().enumerate() {
            let (Some(first), Some(end)) = (self.first_tokens.get(number), self.first_tokens.get(number + 1)) else {
                continue;
            };
            if first == end {
                continue;
            }
            let Some(text) = notation::repair(&word.text) else { continue };
            for reading in notation::of_text(&text) {
                self.repaired.entry(reading).or_default().push(Span { first: *first, last: end - 1 });
            }
        }
    }

    /// A number that begins with a token: digits with separators in a word, and groups of three in the words after it.
    fn find_number(&mut self, first: usize) {
        let Some(token) = self.tokens.get(first) else { return };
        let is_digit_before = first > 0
            && self.tokens.get(first - 1).is_some_and(|last| last.word == token.word && last.class == Class::Digit);
        // The middle of a longer number.
        if matches!(token.before, Before::Sign(sign) if notation::is_separator(sign)) && is_digit_before {
            return;
        }
        let mut alone = match token.before {
            Before::Sign('-' | '/' | ':' | '_') if is_digit_before => 0.6,
            Before::Nothing if self.class_of(first.wrapping_sub(1)) == Some(Class::Letter) => 0.85,
            Before::Start | Before::Nothing | Before::Sign(_) | Before::Signs => 1.0,
        };
        let mut text: String = self.characters(Span { first, last: first }).iter().collect();
        let (mut last, mut has_separator) = (first, false);
        while let Some((token, Before::Sign(sign))) = self.tokens.get(last + 1).map(|token| (token, token.before)) {
            let is_digits = token.class == Class::Digit && self.same_word(last, last + 1);
            if !is_digits || !notation::is_separator(sign) || last - first >= MAX_GROUPS {
                if token.class == Class::Digit && self.same_word(last, last + 1) && matches!(sign, '-' | '/' | ':') {
                    alone *= 0.6;
                }
                break;
            }
            last += 1;
            has_separator = true;
            text.push(sign);
            text.extend(self.characters(Span { first: last, last }));
        }
        let follows =
            self.tokens.get(last + 1).filter(|next| next.before == Before::Nothing && self.same_word(last, last + 1));
        if follows.is_some_and(|next| next.class == Class::Letter) {
            alone *= 0.9;
        }
        for reading in notation::readings(&text) {
            self.numbers.entry(reading).or_default().push((Span { first, last }, alone));
        }
        if !has_separator && follows.is_none() && text.len() <= 3 {
            self.find_spaced_number(first, text);
        }
    }

    /// `1 234,56`: groups of three that stand close to each other.
    fn find_spaced_number(&mut self, first: usize, mut text: String) {
        let mut last = first;
        while last - first < MAX_GROUPS
            && let Some(token) = self.tokens.get(last + 1)
            && token.before == Before::Start
            && token.class == Class::Digit
            && token.end - token.start == 3
            && self.is_close(last, last + 1)
        {
            last += 1;
            text.push(' ');
            text.extend(self.characters(Span { first: last, last }));
            let fraction = self.tokens.get(last + 1).filter(|next| {
                next.class == Class::Digit
                    && matches!(next.before, Before::Sign('.' | ','))
                    && self.same_word(last, last + 1)
            });
            let span = if let Some(Before::Sign(sign)) = fraction.map(|token| token.before) {
                text.push(sign);
                text.extend(self.characters(Span { first: last + 1, last: last + 1 }));
                Span { first, last: last + 1 }
            } else {
                Span { first, last }
            };
            for reading in notation::readings(&text) {
                self.numbers.entry(reading).or_default().push((span, 0.95));
            }
            if span.last != last {
                break;
            }
        }
    }

    fn find_time(&mut self, first: usize) {
        let is_colon = |number: usize| {
            self.tokens
                .get(number)
                .is_some_and(|token| token.before == Before::Sign(':') && token.class == Class::Digit)
                && self.same_word(number - 1, number)
        };
        if !is_colon(first + 1) || is_colon(first) {
            return;
        }
        let text = |number: usize| self.characters(Span { first: number, last: number }).iter().collect::<String>();
        let mut last = first + 1;
        let Some((hour, minute)) = notation::of_time(&format!("{}:{}", text(first), text(last))) else { return };
        if is_colon(last + 1) {
            last += 1;
        }
        let half = if self.same_line(last, last + 1) { text(last + 1) } else { String::new() };
        let hour = match half.as_str() {
            "pm" | "p" if hour < 12 => hour + 12,
            "am" | "a" if hour == 12 => 0,
            _ => hour,
        };
        self.times.entry((hour, minute)).or_default().push(Span { first, last });
    }

    /// The days that are written from a token on, each with the token it ends with.
    fn days_at(&self, first: usize) -> Vec<(NaiveDate, usize)> {
        let Some(token) = self.tokens.get(first) else { return Vec::new() };
        let text = |number: usize| self.characters(Span { first: number, last: number }).iter().collect::<String>();
        let is_near = |from: usize, to: usize| (from..to).all(|number| self.same_line(number, number + 1));
        let class_of = |number: usize| self.class_of(number);
        let mut found = Vec::new();
        if token.class == Class::Digit {
            let length = token.end - token.start;
            if length == 8 {
                let digits = text(first);
                let part = |range: Range<usize>| digits.get(range).unwrap_or_default();
                found.extend(notation::days(part(0..4), part(4..6), part(6..8)).into_iter().map(|day| (day, first)));
            }
            let is_mark =
                |number: usize, mark: &str| class_of(number) == Some(Class::Ideograph) && text(number) == mark;
            if is_mark(first + 1, "年") && is_mark(first + 3, "月") && is_near(first, first + 4) {
                let days = notation::days(&text(first), &text(first + 2), &text(first + 4));
                let last = first + 4 + usize::from(is_mark(first + 5, "日") && self.same_line(first + 4, first + 5));
                found.extend(days.into_iter().map(|day| (day, last)));
            } else if self.is_dated(first + 1) && self.is_dated(first + 2) && is_near(first, first + 2) {
                let days = notation::days(&text(first), &text(first + 1), &text(first + 2));
                found.extend(days.into_iter().map(|day| (day, first + 2)));
            }
        } else if token.class == Class::Ideograph {
            return found;
        }
        // A month by its name among the next tokens, with "st" or "de" between.
        let end = (first + 6).min(self.tokens.len());
        if token.class == Class::Digit && token.end - token.start <= 2 {
            for (at, month) in (first + 1..end.min(first + 4)).filter_map(|at| Some((at, notation::month(&text(at))?)))
            {
                let year = (at + 1..end).find(|number| class_of(*number) == Some(Class::Digit));
                if let Some(year) = year.filter(|year| is_near(first, *year)) {
                    found.extend(notation::day_of_month(&text(first), month, &text(year)).map(|day| (day, year)));
                }
            }
        } else if token.class == Class::Letter
            && let Some(month) = notation::month(&text(first))
        {
            let mut numbers = (first + 1..end).filter(|number| class_of(*number) == Some(Class::Digit));
            if let (Some(day), Some(year)) = (numbers.next(), numbers.next())
                && is_near(first, year)
            {
                found.extend(notation::day_of_month(&text(day), month, &text(year)).map(|day| (day, year)));
            }
        }
        found
    }

    /// Whether a token goes on a date in numbers: after a sign of one, in its word or at the end of the word before.
    fn is_dated(&self, number: usize) -> bool {
        let Some(token) = self.tokens.get(number).filter(|token| token.class == Class::Digit) else { return false };
        match token.before {
            Before::Sign(sign) => matches!(sign, '.' | '/' | '-' | '–'),
            Before::Start => {
                let before = number.checked_sub(1).and_then(|last| self.tokens.get(last));
                let word = before.and_then(|before| self.words.get(before.word));
                word.is_some_and(|word| word.text.ends_with(['.', '/', '-']))
            }
            Before::Nothing | Before::Signs => false,
        }
    }
}
