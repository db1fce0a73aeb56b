//! Schemas over HTTP.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_test_support::builders::invoice_schema;

use crate::fixture::{File, Service, code, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_derived_on_save_and_changed_in_place() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let project = workspace.project_id;
    let sent = json!({"projectId": project, "jsonSchema": invoice_schema(), "validationSettings": {"a": 1}});
    let (status, made) = person.post("/schemas", sent).await;
    assert_eq!(status, 201, "{made}");
    insta::assert_json_snapshot!(made, {
        ".id" => 0, ".projectId" => 0, ".createdAt" => "time", ".updatedAt" => "time", ".jsonSchema" => "schema",
        ".schemaVersion" => "sha256",
    }, @r#"
    {
      "id": 0,
      "name": "Invoice",
      "schemaVersion": "sha256",
      "jsonSchema": "schema",
      "requiredFields": [
        "number",
        "total"
      ],
      "projectId": 0,
      "description": null,
      "systemPromptTemplate": null,
      "validationSettings": {
        "a": 1
      },
      "createdAt": "time",
      "updatedAt": "time"
    }
    "#);
    assert_eq!(made["schemaVersion"].as_str().unwrap().len(), 64);
    let (_, list) = person.get(&format!("/schemas/project/{project}")).await;
    let ids: Vec<&Value> = list.as_array().unwrap().iter().map(|schema| &schema["id"]).collect();
    assert_eq!(ids, [&made["id"], &json!(workspace.schema_id)], "the newest first");

    service.manifest(&workspace, 1).await;
    service.sql("update manifests set validation_results = '{\"errorCount\": 1}'").await;
    let path = format!("/schemas/{}", made["id"]);
    let changed = json!({"jsonSchema": {"type": "object", "required": ["x"], "x": {"type": "string"}}});
    let (status, changed) = person.send(Method::PATCH, &path, changed).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!((&changed["id"], &changed["name"]), (&made["id"], &json!("Invoice")), "an untitled one keeps its name");
    assert_ne!(changed["schemaVersion"], made["schemaVersion"]);
    assert_eq!(changed["requiredFields"], json!(["x"]));
    assert_eq!(changed["jsonSchema"]["properties"], json!({"x": {"type": "string"}}));
    assert_eq!(changed["validationSettings"], json!({"a": 1}), "what is not sent stays");
    service.sql("select 1 / (bool_and(validation_results is null))::int from manifests").await;
    assert_eq!(person.get(&path).await.1, changed);
    let (_, list) = person.get("/schemas").await;
    assert_eq!(list.as_array().unwrap().len(), 2);

    let default = format!("/schemas/{}", workspace.schema_id);
    assert_eq!(person.send(Method::DELETE, &default, json!({})).await.0, 200);
    assert_eq!(person.get(&format!("/projects/{project}")).await.1["defaultSchemaId"], Value::Null);
    assert_eq!(code(person.get(&default).await), refusal(404, "SchemaNotFoundException"));
    let (_, next) = person.post("/schemas", json!({"projectId": project, "jsonSchema": {"type": "object"}})).await;
    assert_eq!(next["name"], format!("Schema {project}"));
    assert_eq!(
        person.get(&format!("/projects/{project}")).await.1["defaultSchemaId"],
        next["id"],
        "the first is default"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_for_owners_and_admins() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (_, other) = service.workspace("bob").await;
    let admin = service.admin().await;
    let path = format!("/schemas/{}", workspace.schema_id);
    let of_project = format!("/schemas/project/{}", workspace.project_id);
    let new = json!({"projectId": workspace.project_id, "jsonSchema": {}});
    for (method, path, sent) in [
        (Method::GET, path.as_str(), json!({})),
        (Method::PATCH, path.as_str(), json!({"systemPromptTemplate": "x"})),
        (Method::DELETE, path.as_str(), json!({})),
        (Method::GET, of_project.as_str(), json!({})),
        (Method::POST, "/schemas", new),
    ] {
        assert_eq!(code(other.send(method, path, sent).await), refusal(403, "PROJECT_FORBIDDEN"), "{path}");
    }
    assert_eq!(admin.get(&path).await.0, 200);
    assert_eq!(admin.get("/schemas").await.1.as_array().unwrap().len(), 2, "those of all");
    assert_eq!(person.get("/schemas").await.1.as_array().unwrap().len(), 1);
    let (status, refused) = person.post("/schemas", json!({"projectId": 999_999, "jsonSchema": {}})).await;
    assert_eq!((status.as_u16(), &refused["error"]["message"]), (400, &json!("Project 999999 not found")));
    let moved = person.send(Method::PATCH, &path, json!({"projectId": 999_999})).await;
    assert_eq!(code(moved), refusal(400, "BadRequestException"));
    let (_, refused) = person.post("/schemas", json!({"jsonSchema": "x", "projectId": 1.5})).await;
    let expected = json!([{"path": "jsonSchema", "rule": "isObject"}, {"path": "projectId", "rule": "isInt"}]);
    assert_eq!(refused["error"]["details"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_none_is_told_so() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let (status, body) = person.post("/schemas/validate", json!({"jsonSchema": invoice_schema()})).await;
    assert_eq!((status.as_u16(), body), (201, json!({"valid": true})));
    let wrong = json!({"jsonSchema": {"type": "object", "properties": {"a": {"type": "strange"}}}});
    let (_, body) = person.post("/schemas/validate", wrong).await;
    assert_eq!(body["valid"], false);
    assert!(body["errors"][0]["message"].is_string() && body["errors"][0]["path"].is_string(), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_is_checked_against_a_schema_that_is_not_stored() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let check = async |data: Value| {
        let sent = json!({"jsonSchema": invoice_schema(), "data": data});
        person.post("/schemas/validate-with-required", sent).await
    };
    let (status, body) = check(json!({"number": "1", "total": 2})).await;
    assert_eq!((status.as_u16(), body), (201, json!({"valid": true})));
    let (_, body) = check(json!({"number": ""})).await;
    assert_eq!((&body["valid"], &body["missingFields"]), (&json!(false), &json!(["total"])), "the form comes first");
    let (_, body) = check(json!({"number": "", "total": 1})).await;
    let expected = json!({"valid": false, "errors": ["Required field 'number' is missing or empty"],
                          "missingFields": ["number"]});
    assert_eq!(body, expected);
    let (_, body) = check(json!({"number": 1, "total": 1})).await;
    assert!(body["errors"][0].as_str().unwrap().starts_with("/number: "), "{body}");
    assert_eq!(body.get("missingFields"), None);
    let nonsense = json!({"jsonSchema": {"type": "strange"}, "data": {}});
    let (status, body) = person.post("/schemas/validate-with-required", nonsense).await;
    assert_eq!((status.as_u16(), &body["valid"]), (201, &json!(false)), "{body}");
    let (status, refused) = person.post("/schemas/validate-with-required", json!({"jsonSchema": {}})).await;
    assert_eq!((status.as_u16(), &refused["error"]["details"][0]["path"]), (400, &json!("data")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_read_from_a_file() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let file = |bytes| File {
        field: "file",
        disposition: "filename=\"schéma.json\"",
        content_type: "application/json",
        bytes,
    };
    let text = invoice_schema().to_string();
    let (status, body) = person.upload("/schemas/import", &[file(text.as_bytes())]).await;
    assert_eq!((status.as_u16(), body), (201, json!({"valid": true, "jsonSchema": invoice_schema()})));
    let (status, body) = person.upload("/schemas/import", &[file(b"{\n  \"type\": }")]).await;
    let expected = json!({"valid": false, "errors": [{"message": "expected value", "line": 2, "column": 11}]});
    assert_eq!((status.as_u16(), body), (201, expected));
    let (_, body) = person.upload("/schemas/import", &[file(b"{\"properties\": {\"a\": {\"type\": \"x\"}}}")]).await;
    assert_eq!((&body["valid"], &body["errors"][0]["path"]), (&json!(false), &json!("/properties/a/type")));
    let (_, list) = person.get("/schemas").await;
    assert_eq!(list.as_array().unwrap().len(), 1, "nothing is saved");

    assert_eq!(code(person.upload("/schemas/import", &[]).await), refusal(400, "BadRequestException"));
    assert_eq!(code(person.post("/schemas/import", json!({})).await), refusal(400, "BadRequestException"));
    let long = vec![b' '; 2 * 1024 * 1024 + 1];
    assert_eq!(code(person.upload("/schemas/import", &[file(&long)]).await), refusal(413, "PayloadTooLargeException"));
}
