use proptest::prelude::*;
use serde_json::json;

use super::*;

fn holds(rule: &str, data: &Value) -> bool {
    Expression::parse(rule).unwrap_or_else(|error| panic!("{rule}: {error}")).ask(data).violations.is_empty()
}

fn invoice() -> Value {
    json!({
        "number": "007", "currency": "EUR", "is_paid": true, "issue_date": "2026-01-31", "due_date": "2026-02-14",
        "net": 100.05, "tax": 19.01, "gross": 119.06, "printed": "1.234,50", "nothing": null, "zero": 0,
        "a": 0.1, "b": 0.2, "c": 0.3, "Total Amount": 5, "due-days": 14,
        "items": [
            {"quantity": 3, "price": 33.333, "amount": 100, "tags": ["x", "y"]},
            {"quantity": 2, "price": 5, "amount": 10.5},
            {"quantity": 1, "amount": "2.25"},
        ],
    })
}

#[test]
fn what_older_rules_say_is_still_said() {
    let data = invoice();
    for rule in [
        "gross == net + tax",
        "currency == \"EUR\"",
        "currency == 'EUR'",
        "net != 1",
        "net <= gross",
        "gross >= 119.06",
        "net < gross",
        "gross > 1",
        "sum(items[].amount) == 112.75",
        "items.0.amount == 100",
        "items[1].quantity == 2",
        "nothing == null",
        "missing == null",
        "number != null",
        "Total Amount == 5",
        "due-days == 14",
        // A value that is not there, on either side, and a division by zero pass.
        "missing == 5",
        "5 > missing",
        "missing.deep + 1 == 2",
        "nothing == 3",
        "net / zero == 1",
        "gross - missing == 2",
        // A list that is not there is zero.
        "sum(none[].x) == 0",
        "sum(items[].tags) == 0",
    ] {
        assert!(holds(rule, &data), "{rule}");
    }
    for rule in [
        "gross == net",
        "currency == \"USD\"",
        "currency != 'EUR'",
        "gross <= net",
        "net > 1000",
        "nothing != null",
        "missing != null",
        "number == null",
        "sum(items[].amount) == 1",
        "sum(none[].x) == 1",
        "number == 'x'",
        "currency > 5",
        "currency + 1 == 2",
        "items == 3",
    ] {
        assert!(!holds(rule, &data), "{rule}");
    }
}

#[test]
fn signs_bind_as_people_read_them() {
    let data = json!({});
    for rule in [
        "2 + 3 * 4 == 14",
        "(2 + 3) * 4 == 20",
        "10 - 4 - 3 == 3",
        "100 / 10 / 5 == 2",
        "-2 * -3 == 6",
        "2 - -3 == 5",
        "2-1 == 1",
        "+1 == 1",
        ".5 + 1.5 == 2",
        "1 == 1 or 1 == 2 and 1 == 2",
        "not 1 == 2 and 1 == 1",
        "not (1 == 1 and 1 == 2)",
        "!(1 > 2) && 1 < 2 || 5 == 6",
        "true",
        "not false",
        "min(3, 1, 2) == 1",
        "max(3, 1 + 4) == 5",
        "abs(1 - 3) == 2",
        "round(2.345, 2) == 2.35",
        "round(-2.5) == -3",
        "1 === 1",
        "1 !== 2",
    ] {
        assert!(holds(rule, &data), "{rule}");
    }
}

#[test]
fn amounts_are_exact_and_products_may_be_rounded() {
    let data = invoice();
    assert!(holds("a + b == c", &data));
    assert!(holds("net * 0.19 == tax", &data), "19.0095 is printed as 19.01");
    assert!(!holds("net * 0.20 == tax", &data));
    assert!(!holds("10 / 3 == 3", &data), "cents count even where none are printed");
    assert!(holds("10 / 3 == 3.33", &data));
    assert!(!holds("net == 100.054", &data), "nothing was rounded here");
    assert!(!holds("abs(items[].quantity * items[].price - items[].amount) <= 0.0005", &data));
}

#[test]
fn unknown_parts_leave_a_rule_unknown_unless_the_rest_decides() {
    let data = invoice();
    for (rule, expected) in [
        ("missing == 1 and gross == 1", false),
        ("missing == 1 and gross == 119.06", true),
        ("missing == 1 or gross == 1", true),
        ("not missing == 1", true),
        ("is_paid and gross == 1", false),
        ("not is_paid", false),
        ("currency", false),
    ] {
        assert_eq!(holds(rule, &data), expected, "{rule}");
    }
}

#[test]
fn dates_are_compared_as_dates() {
    let data = json!({"issued": "2026-01-31", "due": "14.02.2026", "time": "2026-01-31T23:00:00Z", "text": "soon"});
    for rule in ["due >= issued", "issued == time", "due - issued == 14", "issued < '2026-02-01'"] {
        assert!(holds(rule, &data), "{rule}");
    }
    for rule in ["due < issued", "due - issued > 14", "text > issued"] {
        assert!(!holds(rule, &data), "{rule}");
    }
}

