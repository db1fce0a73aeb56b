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
    /// Characters whose visibility was looked at.
    pub(crate) looked_at: u32,
    /// Of these, painted with no ink, as OCR programs put them over a scan.
    pub(crate) invisible: u32,
    /// The share of the page that pictures cover, 0..=1.
    pub(crate) picture_share: f32,
}

impl Layer {
    /// Whether the layer says what the page shows.
    pub(crate) fn is_sound(self) -> bool {
        let of = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
        let is_stamp = self.characters < 60 && self.picture_share > 0.5;
        self.characters > 0
            && !is_stamp
            && of(self.garbled, self.characters) <= 0.05
            && of(self.letters_and_digits, self.characters) >= 0.4
            && of(self.invisible, self.looked_at) <= 0.5
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
}
