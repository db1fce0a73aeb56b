//! Export scripts over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Service, code, refusal};

const ROWS: &str = "function exportRows(data, ctx) {
  console.info(ctx.project.name, ctx.manifest.id, ctx.format);
  return data.items.map((item) => ({number: ctx.utils.get(data, 'number'), ...item}));
}";

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_made_shown_changed_and_deleted() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let project = workspace.project_id;
    let sent = json!({"name": "Rows", "projectId": project.to_string(), "script": ROWS});
    let (status, made) = person.post("/export-scripts", sent).await;
    assert_eq!(status, 201, "{made}");
    insta::assert_json_snapshot!(made, {
        ".id" => 0, ".projectId" => 0, ".createdAt" => "time", ".updatedAt" => "time", ".script" => "script",
    }, @r#"
    {
      "id": 0,
      "name": "Rows",
      "description": null,
      "projectId": 0,
      "script": "script",
      "enabled": true,
      "priority": 0,
      "createdAt": "time",
      "updatedAt": "time"
    }
    "#);
    let path = format!("/export-scripts/{}", made["id"]);
    assert_eq!(person.get(&path).await.1, made);
    let first = json!({"name": "First", "projectId": project, "script": ROWS, "priority": 10, "enabled": false,
                       "description": "Before the others"});
    let (_, first) = person.post("/export-scripts", first).await;
    let (_, last) = person.post("/export-scripts", json!({"name": "Last", "projectId": project, "script": ROWS})).await;
    let ids = |list: &Value| list.as_array().unwrap().iter().map(|script| script["id"].clone()).collect::<Vec<_>>();
    let newest_first = [&last, &first, &made].map(|script| script["id"].clone());
    assert_eq!(ids(&person.get("/export-scripts").await.1), newest_first);
    let in_order = [&first, &made, &last].map(|script| script["id"].clone());
    assert_eq!(ids(&person.get(&format!("/export-scripts/project/{project}")).await.1), in_order);
    let (status, changed) = person.post(&path, json!({"priority": -5, "description": "Late"})).await;
    assert_eq!((status.as_u16(), &changed["priority"], &changed["name"]), (201, &json!(-5), &json!("Rows")));
    let (status, deleted) = person.send(Method::DELETE, &path, json!({})).await;
    assert_eq!((status.as_u16(), deleted), (200, changed));
    assert_eq!(code(person.get(&path).await), refusal(404, "ExportScriptNotFoundException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_for_owners_and_admins() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (elsewhere, other) = service.workspace("bob").await;
    let admin = service.admin().await;
    let new = json!({"name": "Rows", "projectId": workspace.project_id, "script": ROWS});
    let (_, made) = person.post("/export-scripts", new.clone()).await;
    let path = format!("/export-scripts/{}", made["id"]);
    let of_project = format!("/export-scripts/project/{}", workspace.project_id);
    for (method, path, sent) in [
        (Method::GET, path.as_str(), json!({})),
        (Method::POST, path.as_str(), json!({"name": "x"})),
        (Method::DELETE, path.as_str(), json!({})),
        (Method::GET, of_project.as_str(), json!({})),
        (Method::POST, "/export-scripts", new),
    ] {
        assert_eq!(code(other.send(method, path, sent).await), refusal(403, "PROJECT_FORBIDDEN"), "{path}");
    }
    assert_eq!(other.get("/export-scripts").await.1, json!([]));
    assert_eq!(admin.get("/export-scripts").await.1.as_array().unwrap().len(), 1);
    assert_eq!(admin.post(&path, json!({"name": "By admin"})).await.1["name"], "By admin");
    let moved = admin.post(&path, json!({"projectId": elsewhere.project_id})).await;
    assert_eq!(code(moved), refusal(400, "BadRequestException"));
    let wrong =
        json!({"projectId": 1, "script": 3, "priority": 1001, "description": "d".repeat(501), "enabled": "yes"});
    let (_, refused) = person.post("/export-scripts", wrong).await;
    let expected = json!([
        {"path": "name", "rule": "isString"}, {"path": "name", "rule": "minLength"},
        {"path": "description", "rule": "maxLength"}, {"path": "script", "rule": "isString"},
        {"path": "script", "rule": "maxLength"}, {"path": "enabled", "rule": "isBoolean"},
        {"path": "priority", "rule": "max"},
    ]);
    assert_eq!(refused["error"]["details"], expected);
    assert_eq!(code(person.get("/export-scripts/1.5").await), refusal(400, "BadRequestException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_shows_rows_or_what_broke() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let path = "/export-scripts/test";
    let data = json!({"number": "4711", "items": [{"amount": 25}, {"amount": 80}]});
    let (status, told) = person.post(path, json!({"script": ROWS, "extractedData": data, "format": "xlsx"})).await;
    assert_eq!(status, 201, "{told}");
    let rows = json!([{"number": "4711", "amount": 25}, {"number": "4711", "amount": 80}]);
    let logs = json!([{"level": "info", "message": "Test Project 0 xlsx"}]);
    assert_eq!(told, json!({"rows": rows, "debug": {"logs": logs}}));
    let (_, told) = person.post(path, json!({"script": ROWS, "extractedData": data, "debug": false})).await;
    assert_eq!(told, json!({"rows": rows}));

    let (status, told) = person.post(path, json!({"script": ROWS, "extractedData": {}})).await;
    assert_eq!((status.as_u16(), &told["rows"]), (201, &json!([])));
    assert!(told["runtimeError"]["message"].as_str().unwrap().ends_with("(line 3)"), "{told}");
    let failed = person.post(path, json!({"script": ROWS, "extractedData": {}, "debug": false})).await;
    assert!(failed.1["error"]["message"].as_str().unwrap().starts_with("The script failed: "), "{failed:?}");
    assert_eq!(code(failed), refusal(400, "ScriptExecutionException"));
    let wrong = person.post(path, json!({"script": "function exportRows(", "extractedData": {}})).await;
    assert_eq!(code(wrong), refusal(400, "BadRequestException"));
    let (_, told) = person.post("/export-scripts/validate-syntax", json!({"script": ROWS})).await;
    assert_eq!(told, json!({"valid": true}));
    let (_, told) = person.post("/export-scripts/validate-syntax", json!({"script": "function validate() {}"})).await;
    assert_eq!(told, json!({"valid": false, "error": "the script must declare function exportRows("}));
}
