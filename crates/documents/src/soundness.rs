//! Whether a text layer can be trusted.

/// What a page's text layer looks like.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Layer {
    /// Characters that are no space.
    pub(crate) characters: u32,
    /// Of these, replacement characters, characters of private use and controls: what is left where a font has no map.
    pub(crate) garbled: u32,
    /// Of these, letters and digits.
    pub(crate) letters_and_digits: u32,
    /// Words whose visibility was looked at.
    pub(crate) looked_at: u32,
    /// Of these, painted with no ink, as OCR programs put them over a scan.
    pub(crate) invisible: u32,
    /// Words of at least four Latin letters and nothing else.
    pub(crate) words: u32,
    /// Their letters.
    pub(crate) word_letters: u32,
    /// Of these words, those with a vowel.
    pub(crate) voiced_words: u32,
    /// Letters that the page shows outside of all words, and letters that it shows, where pictures cover much of it.
    pub(crate) unread_letters: (u32, u32),
    /// The share of the page that pictures cover, 0..=1.
    pub(crate) picture_share: f32,
}

fn of(part: u32, whole: u32) -> f64 {
    f64::from(part) / f64::from(whole.max(1))
}

impl Layer {
    /// Whether the layer says what the page shows.
    pub(crate) fn is_sound(self) -> bool {
        let is_stamp = self.characters < 60 && self.picture_share > 0.5;
        self.characters > 0
            && !is_stamp
            && !self.is_hidden()
            && !self.has_strange_words()
            && !self.lacks_letters()
            && of(self.garbled, self.characters) <= 0.05
            && of(self.letters_and_digits, self.characters) >= 0.4
    }

    /// Whether most of it is painted with no ink, as OCR programs put it over a scan.
    pub(crate) fn is_hidden(self) -> bool {
        of(self.invisible, self.looked_at) > 0.5
    }

    /// Whether its words can't be words: a font whose letters are mapped to others has none with vowels where they are expected,
    /// and text whose spaces are lost or everywhere has no words at all.
    fn has_strange_words(self) -> bool {
        let mean = of(self.word_letters, self.words);
        self.words >= 12 && (of(self.voiced_words, self.words) < 0.5 || mean > 30.0)
    }

    /// Whether the page shows many more letters than the layer has: a scan with a few typed words on it.
    fn lacks_letters(self) -> bool {
        let (outside, all) = self.unread_letters;
        outside >= 150 && of(outside, all) > 0.65
    }

    /// Counts a word of Latin letters.
    pub(crate) fn count_word(&mut self, word: &str) {
        let letters = word.chars().filter(char::is_ascii_alphabetic).count();
        if letters < 4 || letters != word.trim_matches(|c: char| !c.is_alphanumeric()).chars().count() {
            return;
        }
        self.words += 1;
        self.word_letters += u32::try_from(letters).unwrap_or(u32::MAX);
        self.voiced_words +=
            u32::from(word.chars().any(|c| matches!(c.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u' | 'y')));
    }

    pub(crate) fn count(&mut self, character: char) {
        if character.is_whitespace() {
            return;
        }
        self.characters += 1;
        if character.is_alphanumeric() {
            self.letters_and_digits += 1;
        }
        let private = matches!(character, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFD}');
        if character == '\u{FFFD}' || private || character.is_control() {
            self.garbled += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(text: &str) -> Layer {
        let mut layer = Layer::default();
        text.chars().for_each(|character| layer.count(character));
        text.split(' ').for_each(|word| layer.count_word(word));
        layer
    }

    #[test]
    fn ordinary_text_is_sound() {
        assert!(layer("Invoice 2026-17, total 1.234,50 €").is_sound());
        assert!(layer("发票号码 12345678").is_sound());
    }

    #[test]
    fn missing_garbled_and_implausible_text_is_not() {
        assert!(!layer("").is_sound());
        assert!(!layer("In\u{FFFD}o\u{FFFD}ce \u{E001}\u{E002} 17").is_sound());
        assert!(!layer("!\"#$%&'()*+ -./:;<=>?@ [a]").is_sound());
    }

    #[test]
    fn text_over_a_scan_is_not_trusted_and_neither_is_a_stamp_on_one() {
        let hidden = Layer { looked_at: 50, invisible: 50, ..layer("An invoice that an OCR program has read") };
        assert!(!hidden.is_sound());
        assert!(!Layer { picture_share: 0.9, ..layer("Received 2026-03-14") }.is_sound());
    }

    #[test]
    fn letters_mapped_to_others_and_lost_spaces_are_no_text() {
        let text =
            "invoice number seventeen harbour supplies limited payable within thirty days rope anchor total please";
        assert!(layer(text).is_sound());
        // Each letter taken for another, as of a font with a broken map.
        let moved: String = text
            .bytes()
            .map(|c| if c == b' ' { ' ' } else { char::from(b"BCDFGHJKLMNPQRSTVWXZ"[usize::from(c - b'a') % 20]) })
            .collect();
        assert!(!layer(&moved).is_sound());
        assert!(!layer(&vec![text.replace(' ', ""); 12].join(" ")).is_sound());
        // Codes without vowels are no reason while there are words.
        assert!(layer(&format!("{text} XKCD BRTZ QWRT")).is_sound());
    }

    #[test]
    fn a_scan_with_a_few_typed_words_is_to_be_read() {
        let typed =
            layer("Received on the seventeenth of March 2026 by the accounting department, number 4711, thank you");
        assert!(Layer { picture_share: 0.4, unread_letters: (10, 90), ..typed }.is_sound());
        assert!(!Layer { picture_share: 0.4, unread_letters: (900, 980), ..typed }.is_sound());
    }
}
