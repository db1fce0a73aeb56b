use proptest::prelude::*;
use serde_json::{Value, json};

use crate::validate::{Examiner, Findings, Issue, Severity};

fn schema() -> Value {
    let text = json!({"type": ["string", "null"]});
    let number = json!({"type": ["number", "null"]});
    let party = json!({"type": "object", "properties": {"name": text, "vat_id": text}});
    json!({"type": "object", "properties": {
        "invoice_number": text, "issue_date": text, "due_date": text, "delivery_date": text, "currency": text,
        "seller": party, "buyer": party, "payment": {"type": "object", "properties": {"iban": text}},
        "totals": {"type": "object", "properties": {"net": number, "tax": number, "gross": number, "prepaid": number, "due": number,
            "allowances": number, "charges": number}},
        "taxes": {"type": "array", "items": {"type": "object", "properties": {"rate": number, "basis": number, "amount": number}}},
        "line_items": {"type": "array", "items": {"type": "object", "properties": {
            "description": text, "quantity": number, "unit_price": number, "discount": number, "amount": number}}},
    }})
}

fn invoice() -> Value {
    json!({
        "invoice_number": "R-1", "issue_date": "2026-03-01", "due_date": "2026-03-31", "delivery_date": "2026-02-27", "currency": "EUR",
        "seller": {"name": "Seil GmbH", "vat_id": "DE136695976"}, "payment": {"iban": "DE89 3704 0044 0532 0130 00"},
        "totals": {"net": 150, "tax": 26.1, "gross": 176.1, "prepaid": 6.1, "due": 170},
        "taxes": [{"rate": 19, "basis": 130, "amount": 24.7}, {"rate": 7, "basis": 20, "amount": 1.4}],
        "line_items": [
            {"description": "Rope", "quantity": 3, "unit_price": 33.333, "amount": 100},
            {"description": "Hook", "quantity": 2, "unit_price": 15, "amount": 30},
            {"description": "Book", "quantity": 1, "unit_price": 20, "amount": 20},
        ],
    })
}

fn examined(data: &Value, settings: Value) -> Findings {
    Examiner::new(&schema(), &[], &[], Some(&settings)).unwrap().examine(data)
}

fn changed(changes: &[(&str, Value)]) -> Vec<Issue> {
    let mut data = invoice();
    for (pointer, value) in changes {
        *data.pointer_mut(pointer).unwrap() = value.clone();
    }
    examined(&data, json!({})).issues
}

fn only(issues: &[Issue]) -> &Issue {
    assert_eq!(issues.len(), 1, "{issues:#?}");
    &issues[0]
}

#[test]
fn an_invoice_that_adds_up_vouches_for_its_amounts() {
    let findings = examined(&invoice(), json!({}));
    assert_eq!(findings.issues, []);
    for path in [
        "totals.net",
        "totals.tax",
        "totals.gross",
        "totals.prepaid",
        "totals.due",
        "taxes.0.amount",
        "taxes.1.basis",
        "taxes.0.rate",
        "line_items.0.amount",
        "line_items.1.quantity",
        "line_items.2.unit_price",
    ] {
        assert!(findings.corroborated.contains(path), "{path}: {:?}", findings.corroborated);
    }
    assert!(!findings.corroborated.contains("invoice_number"));
}

#[test]
fn credit_notes_may_print_either_sign() {
    let mut data = invoice();
    for row in data["line_items"].as_array_mut().unwrap() {
        row["amount"] = json!(-row["amount"].as_f64().unwrap());
    }
    assert_eq!(examined(&data, json!({})).issues, []);
}

#[test]
fn a_line_that_does_not_meet_is_told_with_its_values() {
    let issues = changed(&[("/line_items/1/amount", json!(36))]);
    let line = issues.iter().find(|issue| issue.check.as_deref() == Some("line_amount")).unwrap();
    assert!(line.message.starts_with("line 2: 2 × 15.00 is 30.00, its amount says 36.00"), "{}", line.message);
    assert_eq!(line.severity, Severity::Warning);
    let sum = issues.iter().find(|issue| issue.check.as_deref() == Some("sum_of_lines")).unwrap();
    assert!(sum.message.starts_with("lines sum to 156.00, the net amount says 150.00"), "{}", sum.message);
}

