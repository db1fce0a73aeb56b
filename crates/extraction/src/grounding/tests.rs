//! Values on pages that are drawn here, so that each place is known.

use serde_json::{Value, json};
use sluice_core::{BoundingBox, Word};

use super::drawing::{Drawing, SIZE, page};
use super::{Citation, MatchKind, ground};

fn overlap(one: BoundingBox, other: BoundingBox) -> f32 {
    let side = |a: f32, a_length: f32, b: f32, b_length: f32| ((a + a_length).min(b + b_length) - a.max(b)).max(0.0);
    let common = side(one.x, one.width, other.x, other.width) * side(one.y, one.height, other.y, other.height);
    common / (one.width * one.height + other.width * other.height - common)
}

#[track_caller]
fn check(citations: &[Citation], path: &str, page: u32, expected: BoundingBox) {
    let citation = citations.iter().find(|citation| citation.path == path).unwrap_or_else(|| panic!("no {path}"));
    assert_eq!(citation.page, Some(page), "{citation:?}");
    let bounds = citation.bounds.unwrap_or_else(|| panic!("no box: {citation:?}"));
    assert!(overlap(bounds, expected) >= 0.5, "{citation:?} is not at {expected:?}");
}

fn kind(citations: &[Citation], path: &str) -> MatchKind {
    citations.iter().find(|citation| citation.path == path).unwrap().match_kind
}

#[test]
fn every_scalar_of_an_invoice_is_found_where_it_is_drawn() {
    let mut drawing = Drawing::default();
    let mut expected: Vec<(&str, BoundingBox)> = Vec::new();
    drawing.text(40.0, 40.0, "Rechnung");
    // Two addresses beside each other: a reader goes through them line by line.
    let name = drawing.text(40.0, 80.0, "Hafen & Söhne GmbH");
    let buyer = drawing.text(320.0, 80.0, "Kunden AG Mitte");
    let one = drawing.text(40.0, 94.0, "Lange Straße 5");
    drawing.text(320.0, 94.0, "Kurzer Weg 7");
    drawing.text(40.0, 108.0, "10115 Berlin");
    drawing.text(320.0, 108.0, "10115 Berlin");
    let address = BoundingBox { height: 24.0, ..one };
    let buyer_address = BoundingBox { x: 320.0, ..BoundingBox { width: 60.0, ..address } };
    drawing.text(40.0, 140.0, "USt-IdNr.:");
    expected.push(("seller.vat_id", drawing.text(100.0, 140.0, "DE 123 456 789")));
    drawing.text(320.0, 140.0, "Rechnungsnr.");
    expected.push(("invoice_number", drawing.text(420.0, 140.0, "RE-2026/0815")));
    drawing.text(320.0, 154.0, "Datum");
    expected.push(("issue_date", drawing.text(420.0, 154.0, "14. März 2026")));
    drawing.text(320.0, 168.0, "Fällig");
    expected.push(("due_date", drawing.text(420.0, 168.0, "28.03.2026")));
    for (x, head) in [(40.0, "Pos"), (80.0, "Bezeichnung"), (260.0, "Menge"), (340.0, "Einzelpreis"), (460.0, "Gesamt")]
    {
        drawing.text(x, 200.0, head);
    }
    drawing.text(40.0, 220.0, "1");
    expected.push(("items.0.description", drawing.text(80.0, 220.0, "Tau 20 m")));
    expected.push(("items.0.quantity", drawing.text(260.0, 220.0, "1")));
    expected.push(("items.0.price", drawing.text(340.0, 220.0, "1.250,00")));
    expected.push(("items.0.amount", drawing.text(460.0, 220.0, "1.250,00")));
    drawing.text(40.0, 240.0, "2");
    expected.push(("items.1.description", drawing.text(80.0, 240.0, "Anker verzinkt")));
    expected.push(("items.1.quantity", drawing.text(260.0, 240.0, "2")));
    expected.push(("items.1.price", drawing.text(340.0, 240.0, "625,00")));
    expected.push(("items.1.amount", drawing.text(460.0, 240.0, "1.250,00")));
    drawing.text(340.0, 280.0, "Netto");
    expected.push(("totals.net", drawing.text(460.0, 280.0, "2.500,00")));
    drawing.text(340.0, 294.0, "MwSt 19 %");
    expected.push(("totals.tax", drawing.text(460.0, 294.0, "475,00")));
    drawing.text(340.0, 308.0, "Gesamtbetrag");
    expected.push(("totals.gross", drawing.text(460.0, 308.0, "2.975,00 €")));
    expected.push(("seller.name", name));
    expected.push(("buyer.name", buyer));
    expected.push(("seller.address", address));
    expected.push(("buyer.address", buyer_address));
    let data = json!({
        "doc_type": "invoice", "currency": "EUR", "paid": false, "invoice_number": "RE-2026/0815", "issue_date": "2026-03-14",
        "due_date": "2026-03-28", "purchase_order": null,
        "seller": {"name": "HAFEN & SÖHNE GmbH", "address": "Lange Straße 5, 10115 Berlin", "vat_id": "DE123456789", "country": "DE"},
        "buyer": {"name": "Kunden AG Mitte", "address": "Kurzer Weg 7, 10115 Berlin", "phone": "030 5551234"},
        "items": [
            {"description": "Tau 20 m", "quantity": 1, "price": 1250, "amount": 1250.0},
            {"description": "Anker verzinkt", "quantity": 2, "price": 625, "amount": 1250}],
        "totals": {"net": 2500, "tax": 475.0, "gross": 2975}});
    let schema = json!({"properties": {"doc_type": {"enum": ["invoice", "receipt"]}}});
    let pages = [drawing.page(1)];
    let citations = ground(&data, &pages, &schema);
    for (path, bounds) in expected {
        check(&citations, path, 1, bounds);
    }
    assert_eq!(kind(&citations, "invoice_number"), MatchKind::Exact);
    assert_eq!(kind(&citations, "issue_date"), MatchKind::Normalized);
    assert_eq!(kind(&citations, "items.1.price"), MatchKind::Normalized, "625 is printed 625,00");
    assert_eq!(kind(&citations, "seller.vat_id"), MatchKind::Normalized);
    for (path, expected) in [
        ("doc_type", MatchKind::Derived),
        ("currency", MatchKind::Derived),
        ("paid", MatchKind::Derived),
        ("buyer.phone", MatchKind::NotFound),
    ] {
        assert_eq!(kind(&citations, path), expected, "{path}");
    }
    assert_eq!(citations.len(), 24, "one for each value that is there");
}

