//! What models do on a bad day.

use serde_json::json;
use sluice_test_support::builders::good_answer;
use sluice_test_support::{Dialect, Reply, documents};

use crate::bench::Bench;

/// Runs an invoice against scripted answers and says how its job ended.
async fn run(script: Vec<Reply>) -> (Bench, sluice_db::models::jobs::Job) {
    let bench = Bench::start().await;
    for reply in script {
        bench.llm.then(reply);
    }
    let worker = bench.worker().await;
    let manifest = bench.add_invoice().await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    bench.assert_events_are_in_order(job);
    worker.stop().await;
    (bench, row)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_or_broken_model_is_asked_again_and_the_job_is_delayed_meanwhile() {
    let script = vec![Reply::error(429, "slow down").retry_after(1), Reply::error(503, "overloaded")];
    let (bench, row) = run(script).await;
    assert_eq!((row.status.as_str(), row.attempt_count, bench.llm.calls()), ("completed", 3, 3));
    assert_eq!(bench.statuses(row.id).iter().filter(|status| *status == "delayed").count(), 2);
    assert_eq!(row.error_message, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_being_loaded_is_waited_for_and_costs_no_attempt() {
    let (bench, row) = run(vec![Reply::error(503, "Loading model"), Reply::error(503, "Loading model")]).await;
    assert_eq!((row.status.as_str(), row.attempt_count, bench.llm.calls()), ("completed", 1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_bounded() {
    let script = vec![Reply::error(500, "oops"), Reply::error(500, "oops"), Reply::error(500, "oops")];
    let (bench, row) = run(script).await;
    assert_eq!((row.status.as_str(), row.attempt_count, bench.llm.calls()), ("failed", 3, 3));
    assert_eq!(row.error_message.as_deref(), Some("LLM request failed: HTTP 500: oops"));
    assert_eq!((row.error_code.as_deref(), row.error_stage.as_deref()), (Some("unavailable"), Some("LLM_EXTRACT")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_key_and_a_document_that_does_not_fit_make_one_call() {
    for (reply, code) in [
        (Reply::error(401, "bad key"), "unauthenticated"),
        (Reply::error(400, "maximum context length is 8192 tokens"), "invalid"),
    ] {
        let (bench, row) = run(vec![reply]).await;
        assert_eq!((row.status.as_str(), bench.llm.calls(), row.error_code.as_deref()), ("failed", 1, Some(code)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_an_endpoint_does_not_know_is_asked_for_in_a_weaker_one() {
    let (bench, row) = run(vec![Reply::error(400, "json_schema is not supported")]).await;
    assert_eq!((row.status.as_str(), row.attempt_count), ("completed", 1));
    let formats: Vec<_> =
        bench.llm.requests().iter().map(|request| request["response_format"]["type"].clone()).collect();
    assert_eq!(formats, [json!("json_schema"), json!("json_object")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_stream_is_tried_again_and_its_paid_answer_is_not_lost() {
    let (bench, row) = run(vec![Reply::content(good_answer()).cut_after(40)]).await;
    assert_eq!((row.status.as_str(), row.attempt_count, bench.llm.calls()), ("completed", 2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_hangs_is_given_up_in_time() {
    let (_bench, row) = run(vec![Reply::hang()]).await;
    assert_eq!((row.status.as_str(), row.attempt_count), ("completed", 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_cut_however_little_is_asked_for_say_what_to_do() {
    let cut = || Reply::content("{\"number\": \"47").finish_reason("length");
    let (bench, row) = run(vec![cut(), cut()]).await;
    // Everything at once, then without the rows.
    assert_eq!((row.status.as_str(), bench.llm.calls()), ("failed", 2));
    assert!(row.error_message.as_deref().unwrap().contains("raise the model's maxTokens"), "{:?}", row.error_message);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_words_and_missing_usage_break_nothing() {
    let reply =
        Reply::content(format!("Sure!\n```json\n{}\n```", good_answer())).finish_reason("eos_token").without_usage();
    let (_bench, row) = run(vec![reply]).await;
    assert_eq!(row.status, "completed");
    assert!(row.llm_input_tokens.unwrap() > 100, "estimated: {:?}", row.llm_input_tokens);
    assert!(row.llm_actual_cost_nano.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_json_is_asked_for_again_and_then_fails() {
    let (bench, row) = run(vec![Reply::content("I can't."), Reply::content("Still no.")]).await;
    assert_eq!((row.status.as_str(), row.attempt_count, bench.llm.calls()), ("failed", 1, 2));
    assert!(row.error_message.as_deref().unwrap().starts_with("the model's answer is no JSON object"));
    assert_eq!((row.llm_input_tokens, row.error_stage.as_deref()), (None, Some("LLM_EXTRACT")));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dialect_of_an_endpoint_gives_the_same_data() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    for (number, dialect) in Dialect::ALL.into_iter().enumerate() {
        bench.llm.speak(dialect);
        let invoice = documents::invoice_pdf(&format!("47{number}"));
        let manifest = bench.add_manifest("application/pdf", invoice).await;
        let job = bench.add_job(manifest).await;
        let row = bench.ended(job).await;
        assert_eq!((row.status.as_str(), row.attempt_count), ("completed", 1), "{dialect:?}: {:?}", row.error_message);
        let manifest = bench.manifest(manifest).await;
        assert_eq!(manifest.extracted_data.as_ref().map(|data| &data["total"]), Some(&json!(105.0)), "{dialect:?}");
        assert!(row.llm_input_tokens.unwrap() > 0 && row.llm_actual_cost_nano.unwrap() > 0, "{dialect:?}");
    }
    worker.stop().await;
}
