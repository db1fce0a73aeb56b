//! One suite that every dialect of an endpoint passes.

use serde_json::{Value, json};
use sluice_llm::{Capabilities, Endpoint, Format, ResponseFormat, TokenLimit};
use sluice_test_support::{Dialect, Reply, ScriptedLlm};

use crate::{ask, client, formats, scripted};

const ANSWER: &str = r#"{"number": "4711", "note": "Größe 10 µm, 東京"}"#;

async fn speaking(dialect: Dialect) -> (ScriptedLlm, Endpoint) {
    let (llm, endpoint) = scripted(Reply::content(ANSWER)).await;
    llm.speak(dialect);
    (llm, endpoint)
}

fn schema() -> Format {
    let schema = json!({"type": "object", "properties": {"number": {"type": "string"}}});
    Format::Schema { name: "answer", schema, is_strict: true }
}

/// The forms in which a schema is asked for until it is answered.
fn way(dialect: Dialect) -> &'static [Option<&'static str>] {
    match dialect {
        Dialect::StrictSchema | Dialect::OddWords | Dialect::NoUsage => &[Some("json_schema")],
        Dialect::ObjectOnly => &[Some("json_schema"), Some("json_object")],
        Dialect::NoForm => &[Some("json_schema"), Some("json_object"), None],
        // The form is not what is refused.
        Dialect::Reasoning => &[Some("json_schema"), Some("json_schema"), Some("json_schema")],
    }
}

#[tokio::test]
async fn every_dialect_answers_every_question_and_is_asked_rightly_the_second_time() {
    for dialect in Dialect::ALL {
        let (llm, endpoint) = speaking(dialect).await;
        let client = client();
        let answer = ask(&client, &endpoint, schema()).await.unwrap();
        assert_eq!((answer.content.as_str(), answer.finish_reason.as_str()), (ANSWER, "stop"), "{dialect:?}");
        assert_eq!(answer.usage.is_estimated, dialect == Dialect::NoUsage, "{dialect:?}");
        assert!(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0, "{dialect:?}");
        let way: Vec<Value> = way(dialect).iter().map(|form| json!(form)).collect();
        assert_eq!(formats(&llm), way, "{dialect:?}");
        for format in [schema(), Format::Object, Format::Text] {
            let before = llm.calls();
            let answer = ask(&client, &endpoint, format).await.unwrap();
            assert_eq!((answer.content.as_str(), llm.calls() - before), (ANSWER, 1), "{dialect:?}");
        }
    }
}

#[tokio::test]
async fn a_test_finds_out_what_a_dialect_can_do_and_the_first_question_then_fits() {
    for dialect in Dialect::ALL {
        let (llm, endpoint) = speaking(dialect).await;
        let found = client().probe(&endpoint).await.unwrap();
        let expected = Capabilities {
            response_format: Some(match dialect {
                Dialect::ObjectOnly => ResponseFormat::JsonObject,
                Dialect::NoForm => ResponseFormat::None,
                _ => ResponseFormat::JsonSchema,
            }),
            // What it answers is scripted, whatever is asked.
            enforces_schema: (!matches!(dialect, Dialect::ObjectOnly | Dialect::NoForm)).then_some(false),
            usage: Some(dialect != Dialect::NoUsage),
            stream_usage: Some(dialect != Dialect::NoUsage),
            logprobs: Some(false),
            vision: Some(true),
            context_tokens: Some(16_384),
            token_limit: Some(match dialect {
                Dialect::Reasoning => TokenLimit::MaxCompletionTokens,
                _ => TokenLimit::MaxTokens,
            }),
            finish_reason: Some(if dialect == Dialect::OddWords { "" } else { "stop" }.to_owned()),
        };
        assert_eq!(found.capabilities, expected, "{dialect:?}");
        assert!(llm.calls() <= 12, "{dialect:?}: {}", llm.calls());
        // A worker that has asked nothing yet begins with what was stored.
        let stored = serde_json::to_value(&found.capabilities).unwrap();
        let endpoint = endpoint.knowing(Some(&stored));
        assert_eq!(endpoint.context_tokens, Some(16_384));
        let before = llm.calls();
        ask(&client(), &endpoint, schema()).await.unwrap();
        // That a temperature is refused is not worth a question of its own.
        let more = usize::from(dialect == Dialect::Reasoning);
        assert_eq!(llm.calls() - before, 1 + more, "{dialect:?}");
    }
}

#[tokio::test]
async fn what_an_endpoint_has_forgotten_since_its_test_is_found_out_again() {
    let (llm, endpoint) = speaking(Dialect::NoForm).await;
    let known = json!({"responseFormat": "json_schema"});
    let endpoint = endpoint.knowing(Some(&known));
    assert_eq!(ask(&client(), &endpoint, schema()).await.unwrap().content, ANSWER);
    assert_eq!(llm.calls(), 3);
}

#[tokio::test]
async fn what_an_endpoint_refuses_or_leaves_open_fails_no_test() {
    let llm = ScriptedLlm::start_with(|request| {
        let is_picture = request["messages"][0]["content"].is_array();
        match (is_picture, request.get("logprobs"), request.get("stream")) {
            (true, _, _) => Reply::error(500, "image input is not supported"),
            (_, Some(_), _) => Reply::error(400, "logprobs are not supported"),
            (_, _, Some(_)) => Reply::error(503, "busy"),
            _ => {
                Reply::content("pong, and many more words than anybody who was asked for four tokens would say in them")
            }
        }
    })
    .await
    .unwrap();
    let (_, endpoint) = scripted(Reply::content("")).await;
    let endpoint = Endpoint { base_url: llm.base_url(), model: "another".to_owned(), ..endpoint };
    let found = client().probe(&endpoint).await.unwrap().capabilities;
    assert_eq!((found.vision, found.logprobs, found.response_format), (Some(false), Some(false), None));
    assert_eq!((found.token_limit, found.stream_usage), (Some(TokenLimit::Ignored), None));
    llm.then(Reply::error(401, "bad key"));
    assert!(client().probe(&endpoint).await.is_err());
}