#[test]
fn equal_rows_are_told_apart_by_their_order_over_pages() {
    let mut expected = Vec::new();
    let mut items = Vec::new();
    let mut pages = Vec::new();
    for number in 1..=3_u16 {
        let mut drawing = Drawing::default();
        drawing.text(40.0, 30.0, "Description");
        drawing.text(300.0, 30.0, "Qty");
        drawing.text(400.0, 30.0, "Amount");
        for row in 0..20_u16 {
            let y = 50.0 + f32::from(row) * 14.0;
            let description = drawing.text(40.0, y, if row % 2 == 0 { "Hour of work" } else { "Ride" });
            let quantity = drawing.text(300.0, y, "1");
            let amount = drawing.text(400.0, y, "80.00");
            expected.push((u32::from(number), description, quantity, amount));
            items.push(
                json!({"description": if row % 2 == 0 { "Hour of work" } else { "Ride" }, "quantity": 1, "amount": 80}),
            );
        }
        drawing.text(300.0, 800.0, &format!("Page {number} of 3"));
        pages.push(drawing.page(u32::from(number)));
    }
    let citations = ground(&json!({"items": items}), &pages, &json!({}));
    for (row, (page, description, quantity, amount)) in expected.into_iter().enumerate() {
        check(&citations, &format!("items.{row}.description"), page, description);
        check(&citations, &format!("items.{row}.quantity"), page, quantity);
        check(&citations, &format!("items.{row}.amount"), page, amount);
    }
}

#[test]
fn chinese_is_found_in_runs_of_characters_and_word_by_word() {
    let mut drawing = Drawing::default();
    drawing.text(40.0, 40.0, "名称：深圳星河虚构电子有限公司");
    let name = BoundingBox { x: 70.0, y: 40.0, width: 120.0, height: SIZE };
    drawing.text(320.0, 40.0, "开票日期：2024年12月28日");
    let date = BoundingBox { x: 370.0, y: 40.0, width: 70.0, height: SIZE };
    let mut at = 40.0;
    for character in "北京云山科技".chars() {
        drawing.words.push(Word {
            text: character.to_string(),
            bounds: BoundingBox { x: at, y: 60.0, width: 10.0, height: SIZE },
            confidence: 0.9,
            line: 0,
        });
        at += 10.0;
    }
    let buyer = BoundingBox { x: 40.0, y: 60.0, width: 60.0, height: SIZE };
    let gross = drawing.text(320.0, 80.0, "¥15960.01");
    let data = json!({"seller": {"name": "深圳星河虚构电子有限公司"}, "buyer": {"name": "北京云山科技"},
                      "issue_date": "2024-12-28", "gross": 15960.01, "currency": "CNY"});
    let citations = ground(&data, &[drawing.page(1)], &json!({}));
    check(&citations, "seller.name", 1, name);
    check(&citations, "issue_date", 1, date);
    check(&citations, "buyer.name", 1, buyer);
    check(&citations, "gross", 1, gross);
    assert_eq!(kind(&citations, "currency"), MatchKind::Derived);
}

