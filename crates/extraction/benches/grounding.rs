//! How long it takes to find values on large pages.

use divan::Bencher;
use serde_json::{Value, json};
use sluice_core::{BoundingBox, Page, TextSource, Word};
use sluice_extraction::grounding::ground;

fn main() {
    divan::main();
}

/// Pages with a table of five columns, and the rows of the table.
fn table(pages: u32, rows: u32) -> (Vec<Page>, Value) {
    let mut items = Vec::new();
    let pages = (1..=pages)
        .map(|number| {
            let mut words = Vec::new();
            for row in 0..rows {
                let id = number * rows + row;
                let (quantity, cents) = (id % 7 + 1, id * 37 % 9973 + 100);
                let (price, amount) = (f64::from(cents) / 100.0, f64::from(cents * quantity) / 100.0);
                let texts = [
                    format!("AB-{id}"),
                    "Widget".to_owned(),
                    format!("size{}", id % 50),
                    quantity.to_string(),
                    format!("{price:.2}"),
                    format!("{amount:.2}"),
                ];
                for (x, text) in [40.0, 120.0, 180.0, 300.0, 380.0, 460.0].into_iter().zip(texts) {
                    let y = f32::from(u16::try_from(row).unwrap_or(0)) * 12.0;
                    let bounds = BoundingBox { x, y, width: 50.0, height: 10.0 };
                    words.push(Word { text, bounds, confidence: 0.9, line: row });
                }
                items.push(json!({"code": format!("AB-{id}"), "description": format!("Widget size{}", id % 50),
                                  "quantity": quantity, "price": price, "amount": amount}));
            }
            let (text, markdown) = (String::new(), String::new());
            Page {
                number,
                width: 595.0,
                height: 20_000.0,
                turned_degrees: 0,
                skew_degrees: 0.0,
                languages: Vec::new(),
                source: TextSource::Ocr,
                words,
                text,
                markdown,
            }
        })
        .collect();
    (pages, Value::Array(items))
}

fn first(items: &Value, count: usize) -> Vec<Value> {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    let step = (items.len() / count).max(1);
    items.iter().step_by(step).take(count).cloned().collect()
}

/// 10,000 words, 500 values.
#[divan::bench]
fn one_page(bencher: Bencher<'_, '_>) {
    let (pages, items) = table(1, 1_667);
    let data = json!({"items": first(&items, 100)});
    bencher.bench(|| ground(&data, &pages, &json!({})));
}

/// 10,000 words, 500 values of which a fifth is nowhere.
#[divan::bench]
fn one_page_with_inventions(bencher: Bencher<'_, '_>) {
    let (pages, items) = table(1, 1_667);
    let mut items = first(&items, 100);
    for (number, item) in (0..).zip(&mut items) {
        if let Some(code) = item.get_mut("code") {
            *code = json!(format!("Nowhere {}", number * 7919));
        }
    }
    let data = json!({"items": items});
    bencher.bench(|| ground(&data, &pages, &json!({})));
}

/// 90 pages of 500 words, 3,000 values.
#[divan::bench]
fn ninety_pages(bencher: Bencher<'_, '_>) {
    let (pages, items) = table(90, 84);
    let data = json!({"items": first(&items, 600)});
    bencher.bench(|| ground(&data, &pages, &json!({})));
}
