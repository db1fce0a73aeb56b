//! Documents and tables that do not fit into one question or one answer.

use serde_json::{Value, json};
use sluice_extraction::tokens;
use sluice_test_support::{Reply, ScriptedLlm, documents};

use crate::bench::Bench;

/// An invoice over several pages; amounts are such that rows differ and add up.
fn invoice(rows: usize) -> Vec<u8> {
    let amount = |row: usize| format!("{}.50", row + 10);
    let mut lines =
        vec!["Harbour Supplies Ltd".to_owned(), "Invoice 4711    Date 2026-03-14".to_owned(), String::new()];
    lines.push(format!("{:<5}{:<30}{:>8}{:>14}", "Pos", "Item", "Qty", "Amount"));
    lines.extend(
        (1..=rows).map(|row| format!("{row:<5}{:<30}{:>8}{:>14}", format!("Part {row}"), row % 9 + 1, amount(row))),
    );
    let total = (1..=rows).map(|row| row + 10).sum::<usize>() * 10 + rows * 5;
    lines.push(String::new());
    lines.push(format!("{:<43}{:>14}", "Total", format!("{}.{}0", total / 10, total % 10)));
    let pages: Vec<Vec<String>> = lines.chunks(60).map(<[String]>::to_vec).collect();
    documents::typewritten_pdf(&pages)
}

/// The text that a request is about.
fn document(request: &Value) -> String {
    let user = request["messages"][1]["content"].as_str().unwrap();
    let text = user.split_once("<document>\n").unwrap().1;
    text.split_once("\n</document>").unwrap().0.to_owned()
}

/// The properties that a request asks for.
fn asked(request: &Value) -> Vec<String> {
    let properties = &request["response_format"]["json_schema"]["schema"]["properties"];
    properties.as_object().unwrap().keys().cloned().collect()
}

/// What a model that reads well answers: what of the asked the text shows, cut at the limit of tokens.
fn read_well(request: &Value, rows_at_most: usize) -> Reply {
    let text = document(request);
    let find = |label: &str| {
        let word = |rest: &str| rest.split_whitespace().next().map(str::to_owned);
        text.split_once(label).and_then(|(_, rest)| word(rest))
    };
    let number = |text: &str| text.parse::<f64>().ok();
    let rows: Vec<Value> = text
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, "Part", name, quantity, amount] = words.as_slice() else { return None };
            Some(json!({"description": format!("Part {name}"), "quantity": number(quantity)?, "amount": number(amount)?}))
        })
        .take(rows_at_most)
        .collect();
    let all = json!({"number": find("Invoice "), "date": find("Date "), "total": find("Total").and_then(|total| number(&total)),
                     "items": rows});
    let asked = asked(request);
    let answer: serde_json::Map<String, Value> = all
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| asked.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let content = Value::Object(answer).to_string();
    let limit = request["max_tokens"].as_u64().unwrap();
    let mut kept = String::new();
    for piece in content.split_inclusive(',') {
        if u64::from(tokens::estimate(&kept) + tokens::estimate(piece)) > limit {
            return Reply::content(kept).finish_reason("length");
        }
        kept.push_str(piece);
    }
    Reply::content(kept)
}

async fn bench(parameters: &Value, model: impl Fn(&Value) -> Reply + Send + 'static) -> Bench {
    let bench = Bench::start_with(ScriptedLlm::start_with(model).await.unwrap()).await;
    bench.sql(&format!("update models set parameters = parameters || '{parameters}'")).await;
    bench
}

fn names(data: &Value) -> Vec<String> {
    data["items"].as_array().unwrap().iter().map(|row| row["description"].as_str().unwrap().to_owned()).collect()
}

