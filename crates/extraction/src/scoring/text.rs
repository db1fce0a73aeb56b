//! Texts: normal forms and similarity.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// From here on two texts count as the same.
const ALIKE: f64 = 0.9;

/// Without case and accents.
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase().replace('ß', "ss").nfkd().filter(|letter| !is_combining_mark(*letter)).collect()
}

/// Letters and digits alone.
pub(super) fn letters_and_digits(text: &str) -> String {
    fold(text).chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// Words; of scripts that put no spaces between words, single characters.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in fold(text).chars() {
        let stands_alone = matches!(letter, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
        if !letter.is_alphanumeric() || stands_alone {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(letter);
        }
        if stands_alone {
            words.push(String::new());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether two texts are the same but for case, accents, punctuation and one part in ten.
pub(super) fn are_alike(truth: &str, other: &str, spaces_count: bool) -> bool {
    if truth == other {
        return true;
    }
    let (own, others) = (words(truth), words(other));
    let (own_joined, other_joined) = (own.concat(), others.concat());
    if own_joined == other_joined {
        return !own_joined.is_empty();
    }
    if own_joined.is_empty() || other_joined.is_empty() {
        return false;
    }
    if !spaces_count {
        return strsim::normalized_levenshtein(&own_joined, &other_joined) >= ALIKE;
    }
    let longest = own.len().max(others.len());
    let allowed = share(longest, 1.0 - ALIKE);
    // Each surplus word costs one; this also keeps absurdly long answers cheap.
    if size(own.len().abs_diff(others.len())) > allowed + f64::EPSILON {
        return false;
    }
    distance(&own, &others) <= allowed + 1e-9
}

/// The edit distance over words, where exchanging a word for a similar one costs as much as they differ.
fn distance(own: &[String], others: &[String]) -> f64 {
    let mut row: Vec<f64> = (0..=others.len()).map(size).collect();
    for (number, word) in own.iter().enumerate() {
        let mut diagonal = size(number);
        let mut left = size(number + 1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(others) {
            let differs = if word == other { 0.0 } else { 1.0 - strsim::normalized_levenshtein(word, other) };
            let best = (*cell + 1.0).min(left + 1.0).min(diagonal + differs);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn size(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

fn share(count: usize, part: f64) -> f64 {
    size(count) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_punctuation_do_not_count() {
        assert!(are_alike("Müller & Söhne GmbH", "MULLER & SOHNE GMBH", true));
        assert!(are_alike("Lange Straße 5, 10115 Berlin", "Lange Strasse 5 10115 Berlin", true));
        assert!(are_alike("NEWYORKBAGEL", "New York Bagel", true));
        assert!(are_alike("深圳星河虚构电子有限公司", "深圳星河虚构电子有限公司", true));
    }

    #[test]
    fn one_part_in_ten_may_differ() {
        assert!(are_alike("Musterlieferant GmbH", "Musterlieferamt GmbH", true));
        assert!(!are_alike("Lieferant GmbH", "Kunden AG", true));
        assert!(!are_alike("Stuhl", "Tisch", true));
        assert!(!are_alike("", "Tisch", true) && !are_alike("--", "!!", true));
        assert!(!are_alike("深圳星河虚构电子", "上海明月真实机械", true));
    }

    #[test]
    fn an_endless_answer_is_unlike_at_once() {
        let endless = "word ".repeat(200_000);
        assert!(!are_alike("Stuhl aus Holz", &endless, true));
    }
}