#[test]
fn misread_values_are_found_near_what_they_were() {
    let mut drawing = Drawing::default();
    let number = drawing.text(40.0, 40.0, "INV-47l1");
    let total = drawing.text(40.0, 60.0, "1O5,00");
    let name = drawing.text(40.0, 80.0, "Harb0ur Supp1ies Ltd");
    let data = json!({"number": "INV-4711", "total": 105.0, "name": "Harbour Supplies Ltd", "other": "Something else", "sum": 77});
    let citations = ground(&data, &[drawing.page(1)], &json!({}));
    for (path, bounds) in [("number", number), ("total", total), ("name", name)] {
        check(&citations, path, 1, bounds);
        assert_eq!(kind(&citations, path), MatchKind::Fuzzy);
    }
    assert_eq!((kind(&citations, "other"), kind(&citations, "sum")), (MatchKind::NotFound, MatchKind::NotFound));
}

#[test]
fn codes_of_what_is_said_in_words_follow_from_the_page() {
    let mut drawing = Drawing::default();
    drawing.text(40.0, 40.0, "2 Stück aus Frankreich");
    let data = json!({"seller": {"country": "FR"}, "language": "de", "items": [{"unit": "C62", "quantity": 2}],
                      "taxes": [{"category": "S"}], "code": "FR", "number": "C61"});
    let citations = ground(&data, &[drawing.page(1)], &json!({}));
    for path in ["seller.country", "language", "items.0.unit", "taxes.0.category"] {
        assert_eq!(kind(&citations, path), MatchKind::Derived, "{path}");
    }
    assert_eq!((kind(&citations, "code"), kind(&citations, "number")), (MatchKind::NotFound, MatchKind::NotFound));
}

#[test]
fn a_page_of_text_alone_gives_its_number_and_no_box() {
    let mut text = page(3, Vec::new());
    text.text = "Invoice 4711\nTotal   105.00".to_owned();
    let citations = ground(&json!({"number": "4711", "total": 105}), &[page(2, Vec::new()), text], &json!({}));
    for citation in citations {
        assert_eq!((citation.page, citation.bounds), (Some(3), None));
    }
}

#[test]
fn times_percentages_and_spaced_numbers() {
    let mut drawing = Drawing::default();
    let time = drawing.text(40.0, 40.0, "9:54 PM");
    let rate = drawing.text(40.0, 60.0, "19 %");
    let total = drawing.text(40.0, 80.0, "1 234 567,50");
    let data = json!({"time": "21:54", "rate": 0.19, "total": 1_234_567.5, "text": "1234567.50"});
    let citations = ground(&data, &[drawing.page(1)], &json!({}));
    check(&citations, "time", 1, time);
    check(&citations, "rate", 1, rate);
    check(&citations, "total", 1, total);
    check(&citations, "text", 1, total);
}

#[test]
fn nothing_is_found_in_nothing() {
    assert_eq!(ground(&json!({}), &[], &json!({})), []);
    assert_eq!(ground(&Value::Null, &[page(1, Vec::new())], &Value::Null), []);
    let citations =
        ground(&json!({"a": "x", "rows": [{"b": 1}, 2, [3]], "deep": {"er": "-"}}), &[page(1, Vec::new())], &json!({}));
    assert_eq!(citations.len(), 5);
    assert!(citations.iter().all(|citation| citation.match_kind == MatchKind::NotFound));
}

#[test]
fn a_page_that_says_one_word_ten_thousand_times_is_no_trap() {
    let mut drawing = Drawing::default();
    for number in 0..10_000_u16 {
        drawing.text(f32::from(number % 100) * 6.0, f32::from(number / 100) * 14.0, "1");
    }
    let rows: Vec<Value> = (0..300).map(|_| json!({"a": 1, "b": "1 1 1 1 1 1 1 1", "c": "2 1 1 1 3"})).collect();
    let citations = ground(&json!({"rows": rows, "x": "1".repeat(3_000)}), &[drawing.page(1)], &json!({}));
    assert_eq!(citations.len(), 901);
}

mod any_page {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_and_data_of_any_kind_are_taken(
            words in prop::collection::vec(("\\PC{0,12}", -10.0_f32..900.0, -10.0_f32..900.0, 0_u32..9), 0..40),
            values in prop::collection::vec("\\PC{0,30}", 0..10),
            numbers in prop::collection::vec(any::<f64>(), 0..5),
        ) {
            let words: Vec<Word> = words.into_iter().map(|(text, x, y, line)| Word {
                text, bounds: BoundingBox { x, y, width: 10.0, height: 10.0 }, confidence: 0.5, line }).collect();
            let of_page: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
            let data = json!({"values": values, "numbers": numbers, "page": of_page});
            let citations = ground(&data, &[page(1, words)], &json!({}));
            for citation in citations.iter().filter(|citation| citation.path.starts_with("page.")) {
                let said = data.pointer(&format!("/{}", citation.path.replace('.', "/"))).unwrap().as_str().unwrap();
                // What is on the page word for word is found.
                if said.chars().filter(char::is_ascii_alphabetic).count() > 4 && said.is_ascii() {
                    prop_assert!(citation.match_kind != MatchKind::NotFound, "{:?}", said);
                }
            }
        }
    }
}
