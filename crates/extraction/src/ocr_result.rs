//! Pages in the shape that the API stores and shows, and how well they could be read.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sluice_core::Page;

use crate::tables::{self, Table};

/// Characters that an ordinary page has; fewer lower the score.
const FULL_PAGE_CHARACTERS: f64 = 800.0;

/// The pages as `manifests.ocr_result` keeps them: one entry a page, one element a line, places in the page's units.
#[must_use]
pub fn build(pages: &[Page], processed_at: DateTime<Utc>, processing_ms: u64) -> Value {
    let shown: Vec<Value> = pages
        .iter()
        .map(|page| {
            json!({
                "pageNumber": page.number, "text": page.text, "markdown": page.markdown,
                "confidence": page.confidence().map(two_decimals), "width": page.width, "height": page.height,
                "source": page.source, "turnedDegrees": page.turned_degrees, "skewDegrees": two_decimals(page.skew_degrees),
                "languages": page.languages, "layout": {"elements": elements(page), "tables": tables(page)},
            })
        })
        .collect();
    json!({
        "document": {"type": "unknown", "language": language(pages), "pages": pages.len()},
        "pages": shown,
        "metadata": {"processedAt": processed_at.to_rfc3339_opts(SecondsFormat::Millis, true), "processingTimeMs": processing_ms},
    })
}

fn elements(page: &Page) -> Vec<Value> {
    page.words
        .chunk_by(|a, b| a.line == b.line)
        .map(|line| {
            let left = line.iter().map(|word| word.bounds.x).fold(f32::INFINITY, f32::min);
            let top = line.iter().map(|word| word.bounds.y).fold(f32::INFINITY, f32::min);
            let right = line.iter().map(|word| word.bounds.x + word.bounds.width).fold(0.0, f32::max);
            let bottom = line.iter().map(|word| word.bounds.y + word.bounds.height).fold(0.0, f32::max);
            let confidence = line.iter().map(|word| word.confidence).fold(1.0, f32::min);
            let content = line.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
            json!({"type": "text", "confidence": two_decimals(confidence), "content": content,
                   "position": {"x": left, "y": top, "width": right - left, "height": bottom - top}})
        })
        .collect()
}

fn tables(page: &Page) -> Vec<Value> {
    let show = |table: Table| json!({"header": table.header, "rows": table.rows, "position": table.bounds});
    tables::find(page).into_iter().map(show).collect()
}

fn two_decimals(value: f32) -> f64 {
    format!("{value:.2}").parse().unwrap_or(0.0)
}

/// `zh` when there is any CJK character, else `en` when there is any Latin letter: what clients of the original expect.
fn language(pages: &[Page]) -> Vec<&'static str> {
    let has = |matches: fn(char) -> bool| pages.iter().any(|page| page.text.chars().any(matches));
    if has(|c| matches!(c, '\u{3400}'..='\u{9FFF}')) {
        vec!["zh"]
    } else if has(|c| c.is_ascii_alphabetic()) {
        vec!["en"]
    } else {
        Vec::new()
    }
}

/// How well the pages could be read, 0..=100: the amount of text counts 30, the confidence of the words 40, that lines were
/// found 20, that the language is known 10. Nothing read is 0.
#[must_use]
pub fn quality_score(pages: &[Page]) -> i32 {
    let count = f64::from(u32::try_from(pages.len().max(1)).unwrap_or(u32::MAX));
    let characters: usize = pages.iter().map(|page| page.text.chars().count()).sum();
    if characters == 0 {
        return 0;
    }
    let characters = f64::from(u32::try_from(characters).unwrap_or(u32::MAX));
    let confidences: Vec<f64> = pages.iter().filter_map(Page::confidence).map(f64::from).collect();
    let read = f64::from(u32::try_from(confidences.len().max(1)).unwrap_or(u32::MAX));
    let confidence = confidences.iter().sum::<f64>() / read;
    let known = if language(pages).is_empty() { 0.6 } else { 1.0 };
    let amount = (characters / (count * FULL_PAGE_CHARACTERS)).min(1.0);
    let score = 100.0 * (0.3 * amount + 0.4 * confidence + 0.2 + 0.1 * known);
    format!("{score:.0}").parse().unwrap_or(0).clamp(0, 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_core::{BoundingBox, TextSource, Word};

    fn page(text: &str, confidence: f32) -> Page {
        let bounds = |x| BoundingBox { x, y: 5.0, width: 10.0, height: 4.0 };
        let words = (0_u8..).zip(text.split(' ').filter(|word| !word.is_empty()));
        let words = words.map(|(index, word)| Word {
            text: word.to_owned(),
            bounds: bounds(f32::from(index) * 20.0),
            confidence,
            line: 0,
        });
        Page { width: 100.0, height: 50.0, words: words.collect(), ..Page::of_text(1, TextSource::Ocr, text) }
    }

    #[test]
    fn lines_become_elements_with_their_place_and_weakest_word() {
        let result = build(&[page("Invoice 17", 0.8)], DateTime::from_timestamp(0, 0).unwrap(), 12);
        assert_eq!(result["document"], json!({"type": "unknown", "language": ["en"], "pages": 1}));
        assert_eq!(
            result["pages"][0]["layout"]["elements"],
            json!([{"type": "text", "confidence": 0.8, "content": "Invoice 17",
                    "position": {"x": 0.0, "y": 5.0, "width": 30.0, "height": 4.0}}])
        );
        assert_eq!(result["metadata"], json!({"processedAt": "1970-01-01T00:00:00.000Z", "processingTimeMs": 12}));
    }

    #[test]
    fn the_score_follows_the_words() {
        let full = "word ".repeat(200);
        assert_eq!(quality_score(&[page(full.trim_end(), 1.0)]), 100);
        assert_eq!(quality_score(&[page(full.trim_end(), 0.5)]), 80);
        assert_eq!(quality_score(&[page("", 1.0)]), 0);
        assert_eq!(quality_score(&[]), 0);
    }
}
