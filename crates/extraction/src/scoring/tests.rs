use proptest::prelude::*;
use serde_json::json;

use super::*;

fn schema() -> Value {
    let text = json!({"type": ["string", "null"]});
    let number = json!({"anyOf": [{"type": "number"}, {"type": "null"}]});
    json!({
        "type": "object",
        "$defs": {"party": {"type": "object", "properties": {"name": text, "vat_id": text}}},
        "properties": {
            "doc_type": {"enum": ["invoice", "credit_note", "other"]},
            "number": text,
            "date": {"type": "string", "format": "date"},
            "seller": {"$ref": "#/$defs/party"},
            "total": number,
            "notes": {"type": "array", "items": {"type": "string"}},
            "taxes": {"type": "array", "items": {"type": "object", "properties": {"rate": number, "amount": number}}},
            "lines": {"type": ["array", "null"], "items": {"type": "object", "properties": {
                "description": text, "quantity": number, "amount": number}}}
        }
    })
}

fn truth() -> Value {
    json!({
        "doc_type": "invoice", "number": "RE-17", "date": "2026-03-05", "total": 119.0,
        "seller": {"name": "Müller & Söhne GmbH", "vat_id": "DE123456789"},
        "notes": ["by air", "paid"],
        "taxes": [{"rate": 19, "amount": 19}],
        "lines": [
            {"description": "Chair of wood", "quantity": 4, "amount": 80},
            {"description": "Delivery", "amount": 20}],
        "_meta": {"set": "a"}
    })
}

fn score(truth: &Value, prediction: &Value) -> DocumentScore {
    Scorer::new(schema()).score(truth, prediction, &BTreeMap::new())
}

fn wrong(score: &DocumentScore) -> Vec<&str> {
    score.fields.iter().filter(|(_, verdict)| **verdict != Verdict::Right).map(|(path, _)| path.as_str()).collect()
}

#[test]
fn the_truth_is_exact_and_its_own_remarks_are_not_scored() {
    let found = score(&truth(), &truth());
    assert!(found.is_exact());
    let paths: Vec<&str> = found.fields.keys().map(String::as_str).collect();
    assert_eq!(paths, ["date", "doc_type", "notes", "number", "seller.name", "seller.vat_id", "taxes", "total"]);
    assert_eq!(found.lines.unwrap().wanted, 2);
}

#[test]
fn other_notations_in_another_order_are_exact() {
    let prediction = json!({
        "doc_type": "invoice", "number": "re 17", "date": "5.3.2026", "total": "119,00 EUR",
        "seller": {"name": "MULLER & SOHNE GMBH", "vat_id": "DE 123 456 789"},
        "notes": ["paid", "by air"],
        "taxes": [{"rate": "19 %", "amount": "19.00"}],
        "lines": [
            {"description": "delivery", "quantity": 1, "amount": "20.00"},
            {"description": "chair of wood", "quantity": "4", "amount": 80.0}],
        "more": "is not scored"
    });
    let found = score(&truth(), &prediction);
    assert!(found.is_exact(), "{found:?}");
}

#[test]
fn wrong_and_missing_values_are_told_apart() {
    let mut prediction = truth();
    prediction["total"] = json!(119.01);
    prediction["seller"]["vat_id"] = json!(null);
    prediction["date"] = json!("n/a");
    let found = score(&truth(), &prediction);
    assert_eq!(wrong(&found), ["date", "seller.vat_id", "total"]);
    assert_eq!(found.fields["total"], Verdict::Wrong);
    assert_eq!(found.fields["seller.vat_id"], Verdict::Missing);
    assert_eq!(found.fields["date"], Verdict::Missing);
    let nothing = score(&truth(), &Value::Null);
    assert!(nothing.fields.values().all(|verdict| *verdict == Verdict::Missing));
    assert_eq!(nothing.lines.unwrap(), LineScore { wanted: 2, columns: nothing_right(), ..LineScore::default() });
}

fn nothing_right() -> BTreeMap<String, (usize, usize)> {
    [("description", (0, 2)), ("quantity", (0, 1)), ("amount", (0, 2))]
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect()
}

