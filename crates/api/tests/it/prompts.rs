//! Prompts over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Service, code, refusal};

fn body() -> Value {
    json!({"name": "Invoices", "type": "system", "content": "Read invoices.", "variables": ["a", "b"]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_made_changed_and_deleted() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let admin = service.admin().await;
    let (status, made) = admin.post("/prompts", body()).await;
    assert_eq!(status, 201, "{made}");
    insta::assert_json_snapshot!(made, { ".createdAt" => "time", ".updatedAt" => "time" }, @r#"
    {
      "id": 1,
      "name": "Invoices",
      "type": "system",
      "content": "Read invoices.",
      "variables": [
        "a",
        "b"
      ],
      "createdAt": "time",
      "updatedAt": "time"
    }
    "#);
    let path = format!("/prompts/{}", made["id"]);
    let (_, second) = admin.post("/prompts", json!({"name": "B", "type": "re_extract", "content": "x"})).await;
    assert_eq!(second["variables"], Value::Null);
    assert_eq!(person.get("/prompts").await.1, json!([second, made]), "the newest first, and everybody may read");

    let changes = json!({"content": "Read them well.", "variables": null});
    let (status, changed) = admin.send(Method::PATCH, &path, changes).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!((&changed["name"], &changed["content"]), (&json!("Invoices"), &json!("Read them well.")));
    assert_eq!(changed["variables"], Value::Null);
    assert_eq!(person.get(&path).await.1, changed);
    assert_eq!(admin.send(Method::PATCH, &path, json!({})).await.0, 200, "nothing is a change too");

    let (status, deleted) = admin.send(Method::DELETE, &path, json!({})).await;
    assert_eq!((status.as_u16(), &deleted["id"]), (200, &made["id"]));
    for (method, sent) in [(Method::GET, json!({})), (Method::PATCH, json!({"name": "x"})), (Method::DELETE, json!({}))]
    {
        let (status, refused) = admin.send(method, &path, sent).await;
        assert_eq!(refused["error"]["message"], "Prompt 1 not found");
        assert_eq!(code((status, refused)), refusal(404, "PromptNotFoundException"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_are_written_by_admins_and_checked() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let admin = service.admin().await;
    let (_, made) = admin.post("/prompts", body()).await;
    let path = format!("/prompts/{}", made["id"]);
    for (method, path) in [(Method::POST, "/prompts"), (Method::PATCH, path.as_str()), (Method::DELETE, path.as_str())]
    {
        assert_eq!(code(person.send(method, path, body()).await), refusal(403, "ForbiddenException"), "{path}");
    }
    let wrong = json!({"name": "", "type": "other", "content": 1, "variables": ["a", "a"], "more": 1});
    let (status, refused) = admin.post("/prompts", wrong).await;
    assert_eq!(status, 400);
    let expected = json!([
        {"path": "name", "rule": "minLength"},
        {"path": "type", "rule": "isEnum"},
        {"path": "content", "rule": "isString"},
        {"path": "content", "rule": "minLength"},
        {"path": "variables", "rule": "arrayUnique"},
        {"path": "more", "rule": "whitelistValidation"},
    ]);
    assert_eq!(refused["error"]["details"], expected);
    let (_, refused) = admin.send(Method::PATCH, &path, json!({"variables": [1]})).await;
    assert!(refused["error"]["details"].to_string().contains("isArray"), "{refused}");
    assert_eq!(code(admin.get("/prompts/x").await), refusal(400, "BadRequestException"));
}
