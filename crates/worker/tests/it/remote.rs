//! Extractors that other services run.

use serde_json::{Value, json};
use sluice_db::models::extractors::{self, NewExtractor};
use sluice_db::models::job_stages;
use sluice_db::models::jobs::NewJob;
use sluice_test_support::builders;
use sluice_test_support::{OcrReply, Reply, ScriptedLlm, ScriptedPaddleOcr, documents};

use crate::bench::Bench;

/// A PDF with a text layer; what services answer is told apart from it.
fn three_pages() -> Vec<u8> {
    documents::pdf(&[&["first layer"], &["second layer"], &["third layer"]])
}

async fn text_stage(bench: &Bench, job: i32) -> Value {
    let stages = job_stages::list(&mut bench.database.pool.get().await.unwrap(), job).await.unwrap();
    stages.into_iter().find(|stage| stage.stage == "TEXT_EXTRACT").unwrap().output
}

fn page_texts(ocr_result: &Value) -> Vec<&str> {
    ocr_result["pages"].as_array().unwrap().iter().map(|page| page["text"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn paddle_ocr_reads_a_file_in_one_request_and_another_project_pays_nothing() {
    let mut bench = Bench::start().await;
    let server = ScriptedPaddleOcr::start(OcrReply::pages(&["Invoice 4711\nRope 20 m", "Anchor", "Total 105.00"]))
        .await
        .unwrap();
    let config = json!({"baseUrl": server.base_url(), "topP": 0.5,
                        "pricing": {"mode": "page", "currency": "USD", "pricePerPage": 0.001}});
    bench.set_extractor("paddleocr", &config).await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", three_pages()).await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.text_actual_cost_nano), ("completed", Some(3_000_000)), "{row:?}");
    assert_eq!((server.calls(), &server.requests()[0].body["topP"]), (1, &json!(0.5)));
    let read = bench.ocr_result(manifest).await;
    assert_eq!(page_texts(&read), ["Invoice 4711\nRope 20 m", "Anchor", "Total 105.00"]);
    assert_eq!(read["pages"][0]["source"], "remote");
    let element = json!({"type": "text", "confidence": 1.0, "content": "Invoice 4711",
                         "position": {"x": 72.0, "y": 50.0, "width": 451.0, "height": 15.0}});
    assert_eq!(read["pages"][0]["layout"]["elements"][0], element);
    let prompt = bench.llm.requests()[0]["messages"][1]["content"].as_str().unwrap().to_owned();
    assert!(prompt.contains("Rope 20 m") && !prompt.contains("layer"), "{prompt}");

    let mut connection = bench.database.pool.get().await.unwrap();
    bench.workspace = builders::insert_workspace(&mut connection, "eve", &bench.llm.base_url()).await.unwrap();
    drop(connection);
    bench.set_extractor("paddleocr", &config).await;
    let same = bench.add_manifest("application/pdf", three_pages()).await;
    let job = bench.add_job(same).await;
    assert_eq!(bench.ended(job).await.text_actual_cost_nano, Some(0));
    assert_eq!(server.calls(), 1);
    let stage = text_stage(&bench, job).await;
    assert_eq!((&stage["pagesRead"], &stage["pagesKnown"]), (&json!(0), &json!(3)));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_a_server_leaves_out_are_asked_for_one_by_one() {
    let bench = Bench::start().await;
    let server = ScriptedPaddleOcr::start(OcrReply::error(500, "")).await.unwrap();
    for text in ["one", "two", "three"] {
        server.then(OcrReply::pages(&[text]));
    }
    bench.set_extractor("paddleocr", &json!({"baseUrl": server.base_url()})).await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", three_pages()).await;
    let job = bench.add_job(manifest).await;
    assert_eq!(bench.ended(job).await.status, "completed");
    assert_eq!(page_texts(&bench.ocr_result(manifest).await), ["one", "two", "three"]);
    let kinds: Vec<Value> = server.requests().iter().map(|sent| sent.body["fileType"].clone()).collect();
    assert_eq!(kinds, [0, 1, 1], "the file, then two pictures");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_asked_a_bounded_number_of_times_and_one_that_refuses_once() {
    let bench = Bench::start().await;
    let server = ScriptedPaddleOcr::start(OcrReply::error(503, "{\"errorMsg\": \"no memory\"}")).await.unwrap();
    bench.set_extractor("paddleocr", &json!({"baseUrl": server.base_url(), "maxRetries": 2})).await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", three_pages()).await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.attempt_count, server.calls()), ("failed", 3, 4));
    assert!(row.error_message.as_deref().unwrap().ends_with("HTTP 503: no memory"), "{:?}", row.error_message);

    server.then(OcrReply::error(403, ""));
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.attempt_count, server.calls()), ("failed", 1, 5));
    let broken = bench.add_manifest("application/pdf", b"%PDF-1.7 no more".to_vec()).await;
    let job = bench.add_job(broken).await;
    assert_eq!(
        (bench.ended(job).await.status.as_str(), server.calls()),
        ("failed", 5),
        "nobody is paid for a broken file"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vision_model_is_asked_page_by_page_and_paid_by_its_tokens() {
    let bench = Bench::start().await;
    let eyes = ScriptedLlm::start(Reply::content("")).await.unwrap();
    for text in ["# Invoice 4711", "```markdown\n| Rope | 25.00 |\n```", "Total 105.00"] {
        eyes.then(Reply::content(text));
    }
    let config = json!({
        "baseUrl": eyes.base_url(), "apiKey": "key", "model": "eyes", "temperature": 0.5, "maxTokens": 777, "detail": "high",
        "prompt": "Read!",
        "pricing": {"mode": "token", "currency": "USD", "inputPricePerMillionTokens": 2.5, "outputPricePerMillionTokens": 10}});
    bench.set_extractor("vision-llm", &config).await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", three_pages()).await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.text_actual_cost_nano), ("completed", Some(3 * 8_755_000)), "{row:?}");
    let read = bench.ocr_result(manifest).await;
    assert_eq!(page_texts(&read), ["# Invoice 4711", "| Rope | 25.00 |", "Total 105.00"]);
    assert_eq!((&read["pages"][0]["width"], &read["pages"][0]["confidence"]), (&json!(595.0), &json!(0.75)));
    let stage = text_stage(&bench, job).await;
    assert_eq!((&stage["inputTokens"], &stage["outputTokens"]), (&json!(3 * 1234), &json!(3 * 567)));
    let requests = eyes.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(
            (&request["model"], &request["temperature"], &request["max_tokens"]),
            (&json!("eyes"), &json!(0.5), &json!(777))
        );
        let content = &request["messages"][0]["content"];
        assert_eq!(content[0], json!({"type": "text", "text": "Read!"}));
        assert_eq!(content[1]["image_url"]["detail"], "high");
        assert!(content[1]["image_url"]["url"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"));
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_were_read_before_a_failure_are_not_paid_again() {
    let bench = Bench::start().await;
    let eyes = ScriptedLlm::start(Reply::content("Total 105.00")).await.unwrap();
    let config = json!({
        "baseUrl": eyes.base_url(), "apiKey": "key", "model": "eyes",
        "pricing": {"mode": "page", "currency": "USD", "pricePerPage": 0.001}});
    bench.set_extractor("vision-llm", &config).await;
    let worker = bench.worker().await;
    eyes.then(Reply::content("Invoice 4711"));
    eyes.then(Reply::error(503, "busy"));
    let manifest = bench.add_manifest("application/pdf", three_pages()).await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.attempt_count, eyes.calls()), ("completed", 2, 4));
    assert_eq!(row.text_actual_cost_nano, Some(3_000_000), "the page of the first attempt is on the bill");

    // Read anew, because somebody asked for it; and again the first page is not read twice.
    eyes.then(Reply::content("Invoice 4712"));
    eyes.then(Reply::error(503, "busy"));
    let job = bench.add_row(manifest, "ocr").await;
    bench.enqueue(&job).await;
    let row = bench.ended(job.id).await;
    assert_eq!((row.status.as_str(), row.attempt_count, eyes.calls()), ("completed", 2, 8));
    assert_eq!(page_texts(&bench.ocr_result(manifest).await)[0], "Invoice 4712");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_can_t_be_read_fails_the_job_by_its_number() {
    let bench = Bench::start().await;
    let eyes = ScriptedLlm::start(Reply::content("Total 105.00")).await.unwrap();
    bench
        .set_extractor(
            "vision-llm",
            &json!({"baseUrl": eyes.base_url(), "apiKey": "key", "model": "eyes", "maxTokens": 9}),
        )
        .await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", three_pages()).await;
    for (reply, message) in [
        (Reply::error(400, "no pictures"), "page 1: LLM request failed: HTTP 400: no pictures"),
        (
            Reply::content("cut").finish_reason("length"),
            "page 1: the model's answer was cut off at 9 tokens; raise maxTokens of the extractor",
        ),
        (Reply::content(" "), "page 1: the model answered nothing, though there is text on the page"),
    ] {
        let before = eyes.calls();
        eyes.then(reply);
        let job = bench.add_job(manifest).await;
        let row = bench.ended(job).await;
        assert_eq!((row.status.as_str(), row.attempt_count, eyes.calls() - before), ("failed", 1, 1));
        assert_eq!(row.error_message.as_deref(), Some(message));
    }
    // The calls that gave no page were paid by the jobs that made them, and by no other.
    let job = bench.add_job(manifest).await;
    assert_eq!(bench.ended(job).await.status, "completed");
    assert_eq!(text_stage(&bench, job).await["inputTokens"], json!(3 * 1234));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extractor_that_a_run_names_wins_and_force_and_never_do_what_they_say() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let manifest = bench.add_invoice().await;
    for (ocr, source) in [("force", "ocr"), ("never", "text_layer"), ("auto", "text_layer")] {
        let id = sluice_core::id::fresh_uuid();
        let extractor = NewExtractor {
            id,
            name: ocr.to_owned(),
            description: None,
            extractor_type: "local".to_owned(),
            config: json!({"ocr": ocr, "languages": "eng"}),
            is_active: true,
        };
        extractors::insert(&mut bench.database.pool.get().await.unwrap(), &extractor).await.unwrap();
        let job = NewJob { text_extractor_id: Some(id), ..bench.new_job(manifest, "extraction") };
        let job = bench.add_row_of(job).await;
        bench.enqueue(&job).await;
        assert_eq!(bench.ended(job.id).await.status, "completed", "{ocr}");
        let read = bench.manifest(manifest).await;
        assert_eq!(bench.ocr_result(manifest).await["pages"][0]["source"], source, "{ocr}");
        assert_eq!(read.text_extractor_id, Some(id));
    }
    // A picture has no text layer.
    bench.set_extractor("local", &json!({"ocr": "never"})).await;
    let picture = bench.add_manifest("image/png", documents::tiny_png()).await;
    let job = bench.add_job(picture).await;
    assert_eq!(bench.ended(job).await.error_message.as_deref(), Some("no text was found in the document"));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_so_far_goes_to_who_watches_and_to_nobody_else() {
    let bench = Bench::start().await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", three_pages()).await;
    let job = bench.add_job(manifest).await;
    bench.ended(job).await;
    let texts = |job| {
        bench.updates(job).into_iter().filter_map(|update| update.get("textMarkdownSoFar").cloned()).collect::<Vec<_>>()
    };
    assert!(texts(job).is_empty());

    bench.watch(manifest).await;
    let job = bench.add_row(manifest, "ocr").await;
    bench.enqueue(&job).await;
    bench.ended(job.id).await;
    let last = texts(job.id).pop().unwrap();
    assert_eq!(last, "--- PAGE 1 ---\nfirst layer\n\n--- PAGE 2 ---\nsecond layer\n\n--- PAGE 3 ---\nthird layer");
    let last = bench.updates(job.id).into_iter().rfind(|update| update.get("textMarkdownSoFar").is_some()).unwrap();
    assert_eq!((&last["textPagesProcessed"], &last["textPagesTotal"]), (&json!(3), &json!(3)));
    bench.assert_events_are_in_order(job.id);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_does_not_fit_into_the_budget_is_not_asked_for() {
    let bench = Bench::start().await;
    let server = ScriptedPaddleOcr::start(OcrReply::pages(&["one", "two", "three"])).await.unwrap();
    let pricing = json!({"mode": "page", "currency": "USD", "pricePerPage": 1});
    bench.set_extractor("paddleocr", &json!({"baseUrl": server.base_url(), "pricing": pricing})).await;
    bench.sql("update projects set budget_nano = 2000000000, budget_currency = 'USD', budget_period = 'month'").await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", three_pages()).await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), server.calls()), ("failed", 0));
    assert!(row.error_message.as_deref().unwrap().contains("more than the whole budget"), "{:?}", row.error_message);
    worker.stop().await;
}