#[test]
fn a_misread_amount_is_suggested_and_not_changed() {
    // 30 was read as 80.
    let issues = changed(&[("/line_items/1/amount", json!(80))]);
    for check in ["line_amount", "sum_of_lines"] {
        let issue = issues.iter().find(|issue| issue.check.as_deref() == Some(check)).unwrap();
        assert_eq!((issue.field.as_str(), &issue.suggestion), ("line_items.1.amount", &Some(json!(30))), "{issue:?}");
        assert_eq!(issue.actual, Some(json!(80)));
    }
    // 176.10 without its point.
    let mut data = invoice();
    data["totals"] = json!({"net": 150, "tax": 26.1, "gross": 17610});
    let issue = only(&examined(&data, json!({})).issues).clone();
    assert_eq!((issue.field.as_str(), issue.suggestion), ("totals.gross", Some(json!(176.1))));
}

#[test]
fn what_could_be_several_values_suggests_none() {
    let data = json!({"totals": {"net": 11, "tax": 1, "gross": 18}});
    let findings = examined(&data, json!({}));
    let issue = only(&findings.issues);
    // 17 + 1 or 11 + 7.
    assert_eq!((issue.field.as_str(), &issue.suggestion), ("totals.gross", &None));
    assert_eq!(issue.message, "net 11.00 and tax 1.00 make 12.00, the total says 18.00");
    assert_eq!((&issue.actual, &issue.expected), (&Some(json!(18)), &Some(json!(12))));
}

#[test]
fn totals_that_do_not_meet_are_told() {
    let issue = only(&changed(&[("/taxes/1/rate", json!(1))])).clone();
    assert_eq!(
        (issue.check.as_deref(), issue.field.as_str()),
        (Some("tax_of_rate"), "taxes.1.rate"),
        "7 was read as 1: {issue:?}"
    );
    let issue = only(&changed(&[("/totals/due", json!(150.55))])).clone();
    assert!(
        issue.message.starts_with("the total 176.10 less 6.10 paid is 170.00, the amount due says 150.55"),
        "{issue:?}"
    );
    let issues = changed(&[("/totals/tax", json!(40.33))]);
    let mut checks: Vec<&str> = issues.iter().filter_map(|issue| issue.check.as_deref()).collect();
    checks.sort_unstable();
    assert_eq!(checks, ["gross_amount", "sum_of_taxes"]);
}

#[test]
fn charges_allowances_and_prices_with_tax_are_known() {
    let mut data = invoice();
    data["totals"]["charges"] = json!(10);
    data["totals"]["allowances"] = json!(-20);
    data["totals"]["net"] = json!(140);
    data["totals"]["gross"] = json!(166.1);
    data["totals"]["due"] = json!(160);
    data["taxes"] = json!([]);
    assert_eq!(examined(&data, json!({})).issues, []);
    let receipt = json!({"totals": {"net": 11.9, "tax": 1.9, "gross": 11.9}, "line_items": [{"quantity": 1, "unit_price": 10, "amount": 10}, {"amount": 1.9}]});
    assert_eq!(examined(&receipt, json!({})).issues, []);
}

#[test]
fn lines_of_a_document_that_counts_otherwise_are_left_alone() {
    let lines = |discount: Value| {
        json!({"line_items": [
            {"quantity": 2, "unit_price": 10, "amount": 18, "discount": discount},
            {"quantity": 1, "unit_price": 10, "amount": 9, "discount": discount},
            {"quantity": 3, "unit_price": 10, "amount": 27, "discount": discount},
        ]})
    };
    let findings = examined(&lines(json!(null)), json!({}));
    assert_eq!(findings.issues, [], "all lines have a discount that is not printed");
    assert!(findings.corroborated.is_empty());
    let findings = examined(&lines(json!(10)), json!({}));
    assert_eq!(findings.issues, []);
    assert_eq!(findings.corroborated.len(), 12, "ten percent explains all");
}

