//! One field extracted anew, and what a job itself says about its run.

use serde_json::{Value, json};
use sluice_core::{ErrorKind, StageName};
use sluice_db::models::jobs::{self, NewJob};
use sluice_test_support::builders::good_answer;
use sluice_test_support::{Reply, documents};
use sluice_worker::{StageError, StageObserver};

use crate::bench::Bench;

/// A bench with a manifest that has these data.
async fn with_data(data: &Value) -> (Bench, i32) {
    let bench = Bench::start().await;
    let manifest = bench.add_invoice().await;
    set_data(&bench, data).await;
    (bench, manifest)
}

async fn set_data(bench: &Bench, data: &Value) {
    bench.sql(&format!("update manifests set status = 'completed', extracted_data = '{data}'")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_field_is_asked_for_and_nothing_else_changes() {
    let mut data = good_answer();
    data["total"] = json!(1.0);
    data["by_hand"] = json!("kept");
    data["_extraction_info"] = json!({"confidence": 0.7});
    let (bench, manifest) = with_data(&data).await;
    let worker = bench.worker().await;
    bench.llm.then(Reply::content(json!({"total": "105,00", "number": "not asked for"})));
    let job = bench.add_field_job(manifest, "total?").await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.error_message), ("completed", None));
    data["total"] = json!(105.0);
    let info = bench.manifest_with_info(manifest).await.extracted_data.unwrap()["_extraction_info"].clone();
    let manifest = bench.manifest(manifest).await;
    data.as_object_mut().unwrap().shift_remove("_extraction_info");
    assert_eq!((manifest.status.as_str(), manifest.extracted_data), ("completed", Some(data)));
    // Computed from what is on the page, on which there is nothing of "kept".
    assert_eq!(info["uncertain_fields"], json!(["by_hand"]));
    assert!((manifest.confidence.unwrap() - info["confidence"].as_f64().unwrap()).abs() < 0.001, "{info}");
    assert_eq!(manifest.validation_results.unwrap()["errorCount"], json!(0));

    let requests = bench.llm.requests();
    assert_eq!(requests.len(), 1);
    let asked = &requests[0];
    let form = &asked["response_format"]["json_schema"]["schema"]["properties"];
    assert_eq!(form, &json!({"total": {"type": ["number", "null"]}}));
    let user = asked["messages"][1]["content"].as_str().unwrap();
    assert!(user.contains("only `total`") && user.contains("by_hand") && user.contains("Rope 20 m"), "{user}");
    assert!(!user.contains("\"total\"") && !user.contains("_extraction_info"), "{user}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_lists_and_unknown_fields_find_their_place() {
    let (bench, manifest) = with_data(&good_answer()).await;
    let worker = bench.worker().await;
    let mut expected = good_answer();
    for (field, answer, place, value) in [
        ("items.1.amount", json!({"items": [{"amount": 1}, {"amount": 81}]}), "/items/1/amount", json!(81)),
        ("remarks.first", json!({"remarks": {"first": "no"}}), "/remarks", json!({"first": "no"})),
    ] {
        bench.llm.then(Reply::content(answer));
        let job = bench.add_field_job(manifest, field).await;
        assert_eq!(bench.ended(job).await.status, "completed", "{field}");
        match expected.pointer_mut(place) {
            Some(there) => *there = value,
            None => expected[place.trim_start_matches('/')] = value,
        }
        assert_eq!(bench.manifest(manifest).await.extracted_data.as_ref(), Some(&expected), "{field}");
    }
    // No place, and no call.
    let job = bench.add_field_job(manifest, "total.cents").await;
    let row = bench.ended(job).await;
    assert_eq!(row.error_message.as_deref(), Some("there is no place for total.cents in the extracted data"));
    assert_eq!(bench.llm.calls(), 2);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_pass_is_asked_for_again_and_never_written() {
    let (bench, manifest) = with_data(&good_answer()).await;
    let worker = bench.worker().await;
    bench.llm.then(Reply::content(json!({"number": "4711"})));
    bench.llm.then(Reply::content(json!({"total": "n/a"})));
    let job = bench.add_field_job(manifest, "total").await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.error_stage.as_deref()), ("failed", Some("LLM_EXTRACT")));
    let error = row.error_message.unwrap();
    assert!(error.starts_with("the model's answer for total does not pass the checks: "), "{error}");
    let correction = bench.llm.requests()[1]["messages"][1]["content"].as_str().unwrap().to_owned();
    assert!(correction.contains("the model's answer has no total"), "{correction}");
    let failed = bench.manifest(manifest).await;
    assert_eq!((failed.status.as_str(), failed.extracted_data), ("failed", Some(good_answer())));

    // A field that may be absent, and is: the value that was there is none.
    bench.llm.then(Reply::content(json!({"date": null})));
    let job = bench.add_field_job(manifest, "date").await;
    assert_eq!(bench.ended(job).await.status, "completed");
    let mut expected = good_answer();
    expected.as_object_mut().unwrap().shift_remove("date");
    let manifest = bench.manifest(manifest).await;
    assert_eq!((manifest.status.as_str(), manifest.extracted_data), ("completed", Some(expected)));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_elsewhere_do_not_stand_in_the_way_of_a_field() {
    // `number` is required and missing; it is not what was asked for.
    let (bench, manifest) = with_data(&json!({"total": 1})).await;
    let worker = bench.worker().await;
    bench.llm.then(Reply::content(json!({"total": 105})));
    let job = bench.add_field_job(manifest, "total").await;
    assert_eq!(bench.ended(job).await.status, "completed");
    let manifest = bench.manifest(manifest).await;
    assert_eq!((manifest.status.as_str(), manifest.extracted_data), ("partial", Some(json!({"total": 105}))));
    let found = manifest.validation_results.unwrap();
    let issues = found["issues"].as_array().unwrap();
    assert!(issues.iter().any(|issue| issue["field"] == "number"), "{found}");
    assert!(issues.iter().all(|issue| issue["field"] != "total"), "{found}");
    assert_eq!(bench.llm.calls(), 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_data_a_field_job_extracts_everything() {
    let bench = Bench::start().await;
    let manifest = bench.add_invoice().await;
    let worker = bench.worker().await;
    let job = bench.add_field_job(manifest, "total").await;
    assert_eq!(bench.ended(job).await.status, "completed");
    assert_eq!(bench.manifest(manifest).await.extracted_data, Some(good_answer()));
    worker.stop().await;
}

/// Edits the data right before they are written.
#[derive(Debug)]
struct EditBefore(StageName, sluice_db::Pool, &'static str);

#[async_trait::async_trait]
impl StageObserver for EditBefore {
    async fn before(&self, stage: StageName, _job_id: i32) -> Result<(), StageError> {
        if stage == self.0 {
            let mut connection =
                self.1.get().await.map_err(|_source| StageError::new(ErrorKind::Internal, "no database"))?;
            diesel_async::RunQueryDsl::execute(diesel::sql_query(self.2), &mut connection).await.unwrap();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_edits_while_the_model_thinks_is_kept() {
    let (bench, manifest) = with_data(&good_answer()).await;
    let edit = r#"update manifests set extracted_data = extracted_data || '{"number": null}'"#;
    let worker = bench.worker_with(EditBefore(StageName::Persist, bench.database.pool.clone(), edit)).await;
    bench.llm.then(Reply::content(json!({"total": 7})));
    let job = bench.add_field_job(manifest, "total").await;
    assert_eq!(bench.ended(job).await.status, "completed");
    let mut expected = good_answer();
    expected["total"] = json!(7);
    expected["number"] = json!(null);
    let manifest = bench.manifest(manifest).await;
    assert_eq!((manifest.status.as_str(), manifest.extracted_data), ("partial", Some(expected)));
    assert_eq!(manifest.validation_results.unwrap()["issues"][0]["field"], "number");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn extractor_model_and_prompt_of_the_job_are_those_that_run() {
    let bench = Bench::start().await;
    let manifest = bench.add_manifest("application/pdf", documents::invoice_pdf("4711")).await;
    let worker = bench.worker().await;
    bench
        .sql(
            "insert into extractors (id, name, extractor_type, config) values
               ('00000000-0000-7000-8000-000000000001', 'Other', 'local', '{\"languages\": \"eng\", \"pricing\": {\"mode\": \"page\", \"currency\": \"USD\", \"pricePerPage\": 0.5}}')",
        )
        .await;
    bench
        .sql(
            "insert into models (id, name, adapter_type, parameters, pricing)
             select '00000000-0000-7000-8000-000000000002', 'Other', adapter_type, parameters || '{\"modelName\": \"other\"}', pricing from models",
        )
        .await;
    bench.sql("insert into prompts (name, type, content) values ('Mine', 'system', 'Read like a pirate.')").await;
    let chosen = NewJob {
        text_extractor_id: Some("00000000-0000-7000-8000-000000000001".parse().unwrap()),
        llm_model_id: Some("00000000-0000-7000-8000-000000000002".parse().unwrap()),
        prompt_id: Some(1),
        ..bench.new_job(manifest, "extraction")
    };
    let job = bench.add_row_of(chosen.clone()).await;
    bench.enqueue(&job).await;
    let row = bench.ended(job.id).await;
    assert_eq!((row.status.as_str(), row.text_actual_cost_nano), ("completed", Some(500_000_000)));
    assert_eq!(bench.manifest(manifest).await.text_extractor_id, chosen.text_extractor_id);
    let asked = &bench.llm.requests()[0];
    assert_eq!(asked["model"], "other");
    assert!(asked["messages"][0]["content"].as_str().unwrap().starts_with("Read like a pirate."));
    let texts = jobs::load_texts(&mut bench.database.pool.get().await.unwrap(), job.id).await.unwrap();
    assert!(texts.system_prompt.unwrap().starts_with("Read like a pirate."));

    // The project's own the next time, read by its own settings.
    let job = bench.add_job(manifest).await;
    assert_eq!(bench.ended(job).await.text_actual_cost_nano, Some(1_000_000));
    assert_eq!(bench.manifest(manifest).await.text_extractor_id, Some(bench.workspace.extractor_id));
    // Reading anew takes the chosen one too.
    let reading = NewJob { kind: "ocr".to_owned(), llm_model_id: None, prompt_id: None, ..chosen.clone() };
    let job = bench.add_row_of(reading).await;
    bench.enqueue(&job).await;
    assert_eq!(bench.ended(job.id).await.status, "completed");
    assert_eq!(bench.manifest(manifest).await.text_extractor_id, chosen.text_extractor_id);
    worker.stop().await;
}