#[test]
fn rules_about_rows_are_asked_of_each() {
    let rule = Expression::parse("items[].quantity * items[].price == items[].amount").unwrap();
    let verdict = rule.ask(&invoice());
    assert_eq!(
        verdict.violations,
        [Violation { field: "items.1.quantity".to_owned(), actual: Some(json!(10)), expected: Some(json!(10.5)) }]
    );
    assert_eq!(verdict.corroborated, ["items.0.quantity", "items.0.price", "items.0.amount"]);
    let data = invoice();
    for rule in [
        "sum(items[].quantity * items[].price) == 109.999",
        "count(items[]) == 3",
        "count(items) == 3",
        "count(items[].price) == 2",
        "count(none[]) == 0",
        "min(items[].price) == 5",
        "max(items[].amount) == 100",
        "min(none[].x) == 7",
        "items[].quantity <= count(items[])",
        "count(items[].tags[]) == 2",
    ] {
        assert!(holds(rule, &data), "{rule}");
    }
    assert_eq!(rule.paths(), ["items[].quantity", "items[].price", "items[].amount"]);
}

#[test]
fn equations_that_hold_corroborate_their_values() {
    let data = invoice();
    let verdict = |rule: &str| Expression::parse(rule).unwrap().ask(&data).corroborated;
    assert_eq!(verdict("gross == net + tax"), ["gross", "net", "tax"]);
    assert_eq!(verdict("sum(items[].quantity) == 6"), ["items.0.quantity", "items.1.quantity", "items.2.quantity"]);
    for rule in ["currency == 'EUR'", "gross >= net", "gross == net", "missing == net + tax"] {
        assert_eq!(verdict(rule), Vec::<String>::new(), "{rule}");
    }
}

#[test]
fn a_rule_that_is_none_is_told_with_its_place() {
    for (rule, position, word) in [
        ("", 1, "value"),
        ("total", 0, ""),
        ("1 + 2", 1, "compares nothing"),
        ("total ==", 9, "the end"),
        ("total = 5", 7, "=="),
        ("(total == 5", 12, "`)`"),
        ("total == 5)", 11, "parenthesis"),
        ("a < b < c", 7, "and"),
        ("twice(a) == 2", 1, "no function twice"),
        ("a == 'b", 6, "no end"),
        ("a == 1.2.3", 6, "1.2.3"),
        ("a % 2 == 0", 3, "%"),
        ("a[].x == b[].x", 1, "another list"),
        ("a[].b[].c == 1", 1, "rows of rows"),
        ("count(1) == 1", 1, "list"),
        ("round(a, b) == 1", 1, "number"),
        ("abs(a, b) == 1", 1, "no more than 1"),
        ("1 and 2 == 2", 3, "only comparisons"),
        ("sum(1 + 2) == 3", 1, "rows"),
        ("a == 1 or", 10, "the end"),
    ] {
        match Expression::parse(rule) {
            Ok(_) => assert_eq!(position, 0, "{rule}"),
            Err(error) => {
                assert_eq!(error.position, position, "{rule}: {error}");
                assert!(error.message.contains(word), "{rule}: {error}");
            }
        }
    }
    let deep = format!("{}1{} == 1", "(".repeat(100), ")".repeat(100));
    assert!(Expression::parse(&deep).unwrap_err().message.contains("deep"));
    assert!(Expression::parse(&"1+".repeat(5000)).unwrap_err().message.contains("at most"));
    assert!(Expression::parse(&format!("{}a == 1", "not ".repeat(300))).is_err());
}

/// Random arithmetic over whole numbers, with what it comes to.
fn arithmetic() -> impl Strategy<Value = (String, i128)> {
    let leaf = (-50_i128..50).prop_map(|number| (number.to_string(), number));
    leaf.prop_recursive(6, 40, 2, |inner| {
        (inner.clone(), prop_oneof![Just('+'), Just('-'), Just('*')], inner).prop_map(
            |((left, a), sign, (right, b))| {
                let value = match sign {
                    '+' => a + b,
                    '-' => a - b,
                    _ => a.saturating_mul(b),
                };
                (format!("({left} {sign} {right})"), value)
            },
        )
    })
}

/// Sums of products without parentheses: what precedence alone decides.
fn flat() -> impl Strategy<Value = (String, i64)> {
    let product = prop::collection::vec(1_i64..9, 1..4);
    prop::collection::vec((any::<bool>(), product), 1..6).prop_map(|terms| {
        let mut text = String::from("0");
        let mut value = 0;
        for (is_added, factors) in terms {
            let words: Vec<String> = factors.iter().map(i64::to_string).collect();
            text.push_str(if is_added { " + " } else { " - " });
            text.push_str(&words.join(" * "));
            let product: i64 = factors.iter().product();
            value += if is_added { product } else { -product };
        }
        (text, value)
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in "[a-z0-9 .\\[\\]()*+/<>=!&|'\"\\\\,-]{0,60}|\\PC{0,60}") {
        if let Ok(rule) = Expression::parse(&text) {
            prop_assert!(rule.ask(&invoice()).violations.len() <= 3);
        }
    }

    #[test]
    fn arithmetic_is_right((text, value) in arithmetic()) {
        // Beyond 28 digits it is unknown.
        prop_assume!(value.abs() < 10_i128.pow(20));
        let right = format!("{text} == {value}");
        let wrong = format!("{text} == {}", value + 1);
        prop_assert!(holds(&right, &json!({})), "{}", right);
        prop_assert!(!holds(&wrong, &json!({})), "{}", wrong);
    }

    #[test]
    fn precedence_is_right((text, value) in flat()) {
        let rule = format!("{text} == {value}");
        prop_assert!(holds(&rule, &json!({})), "{}", rule);
    }
}
