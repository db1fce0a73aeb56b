//! Whether a page was read in the right script.

use sluice_core::Word;

use crate::merge::is_plausible;

/// Whether a page that was read in Chinese is Chinese: that many of its characters, read with some confidence.
pub(crate) fn is_chinese(words: &[Word]) -> bool {
    let (mut han, mut all) = (0, 0);
    for word in words.iter().filter(|word| word.confidence > 0.5 && is_plausible(&word.text)) {
        han += word.text.chars().filter(|character| matches!(character, '\u{3400}'..='\u{9FFF}')).count();
        all += word.text.chars().count();
    }
    han >= 10 && han * 7 >= all
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_core::BoundingBox;

    fn words(text: &str) -> Vec<Word> {
        let word =
            |text: &str| Word { text: text.to_owned(), bounds: BoundingBox::default(), confidence: 0.9, line: 0 };
        text.split(' ').map(word).collect()
    }

    #[test]
    fn a_few_chinese_characters_in_dirt_are_no_chinese_page() {
        assert!(is_chinese(&words("增值税专用发票 发票号码 12345678 价税合计")));
        assert!(!is_chinese(&words("Invoice 人 Total 一 25.00")));
    }
}
