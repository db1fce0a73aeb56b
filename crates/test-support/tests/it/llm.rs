use serde_json::{Value, json};
use sluice_test_support::{Reply, ScriptedLlm};

async fn ask(llm: &ScriptedLlm, request: Value) -> reqwest::Response {
    reqwest::Client::new().post(format!("{}/chat/completions", llm.base_url())).json(&request).send().await.unwrap()
}

#[tokio::test]
async fn scripted_answers_come_in_order_and_then_the_other_one() {
    let llm = ScriptedLlm::start(Reply::content("{}").finish_reason("banana").without_usage()).await.unwrap();
    llm.then(Reply::error(429, "slow down").retry_after(3));

    let refused = ask(&llm, json!({"n": 1})).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "3"));
    let answered: Value = ask(&llm, json!({"n": 2})).await.json().await.unwrap();
    assert_eq!(answered["choices"][0]["finish_reason"], "banana");
    assert_eq!(answered["usage"], Value::Null);
    assert_eq!(llm.calls(), 2);
    assert_eq!(llm.requests()[1]["n"], 2);
}

#[tokio::test]
async fn a_stream_ends_with_usage_or_is_cut() {
    let llm = ScriptedLlm::start(Reply::content("a long answer of more than one piece")).await.unwrap();
    let whole = ask(&llm, json!({"stream": true})).await.text().await.unwrap();
    assert!(whole.contains("\"total_tokens\":1801") && whole.ends_with("data: [DONE]\n\n"), "{whole}");

    llm.then(Reply::content("a long answer").cut_after(5));
    assert!(ask(&llm, json!({"stream": true})).await.text().await.is_err());
    llm.then(Reply::content("a long answer").cut_after(5));
    assert!(ask(&llm, json!({})).await.text().await.is_err());
}

#[tokio::test]
async fn an_answer_can_depend_on_the_request() {
    let llm = ScriptedLlm::start_with(|request| Reply::content(&request["model"])).await.unwrap();
    let answered: Value = ask(&llm, json!({"model": "m"})).await.json().await.unwrap();
    assert_eq!(answered["choices"][0]["message"]["content"], "\"m\"");
}
