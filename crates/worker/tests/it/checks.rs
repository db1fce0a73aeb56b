//! What VALIDATE holds data against beside the schema: rules, equations, other manifests.

use serde_json::{Value, json};
use sluice_db::models::manifests::Manifest;
use sluice_test_support::{Reply, documents};

use crate::bench::Bench;

fn schema() -> Value {
    json!({"type": "object", "title": "Invoice", "required": ["number", "total"], "properties": {
        "number": {"type": "string"},
        "seller": {"type": "object", "properties": {"name": {"type": "string"}}},
        "net": {"type": "number"}, "tax": {"type": "number"}, "total": {"type": "number"},
        "items": {"type": "array", "items": {"type": "object", "properties": {
            "description": {"type": "string"}, "quantity": {"type": "number"}, "unit_price": {"type": "number"},
            "amount": {"type": "number"}}}}}})
}

fn answer(number: &str, total: f64) -> Value {
    json!({"number": number, "seller": {"name": "Harbour Supplies Ltd"}, "net": 90, "tax": 15, "total": total, "items": [
        {"description": "Rope 20 m", "quantity": 2, "unit_price": 12.5, "amount": 25},
        {"description": "Anchor", "quantity": 1, "unit_price": 65, "amount": 65}]})
}

async fn bench_with_rules() -> Bench {
    let bench = Bench::start().await;
    let settings = json!({"crossFieldRules": [
        {"id": "1", "name": "gross", "expression": "total == net + tax", "errorMessage": "net and tax are not the total",
         "severity": "error", "enabled": true},
        {"id": "2", "name": "small", "expression": "total <= 50", "errorMessage": "a dear one", "severity": "warning", "enabled": true},
        {"id": "3", "name": "broken", "expression": "total ==", "severity": "error", "enabled": true}]});
    bench.sql(&format!("update schemas set json_schema = '{}', validation_settings = '{settings}'", schema())).await;
    for (kind, operator, path, config) in [
        ("restriction", "pattern", "number", json!({"regex": "^R-\\d+$"})),
        ("verification", "range_max", "items[].amount", json!({"value": 50})),
        ("verification", "ocr_correction", "number", json!({"mappings": [{"from": "O", "to": "0"}]})),
    ] {
        bench
            .sql(&format!(
                "insert into schema_rules (schema_id, field_path, rule_type, rule_operator, rule_config)
                 values ({}, '{path}', '{kind}', '{operator}', '{config}')",
                bench.workspace.schema_id
            ))
            .await;
    }
    bench
}

/// Checks and fields of the issues, with their severity, in order of check.
fn told(manifest: &Manifest) -> Vec<(String, String, String)> {
    let results = manifest.validation_results.clone().unwrap();
    let text = |issue: &Value, key: &str| issue[key].as_str().unwrap_or_default().to_owned();
    let issues = results["issues"].as_array().unwrap().iter();
    let mut told: Vec<_> =
        issues.map(|issue| (text(issue, "check"), text(issue, "field"), text(issue, "severity"))).collect();
    told.sort();
    told
}

fn expected(issues: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    issues.iter().map(|(check, field, severity)| ((*check).into(), (*field).into(), (*severity).into())).collect()
}

/// Extracts a document from these answers, one after the other.
async fn extract(bench: &Bench, answers: &[Value]) -> Manifest {
    for answer in answers {
        bench.llm.then(Reply::content(answer));
    }
    let number = format!("Invoice {}", answers[0]["number"].as_str().unwrap());
    let total = format!("Total {:.2}", answers[0]["total"].as_f64().unwrap());
    let lines = [
        "Harbour Supplies Ltd",
        &number,
        "Rope 20 m 2 12.50 25.00",
        "Anchor 1 65.00 65.00",
        "Net 90.00",
        "Tax 15.00",
        &total,
    ];
    let manifest = bench.add_manifest("application/pdf", documents::pdf(&[&lines])).await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.error_message), ("completed", None));
    bench.manifest(manifest).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_held_against_the_data_and_only_what_breaks_one_is_asked_for_again() {
    let bench = bench_with_rules().await;
    let worker = bench.worker().await;
    let first = extract(&bench, &[answer("X-1", 105.0), json!({"number": "R-1O"})]).await;
    assert_eq!(bench.llm.calls(), 2);
    let asked = bench.llm.requests()[1]["response_format"]["json_schema"]["schema"]["properties"].clone();
    assert_eq!(asked.as_object().unwrap().keys().collect::<Vec<_>>(), ["number"]);
    let data = first.extracted_data.clone().unwrap();
    assert_eq!(
        (first.status.as_str(), &data["number"], data["total"].as_f64()),
        ("completed", &json!("R-10"), Some(105.0))
    );
    let usual = [
        ("cross_field", "total", "warning"),
        ("ocr_correction", "number", "warning"),
        ("rule_range_max", "items.1.amount", "warning"),
        ("unusable_rule", "", "warning"),
    ];
    assert_eq!(told(&first), expected(&usual));
    let results = first.validation_results.unwrap();
    assert_eq!((&results["errorCount"], &results["warningCount"]), (&json!(0), &json!(4)));
    let corrected =
        results["issues"].as_array().unwrap().iter().find(|issue| issue["check"] == "ocr_correction").unwrap();
    assert_eq!((&corrected["actual"], &corrected["expected"]), (&json!("R-1O"), &json!("R-10")));

    // The same number of the same seller, and then the same document again: it is no duplicate of itself.
    let second = extract(&bench, &[answer("R-10", 105.0)]).await;
    let found = told(&second);
    assert!(found.contains(&("duplicate_number".into(), "number".into(), "warning".into())), "{found:?}");
    let results = second.validation_results.unwrap();
    let duplicate =
        results["issues"].as_array().unwrap().iter().find(|issue| issue["check"] == "duplicate_number").unwrap();
    assert!(duplicate["message"].as_str().unwrap().contains(&format!("manifest {}", first.id)), "{duplicate}");
    bench.sql(&format!("delete from manifests where id = {}", first.id)).await;
    bench.llm.then(Reply::content(answer("R-10", 105.0)));
    let job = bench.add_job(second.id).await;
    bench.ended(job).await;
    let found = told(&bench.manifest(second.id).await);
    assert!(found.iter().all(|(check, ..)| check != "duplicate_number"), "{found:?}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_rule_to_the_end_leaves_the_data_partial() {
    let bench = bench_with_rules().await;
    let worker = bench.worker().await;
    let wrong = answer("R-2", 175.0);
    let manifest = extract(&bench, &vec![wrong; 8]).await;
    assert_eq!(manifest.status, "partial");
    assert_eq!(
        told(&manifest),
        expected(&[
            ("cross_field", "total", "error"),
            ("cross_field", "total", "warning"),
            ("gross_amount", "total", "warning"),
            ("rule_range_max", "items.1.amount", "warning"),
            ("unusable_rule", "", "warning"),
        ])
    );
    let results = manifest.validation_results.unwrap();
    let issues = results["issues"].as_array().unwrap();
    let messages: Vec<&str> = issues.iter().filter_map(|issue| issue["message"].as_str()).collect();
    assert!(messages.contains(&"net and tax are not the total"), "{messages:?}");
    assert!(
        messages.iter().any(|message| message.contains("net 90.00 and tax 15.00 make 105.00, the total says 175.00")),
        "{messages:?}"
    );
    worker.stop().await;
}
