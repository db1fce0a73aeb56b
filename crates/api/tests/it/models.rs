//! Models over HTTP.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_test_support::{Reply, ScriptedLlm};

use crate::fixture::{Service, code, refusal};

fn body(base_url: &str) -> Value {
    json!({
        "name": "My gpt-4o", "adapterType": "openai",
        "parameters": {"baseUrl": base_url, "apiKey": "sk-secret", "modelName": "gpt-4o"},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_made_with_its_secret_sealed_and_masked() {
    let service = Service::start().await;
    let admin = service.admin().await;
    let (status, made) = admin.post("/models", body("http://model")).await;
    assert_eq!(status, 201, "{made}");
    insta::assert_json_snapshot!(made, {
        ".id" => "uuid", ".createdAt" => "time", ".updatedAt" => "time", ".pricing.effectiveDate" => "time",
    }, @r#"
    {
      "id": "uuid",
      "name": "My gpt-4o",
      "adapterType": "openai",
      "description": null,
      "category": "llm",
      "parameters": {
        "apiKey": "********",
        "baseUrl": "http://model",
        "modelName": "gpt-4o"
      },
      "pricing": {
        "llm": {
          "currency": "USD",
          "inputPrice": 2.5,
          "outputPrice": 10.0
        },
        "effectiveDate": "time"
      },
      "pricingHistory": [],
      "isActive": true,
      "createdAt": "time",
      "updatedAt": "time"
    }
    "#);
    service.sql("select 1 / (bool_and(parameters ->> 'apiKey' like 'sealed:%'))::int from models").await;
    let path = format!("/models/{}", made["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.1, made);
    let change = json!({"parameters": {"apiKey": "********", "modelName": "other"}, "isActive": false});
    let (status, changed) = admin.send(Method::PATCH, &path, change).await;
    assert_eq!((status.as_u16(), &changed["parameters"]["modelName"]), (200, &json!("other")));
    assert_eq!(changed["parameters"]["apiKey"], "********");
    service.sql("select 1 / (bool_and(parameters ->> 'apiKey' like 'sealed:%'))::int from models").await;
    assert_eq!(admin.get("/models?isActive=true").await.1, json!([]));
    assert_eq!(admin.get("/models?category=ocr").await.1, json!([]));
    assert_eq!(admin.get("/models?category=llm&adapterType=openai&isActive=false").await.1, json!([changed]));
    assert_eq!(admin.send(Method::DELETE, &path, json!({})).await.0, 200);
    assert_eq!(code(admin.get(&path).await), refusal(404, "NotFoundException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn old_prices_go_into_the_history() {
    let service = Service::start().await;
    let admin = service.admin().await;
    let (_, made) = admin.post("/models", body("http://model")).await;
    let path = format!("/models/{}/pricing", made["id"].as_str().unwrap());
    let prices = json!({"pricing": {"llm": {"inputPrice": 1, "outputPrice": "2", "currency": "EUR"}}});
    let (status, changed) = admin.send(Method::PATCH, &path, prices).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["pricing"]["llm"], json!({"inputPrice": 1.0, "outputPrice": 2.0, "currency": "EUR"}));
    let history = changed["pricingHistory"].as_array().unwrap();
    assert_eq!((history.len(), &history[0]["llm"]["inputPrice"]), (1, &json!(2.5)));
    assert_eq!(history[0]["endDate"], changed["pricing"]["effectiveDate"]);
    let (_, refused) = admin.send(Method::PATCH, &path, json!({"pricing": {"llm": {"inputPrice": -1}}})).await;
    let expected = json!([
        {"path": "pricing.llm.inputPrice", "rule": "min"},
        {"path": "pricing.llm.outputPrice", "rule": "isNumber"},
        {"path": "pricing.llm.outputPrice", "rule": "min"},
        {"path": "pricing.llm.currency", "rule": "isString"},
        {"path": "pricing.llm.currency", "rule": "minLength"},
    ]);
    assert_eq!(refused["error"]["details"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_written_by_admins_and_checked_against_their_adapter() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let admin = service.admin().await;
    let path = format!("/models/{}", workspace.model_id);
    for (method, path, sent) in [
        (Method::POST, "/models".to_owned(), body("http://model")),
        (Method::PATCH, path.clone(), json!({"name": "x"})),
        (Method::PATCH, format!("{path}/pricing"), json!({"pricing": {}})),
        (Method::DELETE, path.clone(), json!({})),
    ] {
        let refused = person.send(method, &path, sent).await;
        assert_eq!(refused.1["error"]["message"], "Access denied");
        assert_eq!(code(refused), refusal(403, "ForbiddenException"), "{path}");
    }
    assert_eq!(person.get(&path).await.1["parameters"]["apiKey"], "********", "readable, but for the key");
    assert_eq!(code(admin.send(Method::DELETE, &path, json!({})).await), refusal(409, "ConflictException"));
    let (_, refused) = admin.post("/models", json!({"name": "x", "adapterType": "paddlex", "parameters": {}})).await;
    assert_eq!(refused["error"]["details"], json!([{"path": "adapterType", "rule": "AdapterTypeConstraint"}]));
    for (key, value) in [("apiKey", json!("********")), ("temperature", json!(3)), ("more", json!(1))] {
        let mut sent = body("http://model");
        sent["parameters"][key] = value;
        let (_, refused) = admin.post("/models", sent).await;
        let expected = json!([{"path": "parameters", "rule": "AdapterParametersConstraint"}]);
        assert_eq!(refused["error"]["details"], expected, "{key}");
    }
    let (_, adapters) = person.get("/models/adapters").await;
    assert_eq!(adapters[0]["type"], "openai");
    assert_eq!(adapters[0]["parameters"]["apiKey"]["secret"], true);
    assert_eq!(adapters[0]["parameters"]["temperature"]["validation"], json!({"min": 0.0, "max": 2.0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_really_asks_the_model() {
    let service = Service::start().await;
    let admin = service.admin().await;
    let llm = ScriptedLlm::start(Reply::content("pong")).await.unwrap();
    let (_, made) = admin.post("/models", body(&format!("{}/", llm.base_url()))).await;
    let path = format!("/models/{}/test", made["id"].as_str().unwrap());
    let (status, told) = admin.post(&path, json!({})).await;
    assert_eq!((status.as_u16(), &told["ok"], &told["model"]), (201, &json!(true), &json!("scripted")), "{told}");
    assert!(told["latencyMs"].is_u64());
    let found = json!({"responseFormat": "json_schema", "enforcesSchema": false, "usage": true, "streamUsage": true,
        "logprobs": false, "vision": true, "contextTokens": null, "tokenLimit": "max_tokens", "finishReason": "stop"});
    let mut capabilities = told["capabilities"].clone();
    // The only model of a list counts, whatever its name.
    assert_eq!(capabilities["contextTokens"].take(), json!(16_384));
    assert_eq!(capabilities, found);
    let stored = format!("/models/{}", made["id"].as_str().unwrap());
    assert_eq!(admin.get(&stored).await.1["capabilities"], told["capabilities"]);
    let asked = llm.requests().remove(0);
    assert_eq!(
        (&asked["max_tokens"], &asked["temperature"], &asked["model"]),
        (&json!(4), &json!(0), &json!("gpt-4o"))
    );
    llm.then(Reply::error(401, "wrong key"));
    let (status, told) = admin.post(&path, json!({})).await;
    assert_eq!(status, 201);
    assert_eq!(
        (&told["ok"], &told["message"]),
        (&json!(false), &json!("The endpoint answered 401 Unauthorized: wrong key"))
    );
    let id = made["id"].as_str().unwrap();
    let unreachable = json!({"parameters": {"baseUrl": "http://127.0.0.1:1"}});
    let (_, changed) = admin.send(Method::PATCH, &format!("/models/{id}"), unreachable).await;
    assert_eq!(changed.get("capabilities"), None, "it is another connection now");
    let (_, told) = admin.post(&path, json!({})).await;
    assert_eq!((&told["ok"], &told["message"]), (&json!(false), &json!("The endpoint can't be reached")));
}
