//! E-invoices: their XML is taken, no model is asked.

use serde_json::{Value, json};
use sluice_db::models::manifests;
use sluice_test_support::builders::good_answer;
use sluice_test_support::{Reply, documents, einvoices};

use crate::bench::Bench;

/// An invoice whose page shows a total of 105.00, with an XML of its own.
fn hybrid(xml: &str) -> Vec<u8> {
    einvoices::attach(&documents::invoice_pdf("4711"), "factur-x.xml", xml.as_bytes())
}

fn expected() -> Value {
    json!({"number": "4711", "date": "2026-03-14", "total": 105, "items": [
        {"description": "Rope 20 m", "quantity": 2, "amount": 25}, {"description": "Anchor", "quantity": 1, "amount": 80}]})
}

/// The data without what is said of them.
fn values(mut data: Value) -> Value {
    data.as_object_mut().unwrap().shift_remove("_extraction_info");
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn the_xml_in_a_pdf_is_taken_without_a_call() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", hybrid(&einvoices::cii("4711", "105.00"))).await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.error_message), ("completed", None));
    assert_eq!((row.llm_actual_cost_nano, row.llm_input_tokens, row.pages_processed), (Some(0), Some(0), Some(1)));
    let rows = bench.rows(job).await;
    let response: Value = serde_json::from_str(rows["job"]["assistant_response"].as_str().unwrap()).unwrap();
    assert_eq!(response, json!({"source": "einvoice", "syntax": "CII", "profile": "urn:cen.eu:en16931:2017"}));
    let manifest = bench.manifest(manifest).await;
    assert_eq!((manifest.status.as_str(), values(manifest.extracted_data.unwrap())), ("completed", expected()));
    assert_eq!(manifest.validation_results.unwrap()["warningCount"], json!(0));
    assert_eq!(bench.llm.calls(), 0);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_page_shows_otherwise_is_a_warning() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", hybrid(&einvoices::cii("4711", "105.01"))).await;
    let job = bench.add_job(manifest).await;
    bench.ended(job).await;
    let manifest = bench.manifest(manifest).await;
    assert_eq!((manifest.status.as_str(), &manifest.extracted_data.unwrap()["total"]), ("completed", &json!(105.01)));
    let results = manifest.validation_results.unwrap();
    let told: Vec<&Value> =
        results["issues"].as_array().unwrap().iter().filter(|issue| issue["check"] == "einvoice_differs").collect();
    assert_eq!(told.len(), 1, "{results}");
    assert_eq!(
        (&told[0]["field"], &told[0]["severity"], &told[0]["expected"]),
        (&json!("total"), &json!("warning"), &json!(105))
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_asked_where_the_xml_does_not_do() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let no_lines = einvoices::cii_without_lines("4711", "105.00");
    let broken = einvoices::cii("4711", "105.00").replace("</rsm:CrossIndustryInvoice>", "");
    for xml in [no_lines.as_str(), broken.as_str(), "<CrossIndustryInvoice/>"] {
        let calls = bench.llm.calls();
        let manifest = bench.add_manifest("application/pdf", hybrid(xml)).await;
        let job = bench.add_job(manifest).await;
        assert_eq!(bench.ended(job).await.status, "completed");
        assert!(bench.llm.calls() > calls, "{xml}");
        assert_eq!(values(bench.manifest(manifest).await.extracted_data.unwrap()), good_answer());
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extractor_may_leave_the_xml_alone() {
    let bench = Bench::start().await;
    bench.set_extractor("local", &json!({"useEmbeddedInvoice": false})).await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", hybrid(&einvoices::cii("4712", "105.00"))).await;
    let job = bench.add_job(manifest).await;
    assert_eq!(bench.ended(job).await.status, "completed");
    assert_eq!(bench.manifest(manifest).await.extracted_data.unwrap()["number"], "4711");
    assert!(bench.llm.calls() > 0);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_field_comes_from_the_xml_too() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", hybrid(&einvoices::cii("4711", "105.00"))).await;
    let mut data = expected();
    data["items"][1]["amount"] = json!(8);
    data["by_hand"] = json!("kept");
    bench.sql(&format!("update manifests set status = 'completed', extracted_data = '{data}'")).await;
    let job = bench.add_field_job(manifest, "items.1.amount").await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.error_message), ("completed", None));
    data["items"][1]["amount"] = json!(80);
    assert_eq!(values(bench.manifest(manifest).await.extracted_data.unwrap()), data);
    assert_eq!(bench.llm.calls(), 0);

    // What the XML does not have is asked of the model.
    bench.llm.then(Reply::content(json!({"by_hand": "read"})));
    let job = bench.add_field_job(manifest, "by_hand").await;
    assert_eq!(bench.ended(job).await.status, "completed");
    assert_eq!(bench.manifest(manifest).await.extracted_data.unwrap()["by_hand"], "read");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploaded_xml_is_read_and_costs_nothing() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let cii = bench.add_manifest("application/xml", einvoices::cii("4711", "105.00").into_bytes()).await;
    let job = bench.add_job(cii).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.error_message), ("completed", None));
    assert_eq!((row.text_actual_cost_nano, row.llm_actual_cost_nano), (Some(0), Some(0)));
    let manifest = bench.manifest(cii).await;
    assert_eq!(values(manifest.extracted_data.unwrap()), expected());
    let mut connection = bench.database.pool.get().await.unwrap();
    let text = manifests::load_ocr_result(&mut connection, cii).await.unwrap().unwrap().to_string();
    drop(connection);
    assert!(text.contains("Number: 4711") && text.contains("Rope 20 m"), "{text}");

    let ubl = bench.add_manifest("application/xml", einvoices::ubl("4713", "7.10").into_bytes()).await;
    let job = bench.add_job(ubl).await;
    assert_eq!(bench.ended(job).await.status, "completed");
    let data = values(bench.manifest(ubl).await.extracted_data.unwrap());
    let items = json!([{"description": "Mooring", "quantity": 1, "amount": 7.1}]);
    assert_eq!(data, json!({"number": "4713", "date": "2026-03-14", "total": 7.1, "items": items}));
    assert_eq!(bench.llm.calls(), 0);

    // A job that only reads text has the values as text.
    let job = bench.add_row(cii, "ocr").await;
    bench.enqueue(&job).await;
    assert_eq!(bench.ended(job.id).await.status, "completed");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn xml_that_is_no_invoice_says_so_at_once() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let entities = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/hostname\">]><CrossIndustryInvoice>&b;</CrossIndustryInvoice>";
    for (xml, reason) in [("<order/>", "its root is order"), (entities, "can't be read"), ("no XML", "can't be read")] {
        let manifest = bench.add_manifest("application/xml", xml.as_bytes().to_vec()).await;
        let job = bench.add_job(manifest).await;
        let row = bench.ended(job).await;
        assert_eq!((row.status.as_str(), row.attempt_count), ("failed", 1));
        assert!(row.error_message.as_deref().unwrap().contains(reason), "{:?}", row.error_message);
    }
    worker.stop().await;
}
