//! Two readings of one picture become one: of what both have read, the surer; of what one has missed, the other.

use sluice_core::Word;

/// A word that only one reading has is taken when it is this sure; what is printed is seldom less, dirt seldom more.
const SURE_ALONE: f32 = 0.6;

/// How much of a reading is worth something: the sum over its plausible words of length and confidence above a guess.
pub(crate) fn worth(words: &[Word]) -> f32 {
    words
        .iter()
        .filter(|word| is_plausible(&word.text))
        .map(|word| length(word) * (word.confidence - 0.4).max(0.0))
        .sum()
}

/// The mean confidence of words that have a letter or digit, weighted by length.
pub(crate) fn sureness(words: &[Word]) -> f32 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for word in words.iter().filter(|word| word.text.chars().any(char::is_alphanumeric)) {
        sum += word.confidence * length(word);
        weight += length(word);
    }
    if weight > 0.0 { sum / weight } else { 0.0 }
}

/// Characters, a Chinese one for two: it takes the place of two and says as much.
fn length(word: &Word) -> f32 {
    word.text.chars().map(|character| if character >= '\u{2E80}' { 2.0 } else { 1.0 }).sum()
}

/// Whether a word looks like one: letters and digits for the most part.
pub(crate) fn is_plausible(text: &str) -> bool {
    let (all, good) = text
        .chars()
        .fold((0_u32, 0_u32), |(all, good), character| (all + 1, good + u32::from(character.is_alphanumeric())));
    good * 2 > all && (all > 1 || text.chars().all(|c| c.is_ascii_digit() || c >= '\u{2E80}'))
}

/// Whether a word is a speck, a crease or an edge of the paper that was read: no letter or digit and not sure, or hardly sure
/// at all and no number.
pub(crate) fn is_dirt(word: &Word) -> bool {
    let has_digit = word.text.chars().any(|c| c.is_ascii_digit());
    let has_letter = word.text.chars().any(char::is_alphanumeric);
    (!has_letter && word.confidence < 0.6) || (!has_digit && word.confidence < 0.2)
}

/// Merges a further reading into a first one; boxes of both in pixels of one picture.
pub(crate) fn merge(first: Vec<Word>, other: Vec<Word>) -> Vec<Word> {
    let height = usual_height(&first).or_else(|| usual_height(&other)).unwrap_or(0.0);
    let count = first.len();
    let all: Vec<Word> = first.into_iter().chain(other).collect();
    let mut groups: Vec<usize> = (0..all.len()).collect();
    for (a, b) in overlaps(&all, count) {
        let (a, b) = (root_of(&groups, a), root_of(&groups, b));
        if let Some(group) = groups.get_mut(a.max(b)) {
            *group = a.min(b);
        }
    }
    let mut sides: Vec<(Vec<Word>, Vec<Word>)> = vec![(Vec::new(), Vec::new()); all.len()];
    for (place, word) in all.into_iter().enumerate() {
        if let Some(sides) = sides.get_mut(root_of(&groups, place)) {
            if place < count { sides.0.push(word) } else { sides.1.push(word) }
        }
    }
    sides.into_iter().flat_map(|(first, other)| choose(first, other, height)).collect()
}

/// Of the words that two readings have at one place.
fn choose(first: Vec<Word>, other: Vec<Word>, height: f32) -> Vec<Word> {
    if other.is_empty() {
        return first;
    }
    if first.is_empty() {
        let fits = |word: &Word| height <= 0.0 || (0.4..=3.0).contains(&(word.bounds.height / height));
        return other
            .into_iter()
            .filter(|word| word.confidence >= SURE_ALONE && is_plausible(&word.text) && fits(word))
            .collect();
    }
    // Where both read the same characters, only the spaces differ.
    if sureness(&other) > sureness(&first) + 0.03 { other } else { first }
}

fn usual_height(words: &[Word]) -> Option<f32> {
    let mut heights: Vec<f32> =
        words.iter().filter(|word| is_plausible(&word.text)).map(|word| word.bounds.height).collect();
    heights.sort_by(f32::total_cmp);
    heights.get(heights.len() / 2).copied()
}

fn root_of(groups: &[usize], mut group: usize) -> usize {
    while let Some(parent) = groups.get(group).copied().filter(|parent| *parent != group) {
        group = parent;
    }
    group
}

/// The pairs of a word of the first reading and one of the other that stand at one place. The words are sorted by their tops,
/// so that each is compared with its neighbours only.
fn overlaps(words: &[Word], count: usize) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..words.len()).collect();
    let top = |place: usize| words.get(place).map_or(0.0, |word| word.bounds.y);
    order.sort_by(|a, b| top(*a).total_cmp(&top(*b)));
    let tallest = words.iter().map(|word| word.bounds.height).fold(0.0, f32::max);
    let mut pairs = Vec::new();
    for (position, a) in order.iter().enumerate() {
        for b in order.iter().skip(position + 1).take_while(|b| top(**b) <= top(*a) + tallest) {
            if (*a < count) != (*b < count)
                && let (Some(one), Some(two)) = (words.get(*a), words.get(*b))
                && is_same_place(one, two)
            {
                pairs.push((*a, *b));
            }
        }
    }
    pairs
}

/// Whether two words share half of the smaller one's place.
fn is_same_place(a: &Word, b: &Word) -> bool {
    let (a, b) = (a.bounds, b.bounds);
    let width = (a.x + a.width).min(b.x + b.width) - a.x.max(b.x);
    let height = (a.y + a.height).min(b.y + b.height) - a.y.max(b.y);
    if width <= 0.0 || height <= 0.0 {
        return false;
    }
    width * height > 0.5 * (a.width * a.height).min(b.width * b.height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_core::BoundingBox;

    fn word(text: &str, x: f32, width: f32, confidence: f32) -> Word {
        Word { text: text.to_owned(), bounds: BoundingBox { x, y: 0.0, width, height: 10.0 }, confidence, line: 0 }
    }

    fn texts(words: &[Word]) -> Vec<&str> {
        words.iter().map(|word| word.text.as_str()).collect()
    }

    #[test]
    fn the_surer_of_two_readings_wins_place_by_place() {
        let first = vec![word("lnv0ice", 0.0, 70.0, 0.5), word("4711", 80.0, 40.0, 0.95)];
        let other = vec![word("Invoice", 1.0, 70.0, 0.9), word("47II", 80.0, 41.0, 0.6)];
        assert_eq!(texts(&merge(first, other)), ["Invoice", "4711"]);
    }

    #[test]
    fn words_that_were_split_differently_are_one_place() {
        let whole = vec![word("12.00", 0.0, 50.0, 0.9)];
        let split = vec![word("12", 0.0, 20.0, 0.4), word("00", 30.0, 20.0, 0.4)];
        assert_eq!(texts(&merge(split.clone(), whole.clone())), ["12.00"]);
        assert_eq!(texts(&merge(whole, split)), ["12.00"]);
    }

    #[test]
    fn what_one_has_missed_is_added_if_it_is_sure_and_no_dirt() {
        let first = vec![word("Total", 0.0, 50.0, 0.9)];
        let other = vec![word("9.00", 100.0, 40.0, 0.9), word("~'", 200.0, 10.0, 0.9), word("eee", 300.0, 30.0, 0.3)];
        assert_eq!(texts(&merge(first, other)), ["Total", "9.00"]);
    }
}
