use serde_json::{Value, json};
use sluice_db::models::validation_scripts::{self, NewValidationScript};
use sluice_test_support::builders::good_answer;
use sluice_test_support::{Reply, documents};

use crate::bench::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_becomes_checked_data_with_its_cost() {
    let bench = Bench::start().await;
    let manifest = bench.add_invoice().await;
    let worker = bench.worker().await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.progress, row.attempt_count), ("completed", 100, 1));
    assert_eq!((row.llm_input_tokens, row.llm_output_tokens, row.pages_processed), (Some(1234), Some(567), Some(1)));
    let manifest = bench.manifest(manifest).await;
    assert_eq!(manifest.status, "completed");
    assert_eq!(manifest.extracted_data, Some(good_answer()));
    assert_eq!(manifest.validation_results.unwrap()["errorCount"], json!(0));
    // One page at 0.001 and the tokens at 2.5 and 10 a million.
    assert_eq!((manifest.text_cost_nano, manifest.llm_cost_nano), (Some(1_000_000), Some(8_755_000)));
    assert_eq!(manifest.extraction_cost_currency.as_deref(), Some("USD"));
    assert!(manifest.ocr_quality_score.unwrap() > 50);

    bench.assert_events_are_in_order(job);
    let updates = bench.updates(job);
    let end = updates.last().unwrap();
    assert_eq!(end["costBreakdown"], json!({"text": 0.001, "llm": 0.008755, "total": 0.009755, "currency": "USD"}));
    let progress: Vec<u64> = updates.iter().map(|update| update["progress"].as_u64().unwrap()).collect();
    for expected in [10, 25, 40, 80, 90, 100] {
        assert!(progress.contains(&expected), "{expected} is missing in {progress:?}");
    }
    assert_eq!(bench.others("manifest-update").last().unwrap()["status"], "completed");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_sees_the_document_and_the_form() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let manifest = bench.add_invoice().await;
    let job = bench.add_job(manifest).await;
    bench.ended(job).await;
    let requests = bench.llm.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert!(request["messages"][1]["content"].as_str().unwrap().contains("Rope 20 m"));
    assert_eq!(request["response_format"]["type"], "json_schema");
    assert_eq!(
        request["response_format"]["json_schema"]["schema"]["properties"]["total"]["type"],
        json!(["number", "null"])
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_does_not_pass_is_asked_for_again_and_else_kept_as_partial() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let without_total = |number: &str| {
        let mut answer = good_answer();
        answer["number"] = json!(number);
        answer["total"] = Value::Null;
        Reply::content(answer)
    };
    bench.llm.then(without_total("4711"));
    bench.llm.then(Reply::content(good_answer()));
    let first = bench.add_invoice().await;
    let job = bench.add_job(first).await;
    bench.ended(job).await;
    assert_eq!(bench.manifest(first).await.status, "completed");
    let correction = bench.llm.requests()[1]["messages"][1]["content"].as_str().unwrap().to_owned();
    assert!(correction.contains("total"), "{correction}");

    bench.llm.then(without_total("4712"));
    bench.llm.then(without_total("4712"));
    let second = bench.add_manifest("application/pdf", documents::invoice_pdf("4712")).await;
    let job = bench.add_job(second).await;
    assert_eq!(bench.ended(job).await.status, "completed");
    let manifest = bench.manifest(second).await;
    assert_eq!(
        (manifest.status.as_str(), manifest.extracted_data.unwrap()["number"].as_str()),
        ("partial", Some("4712"))
    );
    assert_eq!(manifest.validation_results.unwrap()["issues"][0]["field"], "total");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_projects_scripts_check_the_data_and_fail_no_job() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let manifest = bench.add_invoice().await;
    let mut connection = bench.database.pool.get().await.unwrap();
    for (source, enabled) in [
        (
            "function validate(d) { return d.total > 100 ? [{field: 'total', message: 'much', severity: 'error'}] : [] }",
            true,
        ),
        ("function validate(d) { return d.none.at.all }", true),
        ("function validate(d) { for (;;); }", false),
    ] {
        let script = NewValidationScript {
            name: "Script".to_owned(),
            description: None,
            project_id: bench.workspace.project_id,
            script: source.to_owned(),
            severity: "warning".to_owned(),
            enabled,
        };
        validation_scripts::insert(&mut connection, &script).await.unwrap();
    }
    drop(connection);
    let job = bench.add_job(manifest).await;
    assert_eq!(bench.ended(job).await.status, "completed");
    let manifest = bench.manifest(manifest).await;
    assert_eq!(manifest.status, "completed", "what a script finds does not make data incomplete");
    let results = manifest.validation_results.unwrap();
    assert_eq!((&results["errorCount"], &results["issues"][0]["field"]), (&json!(2), &json!("total")), "{results}");
    assert_eq!(results["issues"][1]["field"], "__script__");
    assert_eq!(results["validationScriptIds"].as_array().unwrap().len(), 2);
    assert_eq!(results["validationScriptsVersion"].as_str().unwrap().len(), 64);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_job_reads_no_page_again_and_asks_the_model_anew() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let manifest = bench.add_invoice().await;
    let job = bench.add_job(manifest).await;
    bench.ended(job).await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.text_actual_cost_nano, row.llm_actual_cost_nano), (Some(0), Some(8_755_000)));
    assert_eq!(bench.llm.calls(), 2);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_only_reads_text_asks_no_model_and_leaves_the_data() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let manifest = bench.add_invoice().await;
    let job = bench.add_row(manifest, "ocr").await;
    bench.enqueue(&job).await;
    assert_eq!(bench.ended(job.id).await.status, "completed");
    let manifest = bench.manifest(manifest).await;
    assert_eq!((manifest.status.as_str(), manifest.extracted_data), ("pending", None));
    assert_eq!(bench.llm.calls(), 0);
    assert_eq!(bench.others("ocr-update")[0]["hasOcr"], json!(true));
    assert_eq!(bench.others("manifest-update").len(), 0);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_files_fail_with_their_reason_at_once_and_the_worker_goes_on() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let cut = documents::invoice_pdf("1")[..200].to_vec();
    let blank = documents::pdf(&[&[]]);
    for (bytes, content_type, reason) in [
        (cut, "application/pdf", "the file is damaged or not what it claims to be"),
        (b"%PDF-1.7 no more".to_vec(), "application/pdf", "the file is damaged"),
        (documents::tiny_png(), "image/jpeg", "the file is damaged"),
        (blank, "application/pdf", "no text was found in the document"),
    ] {
        let manifest = bench.add_manifest(content_type, bytes).await;
        let job = bench.add_job(manifest).await;
        let row = bench.ended(job).await;
        assert_eq!((row.status.as_str(), row.attempt_count), ("failed", 1), "{row:?}");
        assert!(row.error_message.as_deref().unwrap().starts_with(reason), "{:?}", row.error_message);
        assert_eq!(row.error_stage.as_deref(), Some("TEXT_EXTRACT"));
        assert_eq!(bench.manifest(manifest).await.status, "failed");
    }
    assert_eq!(bench.llm.calls(), 0);
    let manifest = bench.add_invoice().await;
    let job = bench.add_job(manifest).await;
    assert_eq!(bench.ended(job).await.status, "completed");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_replaced_in_storage_is_refused() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let manifest = bench.add_invoice().await;
    let key = bench.manifest(manifest).await.storage_key;
    let other = bytes::Bytes::from(documents::invoice_pdf("4712"));
    sluice_core::ports::ObjectStore::put(&bench.storage, &key, "application/pdf", other).await.unwrap();
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!(row.error_message.as_deref(), Some("the file in storage is not the one that was uploaded"));
    worker.stop().await;
}
