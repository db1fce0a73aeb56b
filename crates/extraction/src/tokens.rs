//! How many tokens a text takes, before a model has told.

/// Estimates the tokens of a text, rather too many than too few.
///
/// Tokenisers differ; what they have in common is counted: a word of a language is one token for every four letters begun,
/// a digit, a mark or a character of a script without spaces one each, and a run of spaces one for every eight.
#[must_use]
pub fn estimate(text: &str) -> u32 {
    let mut tokens = 0_u32;
    let (mut letters, mut spaces) = (0_u32, 0_u32);
    for character in text.chars() {
        let is_letter = character.is_alphabetic() && character < '\u{2E80}';
        if !is_letter {
            tokens = tokens.saturating_add(letters.div_ceil(4));
            letters = 0;
        }
        if character != ' ' {
            // A single space belongs to the word behind it.
            tokens = tokens.saturating_add(spaces.saturating_sub(1).div_ceil(8));
            spaces = 0;
        }
        if is_letter {
            letters += 1;
        } else if character == ' ' {
            spaces += 1;
        } else {
            tokens = tokens.saturating_add(1);
        }
    }
    tokens.saturating_add(letters.div_ceil(4)).saturating_add(spaces.div_ceil(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_digits_and_wide_characters_are_counted() {
        assert_eq!(estimate(""), 0);
        assert_eq!(estimate("Invoice"), 2);
        assert_eq!(estimate("one two"), 2);
        assert_eq!(estimate("12.50"), 5);
        assert_eq!(estimate("发票"), 2);
        assert_eq!(estimate(&" ".repeat(80)), 10);
    }
}