#[test]
fn lines_that_are_lost_added_or_spoilt_cost() {
    let with = |change: fn(&mut Vec<Value>)| {
        let mut prediction = truth();
        change(prediction["lines"].as_array_mut().unwrap());
        let lines = score(&truth(), &prediction).lines.unwrap();
        (lines.right, lines.wanted, lines.found)
    };
    assert_eq!(with(|_| ()), (2, 2, 2));
    assert_eq!(with(|lines| lines.truncate(1)), (1, 2, 1));
    assert_eq!(with(|lines| lines.push(json!({"description": "Bonus", "amount": 9}))), (2, 2, 3));
    assert_eq!(with(|lines| lines.push(json!({"description": null}))), (2, 2, 2));
    assert_eq!(with(|lines| lines[0]["quantity"] = json!(5)), (1, 2, 2));
    assert_eq!(with(|lines| lines.push(json!("no row"))), (2, 2, 2));
    let doubled = |lines: &mut Vec<Value>| lines.push(lines[0].clone());
    assert_eq!(with(doubled), (2, 2, 3), "one row of the truth has one partner");
}

#[test]
fn a_spoilt_cell_spoils_its_column_alone() {
    let mut prediction = truth();
    prediction["lines"][0]["quantity"] = json!(5);
    let lines = score(&truth(), &prediction).lines.unwrap();
    assert_eq!(lines.columns["quantity"], (0, 1));
    assert_eq!(lines.columns["amount"], (2, 2));
}

#[test]
fn a_small_table_is_right_as_a_whole() {
    let mut prediction = truth();
    prediction["taxes"] = json!([{"rate": 19, "amount": 19}, {"rate": 7, "amount": 1}]);
    assert_eq!(wrong(&score(&truth(), &prediction)), ["taxes"]);
}

#[test]
fn what_can_not_be_seen_is_not_scored() {
    let mut truth = truth();
    truth["_meta"] = json!({"not_visible": ["total", "lines[0].quantity"]});
    let mut prediction = truth.clone();
    prediction["total"] = json!(1);
    prediction["lines"][0]["quantity"] = json!(1);
    assert!(score(&truth, &prediction).is_exact());
}

#[test]
fn the_sign_of_credit_notes_does_not_count() {
    let mut truth = truth();
    truth["doc_type"] = json!("credit_note");
    let mut prediction = truth.clone();
    prediction["total"] = json!(-119);
    prediction["lines"][0]["amount"] = json!(-80);
    assert!(score(&truth, &prediction).is_exact());
}

#[test]
fn confidences_of_values_cells_and_surplus_rows_are_judged() {
    let mut prediction = truth();
    prediction["total"] = json!(1);
    prediction["lines"].as_array_mut().unwrap().insert(0, json!({"description": "Bonus", "amount": 9}));
    let confidences: BTreeMap<String, f64> = [
        ("total", 0.2),
        ("number", 0.9),
        ("lines.0.amount", 0.1),
        ("lines.0.description", 0.3),
        ("lines.1.amount", 0.8),
        ("lines.10.amount", 0.5),
        ("nowhere", 0.5),
    ]
    .map(|(path, confidence)| (path.to_owned(), confidence))
    .into();
    let mut judged = Scorer::new(schema()).score(&truth(), &prediction, &confidences).judged;
    judged.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(judged, [(0.1, false), (0.2, false), (0.3, false), (0.8, true), (0.9, true)]);
}

#[test]
fn the_better_of_two_schemas_fits_better() {
    let receipt = json!({"properties": {"merchant": {"properties": {"name": {}}}, "total": {}}});
    let (invoice, receipt) = (Scorer::new(schema()), Scorer::new(receipt));
    assert!(invoice.fit(&truth()) > receipt.fit(&truth()));
    let slip = json!({"merchant": {"name": "Bagel"}, "total": 1});
    assert!(receipt.fit(&slip) > invoice.fit(&slip));
    assert_eq!(invoice.fit(&json!({})), 0);
}

