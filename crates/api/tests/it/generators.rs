//! What models write, over HTTP, with a scripted model.

use futures_util::StreamExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sluice_test_support::builders::{Workspace, invoice_schema};
use sluice_test_support::{Reply, ScriptedLlm, eventually};

use crate::fixture::{LONG, Person, Service, code, refusal};

/// A workspace whose model is scripted.
struct World {
    service: Service,
    workspace: Workspace,
    person: Person,
    llm: ScriptedLlm,
}

impl World {
    async fn start() -> Self {
        let service = Service::start().await;
        let (workspace, person) = service.workspace("ada").await;
        let llm = ScriptedLlm::start(Reply::content("")).await.unwrap();
        let url = llm.base_url();
        let set = format!("update models set parameters = parameters || jsonb_build_object('baseUrl', '{url}')");
        service.sql(&set).await;
        Self { service, workspace, person, llm }
    }

    fn model(&self) -> String {
        self.workspace.model_id.to_string()
    }

    fn path(&self, what: &str) -> String {
        format!("/schemas/{}/{what}", self.workspace.schema_id)
    }

    /// What was said last in the newest question.
    fn last_message(&self) -> String {
        let asked = self.llm.requests().pop().unwrap();
        asked["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned()
    }

    async fn open(&self, path: &str, body: &Value) -> Response {
        self.person.request(Method::POST, path).json(body).send().await.unwrap()
    }
}

fn rule(changes: &Value) -> Value {
    let mut rule = json!({"fieldPath": "number", "ruleType": "verification", "ruleOperator": "pattern",
                          "ruleConfig": {"regex": "^\\d+$"}, "errorMessage": "digits only"});
    for (key, value) in changes.as_object().unwrap() {
        rule[key] = value.clone();
    }
    rule
}

/// All lines of an answer; pieces of the text are put together, and those that only show life are left out.
async fn lines(response: Response) -> Vec<Value> {
    let text = response.text().await.unwrap();
    assert!(text.ends_with('\n'), "{text}");
    let mut lines: Vec<Value> = Vec::new();
    for line in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let content = line["content"].as_str().unwrap_or_default().to_owned();
        match lines.last_mut() {
            _ if line["type"] == "delta" && content.is_empty() => {}
            Some(last) if line["type"] == "delta" && last["type"] == "delta" => {
                last["content"] = json!(format!("{}{content}", last["content"].as_str().unwrap()));
            }
            _ => lines.push(line),
        }
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_handed_on_once_it_is_one() {
    let world = World::start().await;
    let sent =
        json!({"description": "Invoices of a chandler", "modelId": world.model(), "includeExtractionHints": true});
    world.llm.then(Reply::content(json!({"type": "object", "properties": {}})));
    world.llm.then(Reply::content(format!("```json\n{}\n```", invoice_schema())));
    let (status, body) = world.person.post("/schemas/generate", sent.clone()).await;
    assert_eq!((status.as_u16(), body), (201, json!({"jsonSchema": invoice_schema()})));
    assert_eq!(world.llm.calls(), 2);
    assert!(world.last_message().contains("the schema has no properties"), "{}", world.last_message());
    let asked = world.llm.requests().remove(0);
    assert_eq!(asked["response_format"], json!({"type": "json_object"}));
    assert!(asked["messages"].to_string().contains("x-extraction-hint"));

    world.llm.then(Reply::content("I would rather not."));
    world.llm.then(Reply::content(json!({"type": "object", "properties": {"a": {"type": "money"}}})));
    let (status, refused) = world.person.post("/schemas/generate", sent).await;
    let message = refused["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("The model's answer can't be used: it is no valid JSON Schema"), "{message}");
    assert_eq!(code((status, refused)), refusal(400, "BadRequestException"));
    assert_eq!(world.llm.calls(), 4, "it is not asked a third time");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_can_t_be_used_are_dropped() {
    let world = World::start().await;
    let answer = json!({"rules": [
        rule(&json!({"priority": 5})),
        rule(&json!({"fieldPath": "nowhere"})),
        rule(&json!({"fieldPath": "items.*.amount", "ruleOperator": "range_min", "ruleConfig": {"min": 0}})),
    ]});
    let expected = json!({"rules": [
        {"fieldPath": "number", "ruleType": "verification", "ruleOperator": "pattern",
         "ruleConfig": {"regex": "^\\d+$"}, "errorMessage": "digits only", "priority": 5},
        {"fieldPath": "items[].amount", "ruleType": "verification", "ruleOperator": "range_min",
         "ruleConfig": {"value": 0}, "errorMessage": "digits only"},
    ]});
    let sent = json!({"description": "numbers are digits", "modelId": world.model(), "context": "from Ulm"});
    let path = world.path("generate-rules");
    world.llm.then(Reply::content(&answer));
    let (status, body) = world.person.post(&path, sent.clone()).await;
    assert_eq!((status.as_u16(), &body), (201, &expected));
    assert!(world.last_message().contains("from Ulm"));
    let mut with_schema = sent.clone();
    with_schema["jsonSchema"] = invoice_schema();
    world.llm.then(Reply::content(&answer));
    assert_eq!(world.person.post("/schemas/generate-rules", with_schema).await.1, expected);

    let useless = Reply::content(json!({"rules": [rule(&json!({"fieldPath": "nowhere"}))]}));
    world.llm.then(useless.clone());
    world.llm.then(useless);
    let (status, refused) = world.person.post(&path, sent.clone()).await;
    assert_eq!(
        (status.as_u16(), &refused["error"]["message"]),
        (400, &json!("The model's answer can't be used: rule 1: the schema has no field nowhere"))
    );
    let (_, refused) = world.person.post("/schemas/generate-rules", sent).await;
    assert_eq!(refused["error"]["details"], json!([{"path": "jsonSchema", "rule": "isObject"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn prompt_rules_come_without_a_fence_and_never_empty() {
    let world = World::start().await;
    let path = world.path("generate-prompt-rules");
    let sent = json!({"modelId": world.model(), "prompt": "totals stand last", "currentRulesMarkdown": "- old",
                      "previousCandidateMarkdown": "- draft", "feedback": "shorter"});
    world.llm.then(Reply::content("```markdown\n# Rules\n- one\n```"));
    let (status, body) = world.person.post(&path, sent.clone()).await;
    assert_eq!((status.as_u16(), body), (201, json!({"rulesMarkdown": "# Rules\n- one"})));
    for part in ["totals stand last", "- old", "- draft", "shorter"] {
        assert!(world.last_message().contains(part), "{part}");
    }
    let (status, refused) = world.person.post(&path, sent).await;
    assert_eq!(
        (status.as_u16(), &refused["error"]["message"]),
        (400, &json!("The model's answer can't be used: it is empty"))
    );
    assert_eq!(world.llm.calls(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn prompt_rules_are_told_line_by_line() {
    let world = World::start().await;
    let path = world.path("generate-prompt-rules/stream");
    let sent = json!({"modelId": world.model(), "prompt": "totals stand last"});
    let text = "# Rules\n- the total is the last amount, behind the word \"Summe\"\n";
    world.llm.then(Reply::content(text));
    let response = world.open(&path, &sent).await;
    assert_eq!(response.status(), 200);
    for (name, value) in [
        ("content-type", "application/x-ndjson; charset=utf-8"),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(response.headers()[name], value, "{name}");
    }
    let expected = [json!({"type": "start"}), json!({"type": "delta", "content": text}), json!({"type": "done"})];
    assert_eq!(lines(response).await, expected);

    world.llm.then(Reply::error(500, "out of memory"));
    let error = json!({"type": "error", "message": "LLM request failed: HTTP 500: out of memory"});
    assert_eq!(lines(world.open(&path, &sent).await).await, [json!({"type": "start"}), error]);

    world.llm.then(Reply::content(""));
    world.llm.then(Reply::content("# Rules"));
    let told = lines(world.open(&path, &sent).await).await;
    assert_eq!(told[1], json!({"type": "delta", "content": "# Rules"}), "an empty answer is asked for again");

    world.llm.then(Reply::content("# Ru").finish_reason("length"));
    let told = lines(world.open(&path, &sent).await).await;
    let message = "The model's answer can't be used: it was cut at the model's limit of tokens";
    assert_eq!(told[2], json!({"type": "error", "message": message}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_the_model_s_work() {
    let world = World::start().await;
    let sent = json!({"modelId": world.model(), "prompt": "totals stand last"});
    world.llm.then(Reply::content("# Rules that never end").hang_after(10));
    let response = world.open(&world.path("generate-prompt-rules/stream"), &sent).await;
    let mut pieces = response.bytes_stream();
    let mut seen = String::new();
    // The model hangs: what arrives was sent on as soon as it was there.
    while !seen.contains("# Rules th") {
        let piece = tokio::time::timeout(LONG, pieces.next()).await.unwrap().unwrap().unwrap();
        seen.push_str(std::str::from_utf8(&piece).unwrap());
    }
    assert_eq!(world.llm.open(), 1);
    drop(pieces);
    let ended = || async { if world.llm.open() == 0 { Ok(()) } else { Err("the model still works") } };
    eventually(LONG, ended).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_has_a_name_and_the_function_that_is_called() {
    let world = World::start().await;
    let sent = json!({"llmModelId": world.model(), "prompt": "sums must meet", "structured": {"total": 1}});
    let script = "function validate(extractedData) { return []; }";
    world.llm.then(Reply::content(json!({"name": "Sums", "script": "const f = 1"})));
    world
        .llm
        .then(Reply::content(json!({"name": "Sums", "description": "Adds", "severity": "error", "script": script})));
    let (status, body) = world.person.post("/validation/scripts/generate", sent.clone()).await;
    let expected = json!({"name": "Sums", "description": "Adds", "severity": "error", "script": script});
    assert_eq!((status.as_u16(), body), (201, expected));
    let broken = json!({"name": "Sums", "script": "function validate(extractedData) {\n  return [;\n}"});
    world.llm.then(Reply::content(broken));
    world.llm.then(Reply::content(json!({"name": "Sums", "script": script})));
    let (status, body) = world.person.post("/validation/scripts/generate", sent.clone()).await;
    assert_eq!((status.as_u16(), &body["severity"]), (201, &json!("warning")), "{body}");
    let told = world.last_message();
    assert!(told.contains("the script has an error") && told.contains("line 2"), "{told}");
    world.llm.then(Reply::content(json!({"script": script})));
    world.llm.then(Reply::content(json!({"script": script})));
    let (status, refused) = world.person.post("/validation/scripts/generate", sent).await;
    assert_eq!(
        (status.as_u16(), &refused["error"]["message"]),
        (400, &json!("The model's answer can't be used: it has no \"name\""))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_improved_by_the_newest_active_model() {
    let world = World::start().await;
    world.llm.then(Reply::content("Extract the totals of invoices."));
    let sent = json!({"description": "totals pls"});
    let (status, body) = world.person.post("/extraction/optimize-prompt", sent.clone()).await;
    assert_eq!((status.as_u16(), body), (201, json!({"prompt": "Extract the totals of invoices."})));
    world.llm.then(Reply::error(401, "the key is secret"));
    let (status, refused) = world.person.post("/extraction/optimize-prompt", sent.clone()).await;
    assert_eq!(refused["error"]["message"], "Failed to optimize prompt");
    assert!(!refused.to_string().contains("secret"), "{refused}");
    assert_eq!(code((status, refused)), refusal(500, "INTERNAL_SERVER_ERROR"));
    world.service.sql("update models set is_active = false").await;
    let (status, refused) = world.person.post("/extraction/optimize-prompt", sent).await;
    assert_eq!((status.as_u16(), &refused["error"]["message"]), (400, &json!("No active LLM model found")));
    let (_, refused) = world.person.post("/extraction/optimize-prompt", json!({"description": "ab"})).await;
    assert_eq!(refused["error"]["details"], json!([{"path": "description", "rule": "minLength"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_s_fault_is_told_without_its_words() {
    let world = World::start().await;
    let sent = |model: &str| json!({"description": "Invoices", "modelId": model});
    world.llm.then(Reply::error(403, "the key sk-1 is not allowed"));
    let (status, refused) = world.person.post("/schemas/generate", sent(&world.model())).await;
    assert_eq!(refused["error"]["message"], "LLM request failed");
    assert_eq!(code((status, refused)), refusal(500, "INTERNAL_SERVER_ERROR"));
    world.llm.then(Reply::error(400, "maximum context length is 8"));
    let (status, refused) = world.person.post("/schemas/generate", sent(&world.model())).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("does not fit"), "{refused}");
    assert_eq!(status, 400);
    for missing in ["x", "00000000-0000-4000-8000-000000000000"] {
        let (status, refused) = world.person.post("/schemas/generate", sent(missing)).await;
        let message = json!(format!("Model {missing} not found"));
        assert_eq!((status.as_u16(), &refused["error"]["message"]), (400, &message));
    }
    world.service.sql("update models set adapter_type = 'paddlex'").await;
    let (status, refused) = world.person.post("/schemas/generate", sent(&world.model())).await;
    let message = json!(format!("Model {} is not a valid LLM model", world.model()));
    assert_eq!((status.as_u16(), &refused["error"]["message"]), (400, &message));
}

#[tokio::test(flavor = "multi_thread")]
async fn generators_of_a_schema_are_for_those_who_may_use_it() {
    let world = World::start().await;
    let (_, other) = world.service.workspace("bob").await;
    let rules = json!({"description": "x", "modelId": world.model()});
    let instructions = json!({"prompt": "x", "modelId": world.model()});
    for (what, sent) in [
        ("generate-rules", &rules),
        ("generate-prompt-rules", &instructions),
        ("generate-prompt-rules/stream", &instructions),
    ] {
        let path = world.path(what);
        assert_eq!(code(other.post(&path, sent.clone()).await), refusal(403, "PROJECT_FORBIDDEN"), "{what}");
        let (_, refused) = world.person.post(&path, json!({"modelId": ""})).await;
        assert_eq!(refused["error"]["code"], "VALIDATION_FAILED", "{what}");
        let missing = format!("/schemas/999999/{what}");
        assert_eq!(code(world.person.post(&missing, sent.clone()).await), refusal(404, "SchemaNotFoundException"));
    }
    assert_eq!(world.llm.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn prompt_rules_are_made_from_what_people_corrected() {
    let world = World::start().await;
    let path = world.path("generate-prompt-rules-from-corrections/stream");
    let sent = json!({"modelId": world.model(), "feedback": "shorter"});
    let none = world.person.post(&path, sent.clone()).await;
    assert_eq!(code(none), refusal(400, "BadRequestException"), "nothing was corrected");
    let bad = json!({"modelId": world.model(), "since": "someday", "limit": 1});
    assert_eq!(code(world.person.post(&path, bad).await), refusal(400, "BadRequestException"));

    let manifest = world.service.manifest(&world.workspace, 1).await;
    world
        .service
        .sql(&format!("update manifests set extracted_data = '{{\"number\": \"O1\"}}' where id = {manifest}"))
        .await;
    let edit = json!({"extractedData": {"number": "01"}, "saveSource": "explicit"});
    let (status, edited) = world.person.send(Method::PATCH, &format!("/manifests/{manifest}"), edit).await;
    assert_eq!(status, 200, "{edited}");
    world.llm.then(Reply::content("- read O in numbers as 0"));
    let told = lines(world.open(&path, &sent).await).await;
    assert_eq!((&told[0]["type"], &told[0]["analysis"]["totalDiffs"]), (&json!("start"), &json!(1)), "{told:?}");
    assert_eq!(told[1], json!({"type": "delta", "content": "- read O in numbers as 0"}));
    assert_eq!(told[2], json!({"type": "done"}));
    let asked = world.last_message();
    assert!(asked.contains("\"topCorrectedFields\"") && asked.contains("shorter"), "{asked}");
    let (_, other) = world.service.workspace("bob").await;
    assert_eq!(code(other.post(&path, sent).await), refusal(403, "PROJECT_FORBIDDEN"));
}