#[test]
fn dates_and_identifiers_are_looked_at() {
    for (changes, check, field) in [
        (vec![("/due_date", json!("2026-02-01"))], "date_order", "due_date"),
        (vec![("/delivery_date", json!("2062-02-27"))], "date_order", "delivery_date"),
        (vec![("/payment/iban", json!("DE89 3704 0044 0532 0130 01"))], "iban", "payment.iban"),
        (vec![("/seller/vat_id", json!("DE136695975"))], "vat_id", "seller.vat_id"),
        (vec![("/currency", json!("EUB"))], "currency", "currency"),
    ] {
        let issues = changed(&changes);
        assert_eq!(issues.len(), 1, "{changes:?}");
        let issue = only(&issues);
        assert_eq!(
            (issue.check.as_deref(), issue.field.as_str(), issue.severity),
            (Some(check), field, Severity::Warning)
        );
    }
}

#[test]
fn settings_switch_checks_off_or_up() {
    let mut data = invoice();
    data["currency"] = json!("EUB");
    data["totals"]["gross"] = json!(500);
    let severities = |settings: Value| -> Vec<(String, Severity)> {
        let issues = examined(&data, settings).issues.into_iter();
        issues.map(|issue| (issue.check.unwrap(), issue.severity)).collect()
    };
    let both = |currency, gross| {
        vec![
            ("amount_due".to_owned(), Severity::Warning),
            ("currency".to_owned(), currency),
            ("gross_amount".to_owned(), gross),
        ]
    };
    assert_eq!(severities(json!({})), both(Severity::Warning, Severity::Warning));
    assert_eq!(
        severities(json!({"builtInChecks": {"gross_amount": "error", "currency": true}})),
        both(Severity::Warning, Severity::Error)
    );
    assert_eq!(
        severities(json!({"builtInChecks": {"amount_due": false, "currency": false}})),
        [("gross_amount".to_owned(), Severity::Warning)]
    );
    assert_eq!(severities(json!({"builtInChecks": false})), []);
    let findings = examined(&data, json!({"builtInChecks": {"gross_amount": "error"}}));
    assert_eq!(findings.failures().count(), 0, "what Sluice notices by itself makes no data incomplete");
}

#[test]
fn a_document_of_other_things_is_not_checked() {
    let schema =
        json!({"type": "object", "properties": {"temperature": {"type": "number"}, "city": {"type": "string"}}});
    let examiner = Examiner::new(&schema, &[], &[], None).unwrap();
    assert_eq!(examiner.examine(&json!({"temperature": 5, "city": "X"})), Findings::default());
}

#[test]
fn five_hundred_pages_of_lines_are_checked() {
    let lines: Vec<Value> =
        (0..10_000).map(|number| json!({"quantity": 2, "unit_price": f64::from(number) + 0.25, "amount": f64::from(number) * 2.0 + 0.5})).collect();
    let mut data = json!({"line_items": lines, "totals": {"net": 99_995_000}});
    assert_eq!(examined(&data, json!({})).issues, []);
    data["totals"]["net"] = json!(5);
    let findings = examined(&data, json!({}));
    assert_eq!(only(&findings.issues).check.as_deref(), Some("sum_of_lines"));
}

/// Values that models write where amounts are asked for.
fn strange() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        Just(json!(null)),
        Just(json!("79228162514264337593543950335")),
        Just(json!("-0.0000000000000000000000000001")),
        "\\PC{0,12}".prop_map(Value::String),
        Just(json!([{"amount": 1}])),
        Just(json!({"amount": {}})),
    ]
}

proptest! {
    #[test]
    fn no_data_panics(values in prop::collection::vec(strange(), 24)) {
        let mut data = invoice();
        let pointers = [
            "/issue_date", "/due_date", "/currency", "/seller/vat_id", "/payment/iban", "/totals/net", "/totals/tax", "/totals/gross",
            "/totals/prepaid", "/totals/due", "/taxes/0/rate", "/taxes/0/basis", "/taxes/0/amount", "/taxes/1", "/line_items/0/quantity",
            "/line_items/0/unit_price", "/line_items/0/amount", "/line_items/1/quantity", "/line_items/1/unit_price", "/line_items/1/amount",
            "/line_items/2/amount", "/line_items/2/quantity", "/seller", "/invoice_number",
        ];
        for (pointer, value) in pointers.into_iter().zip(values) {
            *data.pointer_mut(pointer).unwrap() = value;
        }
        examined(&data, json!({}));
    }
}
