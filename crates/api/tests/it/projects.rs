//! Projects and the wizard over HTTP.

use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use sluice_core::ports::ObjectStore;
use sluice_test_support::builders::invoice_schema;

use crate::fixture::{Service, code, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_made_changed_and_deleted_with_its_files() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (model, extractor) = (workspace.model_id, workspace.extractor_id);
    let body = json!({"name": "Invoices", "textExtractorId": extractor, "llmModelId": model});
    let (status, made) = person.post("/projects", body).await;
    assert_eq!(status, 201);
    let id = made["id"].as_i64().unwrap();
    assert_eq!(made["ownerId"], made["userId"]);
    assert_eq!(made["ownerId"], json!(workspace.user_id));
    insta::assert_json_snapshot!(made, {
        ".id" => 0, ".ownerId" => 0, ".userId" => 0, ".textExtractorId" => "uuid", ".llmModelId" => "uuid",
        ".createdAt" => "time", ".updatedAt" => "time",
    }, @r#"
    {
      "id": 0,
      "name": "Invoices",
      "description": null,
      "ownerId": 0,
      "userId": 0,
      "textExtractorId": "uuid",
      "llmModelId": "uuid",
      "defaultSchemaId": null,
      "createdAt": "time",
      "updatedAt": "time",
      "_count": {
        "groups": 0,
        "manifests": 0
      }
    }
    "#);
    let path = format!("/projects/{id}");
    assert_eq!(person.get(&path).await.1, made);
    let (_, schema) = person.post("/schemas", json!({"projectId": id, "jsonSchema": invoice_schema()})).await;
    let change = json!({"name": "Bills", "description": "All", "llmModelId": model, "defaultSchemaId": schema["id"]});
    let (status, changed) = person.send(Method::PATCH, &path, change).await;
    assert_eq!(status, 200);
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Bills"), &json!("All")));
    assert_eq!((&changed["defaultSchemaId"], &changed["textExtractorId"]), (&schema["id"], &json!(extractor)));
    let put = person.send(Method::PUT, &format!("{path}/extractor"), json!({"textExtractorId": extractor})).await;
    assert_eq!(put.0, 200);

    service.manifest(&workspace, 7).await;
    let (_, list) = person.get("/projects").await;
    assert_eq!(list.as_array().unwrap().len(), 2);
    let counted = list.as_array().unwrap().iter().find(|one| one["id"] == workspace.project_id).unwrap();
    assert_eq!(counted["_count"], json!({"groups": 1, "manifests": 1}));

    let key = "manifests/7/file";
    service.store.put(key, "application/pdf", Bytes::from_static(b"%PDF-")).await.unwrap();
    let path = format!("/projects/{}", workspace.project_id);
    let (status, deleted) = person.send(Method::DELETE, &path, json!({})).await;
    assert_eq!((status.as_u16(), &deleted["id"]), (200, &json!(workspace.project_id)));
    assert_eq!(service.store.head(key).await.unwrap(), None, "its file is gone");
    assert_eq!(code(person.get(&path).await), refusal(404, "PROJECT_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_of_others_are_refused_to_admins_too() {
    let service = Service::start().await;
    let (workspace, _) = service.workspace("ada").await;
    let (_, other) = service.workspace("bob").await;
    let admin = service.admin().await;
    let path = format!("/projects/{}", workspace.project_id);
    for stranger in [&other, &admin] {
        let (_, body) = stranger.get(&path).await;
        assert_eq!(body["error"]["params"], json!({"projectId": workspace.project_id}));
        let change = json!({"llmModelId": workspace.model_id});
        for (method, path, body) in [
            (Method::GET, path.clone(), json!({})),
            (Method::PATCH, path.clone(), change),
            (Method::DELETE, path.clone(), json!({})),
            (Method::PUT, format!("{path}/extractor"), json!({"textExtractorId": workspace.extractor_id})),
        ] {
            assert_eq!(code(stranger.send(method, &path, body).await), refusal(403, "PROJECT_FORBIDDEN"), "{path}");
        }
    }
    assert_eq!(admin.get("/projects").await.1, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_points_to_what_exists() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (other, _) = service.workspace("bob").await;
    let (model, extractor) = (workspace.model_id, workspace.extractor_id);
    let nothing = "00000000-0000-7000-8000-000000000000";
    for (body, status, message) in [
        (json!({"textExtractorId": nothing, "llmModelId": model}), 404, format!("Extractor {nothing} not found")),
        (json!({"textExtractorId": "x", "llmModelId": model}), 404, "Extractor x not found".to_owned()),
        (json!({"textExtractorId": extractor, "llmModelId": nothing}), 404, format!("Model {nothing} not found")),
    ] {
        let mut body = body;
        body["name"] = json!("P");
        let (got, answer) = person.post("/projects", body).await;
        assert_eq!((got.as_u16(), answer["error"]["message"].as_str().unwrap()), (status, message.as_str()));
    }
    let path = format!("/projects/{}", workspace.project_id);
    let cases = [
        (json!({"name": "x"}), "LLM model is required".to_owned()),
        (json!({"llmModelId": model, "textExtractorId": null}), "Text extractor is required".to_owned()),
        (
            json!({"llmModelId": model, "defaultSchemaId": other.schema_id}),
            format!("Schema {} does not belong to this project", other.schema_id),
        ),
    ];
    for (body, message) in cases {
        let (got, answer) = person.send(Method::PATCH, &path, body).await;
        assert_eq!((got.as_u16(), answer["error"]["message"].as_str().unwrap()), (400, message.as_str()));
    }
    let (_, body) = person.post("/projects", json!({"name": 1})).await;
    let expected = json!([
        {"path": "name", "rule": "isString"}, {"path": "name", "rule": "minLength"},
        {"path": "textExtractorId", "rule": "isString"}, {"path": "llmModelId", "rule": "isString"},
    ]);
    assert_eq!(body["error"]["details"], expected);
}

fn wizard(workspace: &sluice_test_support::builders::Workspace) -> Value {
    json!({
        "project": {"name": "Wizard", "textExtractorId": workspace.extractor_id, "llmModelId": workspace.model_id},
        "jsonSchema": invoice_schema(),
        "rules": [
            {"fieldPath": "number", "ruleType": "verification", "ruleOperator": "pattern",
             "ruleConfig": {"regex": "^A"}, "priority": 3},
            {"fieldPath": "", "ruleType": "restriction", "ruleOperator": "ocr_correction",
             "ruleConfig": {"mappings": [{"from": "O", "to": "0"}]}, "enabled": false},
        ],
        "validationScripts": [{"name": "Sum", "script": "function validate(data) { return []; }"}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wizard_makes_project_schema_rules_and_scripts_together() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (status, body) = person.post("/projects/wizard", wizard(&workspace)).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(body["project"]["defaultSchemaId"], body["schema"]["id"]);
    assert_eq!(body["schema"]["projectId"], body["project"]["id"]);
    assert_eq!(body["schema"]["requiredFields"], json!(["number", "total"]));
    let schema = body["schema"]["id"].as_i64().unwrap();
    let project = body["project"]["id"].as_i64().unwrap();
    // Each statement fails when the rows are not there.
    service
        .sql(&format!(
            "select 1 / (count(*) = 2 and sum(priority) = 3 and bool_or(field_path = '*' and not enabled))::int
             from schema_rules where schema_id = {schema}"
        ))
        .await;
    service
        .sql(&format!(
            "select 1 / (count(*) = 1 and bool_and(severity = 'warning' and enabled))::int
             from validation_scripts where project_id = {project}"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wizard_makes_nothing_of_wrong_input() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let change = |pointer: &str, value: Value| {
        let mut body = wizard(&workspace);
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (body, message) in [
        (change("/jsonSchema", json!({"type": "nonsense"})), "Invalid JSON schema: "),
        (change("/rules/0/fieldPath", json!(" ")), "fieldPath is required"),
        (
            change("/validationScripts/0/script", json!("let x")),
            "Script Sum can't be used: the script must declare function validate(",
        ),
    ] {
        let (status, answer) = person.post("/projects/wizard", body).await;
        let said = answer["error"]["message"].as_str().unwrap();
        assert!(status == 400 && said.starts_with(message), "{said}");
    }
    let (_, answer) = person.post("/projects/wizard", change("/rules/0/priority", json!(11))).await;
    assert_eq!(answer["error"]["details"], json!([{"path": "rules.0.priority", "rule": "max"}]));
    let (_, answer) = person.post("/projects/wizard", json!({"jsonSchema": {}})).await;
    assert_eq!(answer["error"]["details"][0], json!({"path": "project", "rule": "isObject"}));
    let (_, list) = person.get("/projects").await;
    assert_eq!(list.as_array().unwrap().len(), 1, "the workspace's own");
}