fn parts(count: usize) -> Vec<String> {
    (1..=count).map(|row| format!("Part {row}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_rows_come_whole_and_in_order_through_answers_of_a_thousand_tokens() {
    let bench = bench(&json!({"maxTokens": 1000}), |request| read_well(request, usize::MAX)).await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", invoice(300)).await;
    let job = bench.add_job(manifest).await;
    let row = bench.ended(job).await;
    assert_eq!((row.status.as_str(), row.error_message.as_deref()), ("completed", None));
    let manifest = bench.manifest(manifest).await;
    let data = manifest.extracted_data.unwrap();
    assert_eq!(names(&data), parts(300));
    assert_eq!(
        (&data["number"], &data["date"], &data["total"]),
        (&json!("4711"), &json!("2026-03-14"), &json!(48300.0))
    );
    assert_eq!(manifest.status, "completed");
    let first = &bench.llm.requests()[0];
    assert!(!asked(first).contains(&"items".to_owned()), "the rows are not even tried in one answer: {first}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_behind_the_end_of_a_cut_answer_are_asked_for() {
    // The table has no amounts at its end, so that its length is found out by the answer only.
    let lines: Vec<String> = (1..=80).map(|row| format!("{row} Part {row} 2 {}.50 each", row + 10)).collect();
    let pages: Vec<Vec<String>> = lines.chunks(50).map(<[String]>::to_vec).collect();
    let model = |request: &Value| {
        let text = document(request).replace(" each", "");
        let mut request = request.clone();
        request["messages"][1]["content"] =
            json!(format!("<document>\n{text}\nInvoice 4711 Date 2026-03-14 Total 9.00\n</document>"));
        read_well(&request, usize::MAX)
    };
    let bench = bench(&json!({"maxTokens": 700}), model).await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", documents::typewritten_pdf(&pages)).await;
    bench.ended(bench.add_job(manifest).await).await;
    let data = bench.manifest(manifest).await.extracted_data.unwrap();
    assert_eq!(names(&data), parts(80));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_lazy_model_leaves_out_are_asked_for() {
    let bench = bench(&json!({}), |request| read_well(request, 15)).await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", invoice(40)).await;
    bench.ended(bench.add_job(manifest).await).await;
    let manifest = bench.manifest(manifest).await;
    assert_eq!(names(&manifest.extracted_data.unwrap()), parts(40));
    assert_eq!(manifest.status, "completed");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortfall_that_can_not_be_mended_is_an_error_that_a_person_sees() {
    let model = |request: &Value| {
        let mut request = request.clone();
        let text = document(&request).lines().filter(|line| !line.contains("Part 7 ")).collect::<Vec<_>>().join("\n");
        request["messages"][1]["content"] = json!(format!("<document>\n{text}\n</document>"));
        read_well(&request, usize::MAX)
    };
    let bench = bench(&json!({}), model).await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", invoice(12)).await;
    bench.ended(bench.add_job(manifest).await).await;
    let manifest = bench.manifest(manifest).await;
    assert_eq!(manifest.status, "partial");
    let issues = &manifest.validation_results.unwrap()["issues"];
    let missing = issues.as_array().unwrap().iter().find(|issue| issue["check"] == "rows_missing").unwrap();
    assert_eq!((&missing["severity"], &missing["field"]), (&json!("error"), &json!("items")));
    assert!(missing["message"].as_str().unwrap().contains("has 12 rows, 11 were found"), "{missing}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_does_not_fit_is_read_in_windows_and_nothing_of_it_is_cut() {
    let fits = |request: &Value| {
        let messages = request["messages"].as_array().unwrap().iter();
        let sent: u32 = messages.map(|message| tokens::estimate(message["content"].as_str().unwrap())).sum();
        u64::from(sent) + request["max_tokens"].as_u64().unwrap() <= 3_000
    };
    for parameters in [json!({"maxTokens": 1500, "contextWindow": 3000}), json!({"maxTokens": 1500})] {
        let model = move |request: &Value| {
            if fits(request) {
                read_well(request, usize::MAX)
            } else {
                Reply::error(400, "maximum context length is 3000 tokens")
            }
        };
        let bench = bench(&parameters, model).await;
        let worker = bench.worker().await;
        let manifest = bench.add_manifest("application/pdf", invoice(130)).await;
        let row = bench.ended(bench.add_job(manifest).await).await;
        assert_eq!((row.status.as_str(), row.error_message.as_deref()), ("completed", None), "{parameters}");
        let data = bench.manifest(manifest).await.extracted_data.unwrap();
        assert_eq!(names(&data), parts(130), "{parameters}");
        assert_eq!((&data["number"], &data["total"]), (&json!("4711"), &json!(9880.0)), "{parameters}");
        let refused = bench.llm.requests().iter().filter(|request| !fits(request)).count();
        assert_eq!(refused == 0, parameters.get("contextWindow").is_some(), "{refused} refused with {parameters}");
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_replayed_from_its_records_without_a_model() {
    let mut bench = bench(&json!({"maxTokens": 1000}), |request| read_well(request, usize::MAX)).await;
    let worker = bench.worker().await;
    let manifest = bench.add_manifest("application/pdf", invoice(60)).await;
    let paid = bench.ended(bench.add_job(manifest).await).await;
    let (data, calls) = (bench.manifest(manifest).await.extracted_data, bench.llm.calls());
    assert!(paid.llm_actual_cost_nano.unwrap() > 0);
    worker.stop().await;

    bench.settings.push(("SLUICE_LLM_REPLAY".to_owned(), "true".to_owned()));
    let worker = bench.worker().await;
    let replayed = bench.ended(bench.add_job(manifest).await).await;
    assert_eq!((replayed.status.as_str(), replayed.llm_actual_cost_nano), ("completed", Some(0)));
    assert_eq!((bench.manifest(manifest).await.extracted_data, bench.llm.calls()), (data, calls));
    let other = bench.add_manifest("application/pdf", invoice(5)).await;
    let unknown = bench.ended(bench.add_job(other).await).await;
    assert_eq!((unknown.status.as_str(), bench.llm.calls()), ("failed", calls));
    assert!(unknown.error_message.unwrap().contains("no recorded answer"));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_does_not_pass_is_asked_for_again() {
    let model = |request: &Value| {
        if asked(request).len() > 1 {
            let wrong = json!({"number": "4711", "date": "14th of March", "total": 105.0, "items": []});
            Reply::content(wrong)
        } else {
            Reply::content(json!({"date": "2026-03-14"}))
        }
    };
    let bench = bench(&json!({}), model).await;
    let worker = bench.worker().await;
    let manifest = bench.add_invoice().await;
    bench.ended(bench.add_job(manifest).await).await;
    let requests = bench.llm.requests();
    assert_eq!(asked(requests.last().unwrap()), ["date"]);
    assert_eq!(requests[0]["messages"][0], requests.last().unwrap()["messages"][0], "the prompt's beginning is cached");
    let data = bench.manifest(manifest).await.extracted_data.unwrap();
    assert_eq!((&data["number"], &data["date"]), (&json!("4711"), &json!("2026-03-14")));
    worker.stop().await;
}
