//! Rules of schemas over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Service, code, refusal};

fn body(schema: i32, changes: &Value) -> Value {
    let mut body = json!({"schemaId": schema, "fieldPath": "number", "ruleType": "verification",
                          "ruleOperator": "pattern", "ruleConfig": {"regex": "^\\d+$"}});
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_kept_with_their_schema_the_most_urgent_first() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let schema = workspace.schema_id;
    let path = format!("/schemas/{schema}/rules");
    let (status, made) = person.post(&path, body(schema, &json!({}))).await;
    assert_eq!(status, 201, "{made}");
    insta::assert_json_snapshot!(made, { ".schemaId" => 0, ".createdAt" => "time" }, @r#"
    {
      "id": 1,
      "schemaId": 0,
      "fieldPath": "number",
      "ruleType": "verification",
      "ruleOperator": "pattern",
      "ruleConfig": {
        "regex": "^\\d+$"
      },
      "errorMessage": null,
      "priority": 0,
      "enabled": true,
      "description": null,
      "createdAt": "time"
    }
    "#);
    let (_, urgent) = person.post(&path, body(schema, &json!({"priority": 10}))).await;
    let (_, newer) = person.post(&path, body(schema, &json!({"schemaId": schema.to_string()}))).await;
    assert_eq!(person.get(&path).await.1, json!([urgent, newer, made]));

    let rule = format!("{path}/{}", made["id"]);
    let changes =
        json!({"ruleOperator": "enum", "ruleConfig": {"values": ["1"]}, "errorMessage": "no", "enabled": false});
    let (status, changed) = person.send(Method::PATCH, &rule, changes).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!((&changed["fieldPath"], &changed["ruleOperator"]), (&json!("number"), &json!("enum")));
    assert_eq!((&changed["errorMessage"], &changed["enabled"]), (&json!("no"), &json!(false)));
    assert_eq!(person.send(Method::PATCH, &rule, json!({})).await.1, changed, "nothing is a change too");
    let (_, cleared) = person.send(Method::PATCH, &rule, json!({"errorMessage": null, "schemaId": schema})).await;
    assert_eq!(cleared["errorMessage"], Value::Null);

    let (status, deleted) = person.send(Method::DELETE, &rule, json!({})).await;
    assert_eq!((status.as_u16(), &deleted["id"]), (200, &made["id"]));
    for (method, sent) in [(Method::PATCH, json!({"priority": 1})), (Method::DELETE, json!({}))] {
        let (status, refused) = person.send(method, &rule, sent).await;
        assert_eq!(refused["error"]["message"], "Schema rule 1 not found");
        assert_eq!(code((status, refused)), refusal(404, "NotFoundException"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_correction_is_for_all_fields() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let schema = workspace.schema_id;
    let path = format!("/schemas/{schema}/rules");
    let correction = json!({"fieldPath": "", "ruleOperator": "ocr_correction", "ruleConfig": {"mappings": []}});
    let (_, made) = person.post(&path, body(schema, &correction)).await;
    assert_eq!(made["fieldPath"], "*");
    let (status, refused) = person.post(&path, body(schema, &json!({"fieldPath": " "}))).await;
    assert_eq!((status.as_u16(), &refused["error"]["message"]), (400, &json!("fieldPath is required")));
    let (_, rule) = person.post(&path, body(schema, &json!({}))).await;
    let (status, refused) =
        person.send(Method::PATCH, &format!("{path}/{}", rule["id"]), json!({"fieldPath": ""})).await;
    assert_eq!((status.as_u16(), &refused["error"]["message"]), (400, &json!("fieldPath is required")));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_for_those_who_may_use_the_schema() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (others, other) = service.workspace("bob").await;
    let admin = service.admin().await;
    let schema = workspace.schema_id;
    let path = format!("/schemas/{schema}/rules");
    let (_, made) = person.post(&path, body(schema, &json!({}))).await;
    let rule = format!("{path}/{}", made["id"]);
    for (method, path, sent) in [
        (Method::GET, path.as_str(), json!({})),
        (Method::POST, path.as_str(), body(schema, &json!({}))),
        (Method::PATCH, rule.as_str(), json!({"priority": 1})),
        (Method::DELETE, rule.as_str(), json!({})),
    ] {
        assert_eq!(code(other.send(method, path, sent).await), refusal(403, "PROJECT_FORBIDDEN"), "{path}");
    }
    assert_eq!(admin.get(&path).await.1, json!([made]));
    let through_own = format!("/schemas/{}/rules/{}", others.schema_id, made["id"]);
    assert_eq!(code(other.send(Method::DELETE, &through_own, json!({})).await), refusal(404, "NotFoundException"));

    let (_, refused) = person.post(&path, body(others.schema_id, &json!({}))).await;
    assert_eq!(refused["error"]["message"], "Schema ID mismatch");
    let (_, refused) = person.send(Method::PATCH, &rule, json!({"schemaId": others.schema_id})).await;
    assert_eq!(refused["error"]["message"], "Schema ID mismatch");
    let wrong = json!({"ruleType": "hope", "ruleOperator": "magic", "ruleConfig": [], "priority": 11});
    let (_, refused) = person.post(&path, body(schema, &wrong)).await;
    let expected = json!([
        {"path": "ruleType", "rule": "isIn"},
        {"path": "ruleOperator", "rule": "isIn"},
        {"path": "ruleConfig", "rule": "isObject"},
        {"path": "priority", "rule": "max"},
    ]);
    assert_eq!(refused["error"]["details"], expected);
    assert_eq!(code(person.get("/schemas/999999/rules").await), refusal(404, "SchemaNotFoundException"));
}
