//! A document that is longer than a model reads at once, in parts.

use sluice_core::Page;

use crate::{prompt, tokens};

/// The texts of consecutive parts of a document, each of at most so many tokens: whole pages where they fit, else lines.
///
/// All text is in one of them; a line longer than the budget makes a part of its own.
#[must_use]
pub fn split(pages: &[Page], budget_tokens: u32) -> Vec<String> {
    let whole = prompt::document_text(pages);
    if tokens::estimate(&whole) <= budget_tokens {
        return vec![whole];
    }
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut used = 0_u32;
    for page in pages {
        let head = format!("--- page {} of {} ---\n", page.number, pages.len());
        let page_tokens = tokens::estimate(&head).saturating_add(tokens::estimate(&page.markdown));
        if !part.is_empty() && used.saturating_add(page_tokens) > budget_tokens {
            parts.push(std::mem::take(&mut part));
            used = 0;
        }
        part.push_str(&head);
        used = used.saturating_add(tokens::estimate(&head));
        for line in page.markdown.lines() {
            let line_tokens = tokens::estimate(line).saturating_add(1);
            if used.saturating_add(line_tokens) > budget_tokens && part != head && !part.is_empty() {
                parts.push(std::mem::take(&mut part));
                part.push_str(&head);
                used = tokens::estimate(&head);
            }
            part.push_str(line);
            part.push('\n');
            used = used.saturating_add(line_tokens);
        }
    }
    if !part.trim().is_empty() {
        parts.push(part);
    }
    for part in &mut parts {
        part.truncate(part.trim_end().len());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sluice_core::TextSource;

    fn pages(texts: &[String]) -> Vec<Page> {
        let numbered = (1..).zip(texts);
        let page = |(number, text): (u32, &String)| Page::of_text(number, TextSource::TextLayer, text.as_str());
        numbered.map(page).collect()
    }

    #[test]
    fn what_fits_is_one_part() {
        assert_eq!(split(&pages(&["a".to_owned(), "b".to_owned()]), 1_000).len(), 1);
    }

    #[test]
    fn pages_stay_whole_where_they_fit() {
        let text = "word ".repeat(100);
        let parts = split(&pages(&[text.clone(), text.clone(), text]), 250);
        assert_eq!(parts.len(), 2);
        assert!(parts[0].contains("page 2 of 3") && parts[1].starts_with("--- page 3 of 3 ---"), "{parts:?}");
    }

    proptest! {
        #[test]
        fn no_line_is_lost_and_parts_keep_to_the_budget(counts in proptest::collection::vec(0_usize..30, 1..6), budget in 40_u32..200) {
            let texts: Vec<String> = counts.iter().enumerate()
                .map(|(page, count)| (0..*count).map(|line| format!("p{page}l{line} some text\n")).collect()).collect();
            let parts = split(&pages(&texts), budget);
            let lines: Vec<&str> = parts.iter().flat_map(|part| part.lines()).filter(|line| line.starts_with('p')).collect();
            let expected: Vec<&str> = texts.iter().flat_map(|text| text.lines()).collect();
            prop_assert_eq!(lines, expected);
            prop_assert!(parts.iter().all(|part| tokens::estimate(part) <= budget + 20), "{:?}", parts);
        }
    }
}
