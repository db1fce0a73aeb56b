#![cfg(test)]

//! Questions to a scripted model.

mod dialects;

use std::time::Duration;

use serde_json::{Value, json};
use sluice_core::{Classify, ErrorKind};
use sluice_llm::{Answer, Capabilities, Client, Config, Endpoint, Format, Message, Question, Result};
use sluice_test_support::{Reply, ScriptedLlm, eventually};
use tokio::sync::watch;

pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) async fn scripted(reply: Reply) -> (ScriptedLlm, Endpoint) {
    let llm = ScriptedLlm::start(reply).await.unwrap();
    let endpoint = Endpoint {
        base_url: format!("{}/", llm.base_url()),
        api_key: "key".into(),
        model: "scripted".to_owned(),
        temperature: 0.0,
        max_tokens: 100,
        context_tokens: None,
        structured_output: true,
        capabilities: Capabilities::default(),
    };
    (llm, endpoint)
}

pub(crate) fn client() -> Client {
    Client::new(Config { call_timeout: Duration::from_secs(5), idle_timeout: Duration::from_millis(200) }).unwrap()
}

pub(crate) fn question(format: Format) -> Question {
    Question { messages: vec![Message::system("Be brief."), Message::user("Say something.")], format }
}

pub(crate) fn formats(llm: &ScriptedLlm) -> Vec<Value> {
    llm.requests().iter().map(|request| request["response_format"]["type"].clone()).collect()
}

pub(crate) async fn ask(client: &Client, endpoint: &Endpoint, format: Format) -> Result<Answer> {
    client.ask(endpoint, &question(format), &watch::Sender::new(0)).await
}

#[tokio::test]
async fn text_comes_in_pieces_and_then_whole() {
    let text = "a text that is longer than one piece of a stream";
    let (llm, endpoint) = scripted(Reply::content(text)).await;
    let mut deltas = client().stream(&endpoint, &question(Format::Text)).await.unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = deltas.next().await.unwrap() {
        pieces.push(piece);
    }
    assert!(pieces.len() > 1, "{pieces:?}");
    assert_eq!(pieces.concat(), text);
    let answer = deltas.finish().unwrap();
    assert_eq!((answer.content.as_str(), answer.usage.input_tokens), (text, 1234));
    let asked = llm.requests().remove(0);
    assert_eq!(asked["messages"][1], json!({"role": "user", "content": "Say something."}));
    assert_eq!((&asked["response_format"], &asked["stream"]), (&Value::Null, &json!(true)));
}

#[tokio::test]
async fn a_dropped_answer_ends_its_request() {
    let (llm, endpoint) = scripted(Reply::content("a text that never ends").hang_after(12)).await;
    let client = Client::new(Config { call_timeout: LONG, idle_timeout: LONG }).unwrap();
    let mut deltas = client.stream(&endpoint, &question(Format::Text)).await.unwrap();
    assert_eq!(deltas.next().await.unwrap().as_deref(), Some("a text that "));
    assert_eq!(llm.open(), 1);
    drop(deltas);
    let ended = || async { if llm.open() == 0 { Ok(()) } else { Err("the request still runs") } };
    eventually(LONG, ended).await.unwrap();
}

#[tokio::test]
async fn a_form_that_is_refused_once_is_not_asked_for_again() {
    let (llm, endpoint) = scripted(Reply::content("{}")).await;
    let client = client();
    let schema = || Format::Schema { name: "answer", schema: json!({"type": "object"}), is_strict: false };
    llm.then(Reply::error(400, "json_schema is not supported"));
    ask(&client, &endpoint, schema()).await.unwrap();
    ask(&client, &endpoint, schema()).await.unwrap();
    ask(&client, &endpoint, Format::Object).await.unwrap();
    assert_eq!(formats(&llm), [json!("json_schema"), json!("json_object"), json!("json_object"), json!("json_object")]);
    llm.then(Reply::error(422, "response_format: unknown"));
    ask(&client, &endpoint, Format::Object).await.unwrap();
    ask(&client, &endpoint, schema()).await.unwrap();
    assert_eq!(formats(&llm)[4..], [json!("json_object"), Value::Null, Value::Null]);
}

#[tokio::test]
async fn errors_have_their_kinds_and_nothing_is_tried_again() {
    let (llm, endpoint) = scripted(Reply::content("x")).await;
    for (reply, kind, message) in [
        (Reply::error(401, "bad key"), ErrorKind::Unauthenticated, "LLM request failed: HTTP 401: bad key"),
        (
            Reply::error(429, "slow down").retry_after(7),
            ErrorKind::RateLimited,
            "LLM request failed: HTTP 429: slow down",
        ),
        (Reply::error(500, "oops"), ErrorKind::Unavailable, "LLM request failed: HTTP 500: oops"),
        (
            Reply::error(400, "maximum context length is 8"),
            ErrorKind::Invalid,
            "the request does not fit into the model's context: maximum context length is 8",
        ),
        (Reply::content("a text").cut_after(3), ErrorKind::Unavailable, "the model's answer was cut off"),
        (
            Reply::content("a text").hang_after(3),
            ErrorKind::Unavailable,
            "the model stopped in the middle of its answer",
        ),
    ] {
        let before = llm.calls();
        llm.then(reply);
        let error = ask(&client(), &endpoint, Format::Text).await.unwrap_err();
        assert_eq!((error.kind(), error.client_message().as_str()), (kind, message));
        let waits = (kind == ErrorKind::RateLimited).then_some(Duration::from_secs(7));
        assert_eq!((llm.calls() - before, error.retry_after()), (1, waits), "{message}");
    }
    let nobody = Endpoint { base_url: "http://127.0.0.1:1".to_owned(), ..endpoint };
    let error = client().ping(&nobody).await.unwrap_err();
    assert_eq!(error.to_string(), "the model's endpoint can't be reached");
}
