use std::path::PathBuf;

use super::super::documents::{Schema, Source};
use super::super::markdown;
use super::*;

fn document(name: &str, truth: Value) -> Document {
    Document {
        name: name.to_owned(),
        source: Source::File(PathBuf::from("a.pdf")),
        filename: "a.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        truth,
        schema: 0,
    }
}

fn documents() -> Documents {
    let schema = json!({"properties": {
        "number": {"type": "string"}, "total": {"type": "number"},
        "lines": {"type": "array", "items": {"properties": {"text": {"type": "string"}, "amount": {"type": "number"}}}}}});
    Documents {
        schemas: vec![Schema::new("invoice.json".to_owned(), schema)],
        list: vec![
            document("a", json!({"number": "A-1", "total": 12.5, "lines": [{"text": "Rope", "amount": 12.5}]})),
            document("b", json!({"number": "B-1", "total": 3})),
            document("bad", json!({"doc_type": "bad_input", "expected": ["reject"]})),
            document("later", json!({"number": "L-1"})),
        ],
        missing: vec!["lost".to_owned()],
    }
}

/// A report over predictions, with confidences of the values of `b`.
fn report(predictions: &[(&str, Value)]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::open(folder.path()).unwrap();
    let mut done = BTreeSet::new();
    for (name, data) in predictions {
        let confidences = [("number", 0.9), ("total", 0.2)].map(|(path, one)| (path.to_owned(), one)).into();
        let record = Record {
            name: (*name).to_owned(),
            outcome: if data.get("error").is_some() { "refused" } else { "completed" }.to_owned(),
            error: data.get("error").and_then(Value::as_str).map(str::to_owned),
            seconds: Some(2.0),
            stages: [("LOAD".to_owned(), 0.5), ("EMIT".to_owned(), 0.25)].into(),
            calls: 1,
            cost_nano: Some(1_000_000),
            currency: Some("EUR".to_owned()),
            confidences: if *name == "b" { confidences } else { BTreeMap::new() },
            ..Record::default()
        };
        output.keep(&record, Some(data)).unwrap();
        done.insert((*name).to_owned());
    }
    let documents = documents();
    let scored = score(&documents, &done, &output);
    Report::new(json!({"model": "scripted"}), &documents, &scored)
}

fn good() -> Vec<(&'static str, Value)> {
    vec![
        ("a", json!({"number": "A-1", "total": 12.5, "lines": [{"text": "Rope", "amount": 12.5}]})),
        ("b", json!({"number": "B-1", "total": 4})),
        ("bad", json!({"error": "no PDF"})),
    ]
}

fn bound(name: &str, value: f64) -> Bound {
    Bound { name: name.to_owned(), value }
}

#[test]
fn figures_are_added_up() {
    let report = report(&good());
    let summary = &report.summary;
    assert_eq!((&summary["documents"], &summary["answered"], &summary["exact"]), (&json!(2), &json!(2), &json!(1)));
    assert_eq!((&summary["fields"], &summary["field_accuracy"]), (&json!(4), &json!(0.75)));
    assert_eq!((&summary["line_items"], &summary["line_item_f1"]), (&json!(1), &json!(1.0)));
    assert_eq!((&summary["bad_input"], &summary["bad_input_ok"]), (&json!(1), &json!(1.0)));
    assert_eq!((&summary["confidence_auroc"], &summary["confidences"]), (&json!(1.0), &json!(2)));
    assert_eq!((&summary["seconds_per_document"], &summary["calls"]), (&json!(2.0), &json!(3)));
    assert_eq!((&summary["cost"], &summary["cost_per_document"]), (&json!({"EUR": 0.003}), &json!(0.001)));
    assert_eq!(summary["outcomes"], json!({"completed": 2, "refused": 1}));
    assert_eq!(report.per_field["total"], json!({"count": 2, "right": 1, "missing": 0, "rate": 0.5}));
    let stages: Vec<&String> = report.seconds_by_stage.keys().collect();
    assert_eq!(stages, ["LOAD", "EMIT"], "in the order of the pipeline");
    assert_eq!(
        (report.not_run.as_slice(), report.missing_documents.as_slice()),
        (&["later".to_owned()][..], &["lost".to_owned()][..])
    );
}

#[test]
fn bounds_that_are_passed_or_unknown_are_told() {
    let report = report(&good());
    assert!(report.broken_bounds(&[bound("field_accuracy", 0.75), bound("per_field.number", 1.0)], &[]).is_empty());
    assert!(report.broken_bounds(&[], &[bound("seconds_per_document", 2.0)]).is_empty());
    let broken = report.broken_bounds(
        &[bound("field_accuracy", 0.8), bound("per_field.total", 0.6), bound("no_such", 0.0)],
        &[bound("cost_per_document", 0.0005)],
    );
    assert_eq!(broken.len(), 4, "{broken:?}");
}

#[test]
fn two_runs_are_compared_value_by_value() {
    let mut spoilt = good();
    spoilt[0].1["number"] = json!("A-2");
    spoilt[0].1["lines"] = json!([]);
    spoilt[1].1["total"] = json!(3);
    let before = serde_json::to_value(report(&good())).unwrap();
    let mut now = report(&spoilt);
    now.compare("old.json", &before).unwrap();
    let comparison = now.comparison.as_ref().unwrap();
    assert_eq!(comparison["became_wrong"], json!(["a: line items", "a: number"]));
    assert_eq!(comparison["became_right"], json!(["b: total"]));
    assert_eq!(comparison["documents"], json!(3));
    assert_eq!(comparison["figures"]["line_item_f1"], json!({"before": 1.0, "now": 0.0, "change": -1.0}));
    assert!(now.compare("other.json", &json!([])).is_err());
    let page = markdown::render(&now).unwrap();
    for wanted in
        ["Became wrong (2)", "- a: number", "| LOAD | 3 |", "0 of 1 lines right, 0 found", "no PDF", "lost", "later"]
    {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
}

#[test]
fn nothing_makes_a_report_too() {
    let report = report(&[]);
    assert_eq!((&report.summary["documents"], &report.summary["field_accuracy"]), (&json!(0), &Value::Null));
    assert_eq!(report.broken_bounds(&[bound("field_accuracy", 0.0)], &[]).len(), 1);
    markdown::render(&report).unwrap();
}

#[test]
fn a_document_cannot_build_tables_in_the_page() {
    let mut predictions = good();
    predictions[2].1 = json!({"error": "a | b\n| c | <script>"});
    let page = markdown::render(&report(&predictions)).unwrap();
    assert!(page.contains(r"a \| b \| c \| \<script\>"), "{page}");
}
