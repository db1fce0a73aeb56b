//! Where values are found on the pages, and what is kept of it.

use serde_json::{Value, json};
use sluice_db::models::citations::Citation;
use sluice_test_support::Reply;
use sluice_test_support::documents::{Cell, pdf_of_cells};

use crate::bench::Bench;

/// An invoice over two pages: its file, its data, and where each value is drawn.
fn invoice() -> (Vec<u8>, Value, Vec<(String, i32, Cell)>) {
    let mut expected = Vec::new();
    let mut first = vec![
        Cell::new(50.0, 50.0, "Harbour Supplies Ltd"),
        Cell::new(350.0, 80.0, "Invoice no."),
        Cell::new(350.0, 95.0, "Date"),
        Cell::new(50.0, 140.0, "Description"),
        Cell::new(300.0, 140.0, "Qty"),
        Cell::new(400.0, 140.0, "Amount"),
    ];
    let mut second = Vec::new();
    expected.push(("number".to_owned(), 1, Cell::new(450.0, 80.0, "INV-4711")));
    expected.push(("date".to_owned(), 1, Cell::new(450.0, 95.0, "14 March 2026")));
    let mut items = Vec::new();
    for row in 0_u8..20 {
        let (page, y) =
            if row < 12 { (1, 160.0 + f32::from(row) * 15.0) } else { (2, 50.0 + f32::from(row - 12) * 15.0) };
        // Pairs of rows say the same.
        let description = format!("Rope no {}", row / 2);
        items.push(json!({"description": description, "quantity": 2, "amount": 25.5}));
        expected.push((format!("items.{row}.description"), page, Cell::new(50.0, y, &description)));
        expected.push((format!("items.{row}.quantity"), page, Cell::new(300.0, y, "2")));
        expected.push((format!("items.{row}.amount"), page, Cell::new(400.0, y, "25.50")));
    }
    second.push(Cell::new(300.0, 300.0, "Total"));
    expected.push(("total".to_owned(), 2, Cell::new(400.0, 300.0, "510.00")));
    for (_, page, cell) in &expected {
        if *page == 1 { &mut first } else { &mut second }.push(cell.clone());
    }
    let data = json!({"number": "INV-4711", "date": "2026-03-14", "total": 510, "items": items});
    (pdf_of_cells(&[first, second]), data, expected)
}

fn overlap(citation: &Citation, [x, y, width, height]: [f32; 4]) -> f32 {
    let (left, top) = (citation.x.unwrap(), citation.y.unwrap());
    let (own_width, own_height) = (citation.width.unwrap(), citation.height.unwrap());
    let side = |a: f32, a_length: f32, b: f32, b_length: f32| ((a + a_length).min(b + b_length) - a.max(b)).max(0.0);
    let common = side(left, own_width, x, width) * side(top, own_height, y, height);
    common / (own_width * own_height + width * height - common)
}

fn find<'a>(citations: &'a [Citation], path: &str) -> &'a Citation {
    citations.iter().find(|citation| citation.path == path).unwrap_or_else(|| panic!("no citation of {path}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_is_cited_where_it_is_drawn() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let (file, data, expected) = invoice();
    let manifest = bench.add_manifest("application/pdf", file).await;
    let mut answer = data.clone();
    answer["_extraction_info"] = json!({"confidence": 0.12, "ocr_issues": ["none"]});
    bench.llm.then(Reply::content(answer));
    let job = bench.add_job(manifest).await;
    assert_eq!(bench.ended(job).await.status, "completed");
    let citations = bench.citations(manifest).await;
    assert_eq!(citations.len(), expected.len());
    for (path, page, cell) in &expected {
        let citation = find(&citations, path);
        assert_eq!((citation.page_number, citation.job_id), (Some(*page), job), "{citation:?}");
        assert!(overlap(citation, cell.bounds()) >= 0.5, "{citation:?} is not at {cell:?}");
        assert!(citation.field_confidence.unwrap() > 0.9 && citation.reasons.is_empty(), "{citation:?}");
    }
    assert_eq!(find(&citations, "number").match_kind, "exact");
    assert_eq!(
        (find(&citations, "date").match_kind.as_str(), find(&citations, "date").matched_text.as_deref()),
        ("normalized", Some("14 March 2026"))
    );

    // The confidence is the computed one, and what the model said is kept beside it.
    let row = bench.manifest_with_info(manifest).await;
    let info = row.extracted_data.unwrap()["_extraction_info"].clone();
    assert!(row.confidence.unwrap() > 0.9);
    assert_eq!(
        (&info["model_confidence"], &info["ocr_issues"], &info["uncertain_fields"]),
        (&json!(0.12), &json!(["none"]), &json!([]))
    );
    assert!(info["field_confidences"]["items.3.amount"].as_f64().unwrap() > 0.9, "{info}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invented_value_is_uncertain_and_approves_nothing() {
    let bench = Bench::start().await;
    bench.sql("update schemas set validation_settings = '{\"autoApproveConfidenceThreshold\": 0.8}'").await;
    let worker = bench.worker().await;
    let (file, mut data, _) = invoice();
    let manifest = bench.add_manifest("application/pdf", file).await;
    bench.llm.then(Reply::content(data.clone()));
    bench.ended(bench.add_job(manifest).await).await;
    assert!(bench.manifest(manifest).await.human_verified, "all was found");

    data["number"] = json!("RE-99/123");
    data["_extraction_info"] = json!({"confidence": 1.0});
    bench.llm.then(Reply::content(data.clone()));
    // Asked again for what no page shows, the model insists.
    bench.llm.then(Reply::content(json!({"number": "RE-99/123"})));
    bench.ended(bench.add_job(manifest).await).await;
    let row = bench.manifest(manifest).await;
    assert!(!row.human_verified && row.confidence.unwrap() < 0.7, "{:?}", row.confidence);
    let citations = bench.citations(manifest).await;
    let invented = find(&citations, "number");
    assert_eq!((invented.match_kind.as_str(), invented.page_number, invented.x), ("not_found", None, None));
    assert_eq!(invented.reasons, ["not found on the page"]);

    // A project may take the model's word.
    bench
        .sql("update schemas set validation_settings = validation_settings || '{\"confidenceSource\": \"model\"}'")
        .await;
    bench.llm.then(Reply::content(data));
    bench.ended(bench.add_job(manifest).await).await;
    let row = bench.manifest(manifest).await;
    assert_eq!((row.human_verified, row.confidence), (true, Some(1.0)));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_extracted_anew_replaces_its_own_citations_alone() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let (file, mut data, expected) = invoice();
    let manifest = bench.add_manifest("application/pdf", file).await;
    data["total"] = json!(99);
    bench.llm.then(Reply::content(data));
    let first = bench.add_job(manifest).await;
    bench.ended(first).await;
    assert_eq!(find(&bench.citations(manifest).await, "total").match_kind, "not_found");
    bench.llm.then(Reply::content(json!({"total": 510.0})));
    let second = bench.add_field_job(manifest, "total").await;
    bench.ended(second).await;
    let citations = bench.citations(manifest).await;
    assert_eq!(citations.len(), expected.len());
    let of_second: Vec<&str> =
        citations.iter().filter(|citation| citation.job_id == second).map(|citation| citation.path.as_str()).collect();
    assert_eq!(of_second, ["total"]);
    assert_eq!(find(&citations, "total").page_number, Some(2));
    worker.stop().await;
}