#[test]
fn bad_input_wants_what_its_truth_says() {
    let want = |words: &[&str]| BadInput::of(&json!({"doc_type": "bad_input", "expected": words})).unwrap();
    assert!(want(&["reject"]).is_met(true, false) && !want(&["reject"]).is_met(false, false));
    assert!(want(&["no_data"]).is_met(false, false) && !want(&["no_data"]).is_met(false, true));
    assert!(want(&["bounded"]).is_met(false, true));
    assert_eq!(BadInput::of(&truth()), None);
    let scorer = Scorer::new(schema());
    assert!(!scorer.has_values(&json!({"doc_type": "other", "number": null, "lines": [], "_info": 1})));
    assert!(scorer.has_values(&json!({"doc_type": "other", "number": "1"})));
    assert!(!scorer.has_values(&Value::Null) && !scorer.has_values(&json!(["no object"])));
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let endless = json!({
        "properties": {"a": {"$ref": "#"}, "rows": {"type": "array", "items": {"$ref": "#"}}},
        "allOf": [{"$ref": "#"}]
    });
    let scorer = Scorer::new(endless);
    let data = json!({"a": {"a": {"b": 1}}, "rows": [{"a": {"b": 2}}]});
    assert!(scorer.score(&data, &data, &BTreeMap::new()).is_exact());
}

#[test]
fn a_long_table_in_another_order_and_an_endless_one_are_scored() {
    let row = |number: usize| json!({"description": format!("Article {number} of steel"), "quantity": number, "amount": number * 2});
    let mut truth = truth();
    truth["lines"] = (0..300).map(row).collect();
    let mut prediction = truth.clone();
    prediction["lines"] = (0..300).rev().map(row).collect();
    assert!(score(&truth, &prediction).is_exact());
    prediction["lines"] = (0..20_000).map(|_| json!({"description": "again and again", "amount": 1})).collect();
    assert_eq!(score(&truth, &prediction).lines.unwrap().found, 20_000);
}

#[test]
fn f1_of_nothing_is_one() {
    assert!((f1(0, 0, 0) - 1.0).abs() < f64::EPSILON);
    assert!((f1(1, 2, 1) - 2.0 / 3.0).abs() < 1e-9);
}

fn any_truth() -> impl Strategy<Value = Value> {
    let text = "[\\PC]{0,30}";
    let amount = (-1_000_000_000_i32..1_000_000_000).prop_map(|cents| f64::from(cents) / 100.0);
    let row = (text, amount.clone(), prop::option::of(0_u32..1000)).prop_map(
        |(description, amount, quantity)| json!({"description": description, "amount": amount, "quantity": quantity}),
    );
    let rows = prop::collection::vec(row, 0..12);
    (text, text, amount, rows, prop::collection::vec(text, 0..4)).prop_map(|(number, name, total, lines, notes)| {
        json!({"number": number, "seller": {"name": name}, "total": total, "lines": lines, "notes": notes})
    })
}

proptest! {
    #[test]
    fn a_truth_against_itself_is_exact(truth in any_truth()) {
        let found = score(&truth, &truth);
        prop_assert!(found.is_exact(), "{:?}", found);
    }

    #[test]
    fn scoring_is_bounded_and_never_fails(truth in any_truth(), prediction in any_truth()) {
        let found = score(&truth, &prediction);
        if let Some(lines) = found.lines {
            prop_assert!(lines.right <= lines.wanted.min(lines.found));
            prop_assert!((0.0..=1.0).contains(&f1(lines.right, lines.wanted, lines.found)));
        }
    }

    #[test]
    fn a_lost_row_costs(truth in any_truth()) {
        let mut prediction = truth.clone();
        let full = score(&truth, &truth).lines;
        let lost = prediction["lines"].as_array_mut().and_then(Vec::pop);
        if let (Some(full), Some(lost)) = (full, lost) && !is_empty(&lost) {
            let lines = score(&truth, &prediction).lines.unwrap();
            prop_assert!(lines.right < full.wanted);
        }
    }
}
