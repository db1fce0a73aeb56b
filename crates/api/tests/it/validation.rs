//! Validation scripts and checks with them over HTTP.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_test_support::builders::{Workspace, good_answer};

use crate::fixture::{Person, Service, code, refusal};

/// Finds totals above a bound.
const BOUND: &str = "function validate(data) {
  console.log('total', data.total);
  return data.total > 100
    ? [{field: 'total', message: 'too much', severity: 'error', actual: data.total, expected: 100}]
    : [];
}";
/// Warns whatever it is given.
const WARN: &str = "function validate() { return [{field: 'number', message: 'look', severity: 'warning'}] }";
const FAIL: &str = "function validate(data) {\n  return data.none.at.all;\n}";

fn new_script(workspace: &Workspace, name: &str, script: &str) -> Value {
    json!({"name": name, "projectId": workspace.project_id.to_string(), "script": script})
}

async fn make(person: &Person, workspace: &Workspace, name: &str, script: &str) -> i64 {
    let (status, made) = person.post("/validation/scripts", new_script(workspace, name, script)).await;
    assert_eq!(status, 201, "{made}");
    made["id"].as_i64().unwrap()
}

/// A manifest with data, whose total is 105.
async fn extracted(service: &Service, workspace: &Workspace, number: u32) -> i32 {
    let id = service.manifest(workspace, number).await;
    let data = good_answer().to_string().replace('\'', "''");
    service.sql(&format!("update manifests set extracted_data = '{data}' where id = {id}")).await;
    id
}

async fn stored(person: &Person, manifest: i32) -> Value {
    person.get(&format!("/manifests/{manifest}")).await.1["validationResults"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_made_shown_changed_and_deleted() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let sent = json!({"name": "Bound", "description": "Not above", "projectId": workspace.project_id, "script": BOUND,
                      "severity": "error"});
    let (status, made) = person.post("/validation/scripts", sent).await;
    assert_eq!(status, 201, "{made}");
    insta::assert_json_snapshot!(made, {
        ".id" => 0, ".projectId" => 0, ".createdAt" => "time", ".updatedAt" => "time", ".script" => "script",
    }, @r#"
    {
      "id": 0,
      "name": "Bound",
      "description": "Not above",
      "projectId": 0,
      "script": "script",
      "severity": "error",
      "enabled": true,
      "createdAt": "time",
      "updatedAt": "time"
    }
    "#);
    let path = format!("/validation/scripts/{}", made["id"]);
    assert_eq!(person.get(&path).await.1, made);
    let second = make(&person, &workspace, "Warn", WARN).await;
    let of_project = format!("/validation/scripts/project/{}", workspace.project_id);
    for list in ["/validation/scripts", &of_project] {
        let (_, list) = person.get(list).await;
        let ids: Vec<&Value> = list.as_array().unwrap().iter().map(|script| &script["id"]).collect();
        assert_eq!(ids, [&json!(second), &made["id"]], "the newest first");
    }
    let changes = json!({"name": "Limit", "description": null, "enabled": false, "projectId": workspace.project_id});
    let (status, changed) = person.post(&path, changes).await;
    assert_eq!(status, 201, "{changed}");
    let told = (&changed["name"], &changed["description"], &changed["enabled"], &changed["script"]);
    assert_eq!(told, (&json!("Limit"), &Value::Null, &json!(false), &json!(BOUND)));
    assert_ne!(changed["updatedAt"], made["updatedAt"]);
    let (status, deleted) = person.send(Method::DELETE, &path, json!({})).await;
    assert_eq!((status.as_u16(), deleted), (200, changed));
    assert_eq!(code(person.get(&path).await), refusal(404, "ValidationScriptNotFoundException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_for_owners_and_admins() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (elsewhere, other) = service.workspace("bob").await;
    let admin = service.admin().await;
    let id = make(&person, &workspace, "Bound", BOUND).await;
    let manifest = extracted(&service, &workspace, 1).await;
    let path = format!("/validation/scripts/{id}");
    let of_project = format!("/validation/scripts/project/{}", workspace.project_id);
    let run = json!({"manifestId": manifest});
    for (method, path, sent) in [
        (Method::GET, path.as_str(), json!({})),
        (Method::POST, path.as_str(), json!({"name": "x"})),
        (Method::DELETE, path.as_str(), json!({})),
        (Method::GET, of_project.as_str(), json!({})),
        (Method::POST, "/validation/scripts", new_script(&workspace, "x", WARN)),
        (Method::POST, "/validation/run", run.clone()),
    ] {
        assert_eq!(code(other.send(method, path, sent).await), refusal(403, "PROJECT_FORBIDDEN"), "{path}");
    }
    assert_eq!(other.get("/validation/scripts").await.1, json!([]));
    assert_eq!(admin.get(&path).await.0, 200);
    assert_eq!(admin.get("/validation/scripts").await.1.as_array().unwrap().len(), 1);
    assert_eq!(admin.post("/validation/run", run).await.1["errorCount"], 1);
    // Not even an owner of both projects moves a script, and a missing project looks like another's.
    let moved = admin.post(&path, json!({"projectId": elsewhere.project_id})).await;
    assert_eq!(code(moved), refusal(400, "BadRequestException"));
    let nowhere = json!({"name": "x", "projectId": 999_999, "script": WARN});
    assert_eq!(code(person.post("/validation/scripts", nowhere).await), refusal(403, "PROJECT_FORBIDDEN"));
    assert_eq!(code(person.get("/validation/scripts/x").await), refusal(400, "BadRequestException"));
    let missing = person.post("/validation/run", json!({"manifestId": 999_999})).await;
    assert_eq!(code(missing), refusal(404, "MANIFEST_NOT_FOUND"));
    let wrong = json!({"name": "", "projectId": "x", "script": "a".repeat(200_001), "severity": "fatal", "more": 1});
    let (status, refused) = person.post("/validation/scripts", wrong).await;
    assert_eq!(status, 400);
    let expected = json!([
        {"path": "projectId", "rule": "isInt"}, {"path": "name", "rule": "minLength"},
        {"path": "script", "rule": "maxLength"}, {"path": "severity", "rule": "isIn"},
        {"path": "more", "rule": "whitelistValidation"},
    ]);
    assert_eq!(refused["error"]["details"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_does_not_compile_is_refused() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let id = make(&person, &workspace, "Bound", BOUND).await;
    for (script, said) in [
        ("function validate(data) {\n  return [;\n}", "(line 2)"),
        ("const validate = () => []", "the script must declare function validate("),
        ("", "the script must declare function validate("),
    ] {
        for (path, body) in [
            ("/validation/scripts".to_owned(), new_script(&workspace, "Bad", script)),
            (format!("/validation/scripts/{id}"), json!({"script": script})),
            ("/validation/scripts/test".to_owned(), json!({"script": script, "extractedData": {}})),
        ] {
            let (status, refused) = person.post(&path, body).await;
            let message = refused["error"]["message"].as_str().unwrap();
            assert!(status == 400 && message.contains(said), "{path}: {refused}");
        }
        let (status, told) = person.post("/validation/scripts/validate-syntax", json!({"script": script})).await;
        assert_eq!((status.as_u16(), &told["valid"]), (201, &json!(false)));
        assert!(told["error"].as_str().unwrap().contains(said), "{told}");
    }
    let (_, told) =
        person.post("/validation/scripts/validate-syntax", json!({"script": "for (;;); function validate() {}"})).await;
    assert_eq!(told, json!({"valid": true}), "it is compiled and not run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_tells_what_the_script_found_said_and_broke() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let path = "/validation/scripts/test";
    let (status, told) = person.post(path, json!({"script": BOUND, "extractedData": {"total": 101}})).await;
    assert_eq!(status, 201, "{told}");
    insta::assert_json_snapshot!(told, {".result.validatedAt" => "time"}, @r#"
    {
      "result": {
        "issues": [
          {
            "field": "total",
            "message": "too much",
            "severity": "error",
            "actual": 101,
            "expected": 100
          }
        ],
        "errorCount": 1,
        "warningCount": 0,
        "validatedAt": "time",
        "schemaId": null,
        "schemaVersion": null,
        "validationScriptsVersion": null,
        "validationScriptIds": []
      },
      "debug": {
        "logs": [
          {
            "level": "log",
            "message": "total 101"
          }
        ]
      }
    }
    "#);
    let (_, told) = person.post(path, json!({"script": FAIL, "extractedData": {}, "debug": false})).await;
    assert_eq!((&told["debug"], &told["result"]["errorCount"]), (&Value::Null, &json!(1)));
    assert_eq!(told["result"]["issues"][0]["field"], "__script__");
    assert!(told["runtimeError"]["message"].as_str().unwrap().ends_with("(line 2)"), "{told}");
    assert!(told["runtimeError"]["stack"].as_str().unwrap().contains("script:2:"), "{told}");
    // What gave callers the host process of the original.
    let escape = "function validate() { return console.log.constructor('return process')().env }";
    let (status, told) = person.post(path, json!({"script": escape, "extractedData": {}})).await;
    assert_eq!(status, 201);
    assert!(told["runtimeError"]["message"].as_str().unwrap().starts_with("process is not defined"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_stored_and_forgotten_when_a_script_changes() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let manifest = extracted(&service, &workspace, 1).await;
    let empty = service.manifest(&workspace, 2).await;
    let run = json!({"manifestId": manifest});
    let (status, result) = person.post("/validation/run", run.clone()).await;
    assert_eq!(status, 201, "{result}");
    assert_eq!((&result["issues"], &result["validationScriptsVersion"]), (&json!([]), &Value::Null), "no scripts");
    let bound = make(&person, &workspace, "Bound", BOUND).await;
    assert_eq!(stored(&person, manifest).await, Value::Null, "a new script makes results outdated");
    let fail = make(&person, &workspace, "Fail", FAIL).await;
    let warn = make(&person, &workspace, "Warn", WARN).await;
    let off = make(&person, &workspace, "Off", "function validate() { throw 1 }").await;
    person.post(&format!("/validation/scripts/{off}"), json!({"enabled": false})).await;

    let (_, result) = person.post("/validation/run", run.clone()).await;
    insta::assert_json_snapshot!(result, {
        ".validatedAt" => "time", ".schemaId" => 0, ".validationScriptsVersion" => "sha256",
        ".validationScriptIds" => "ids", ".issues[1].message" => "failed",
    }, @r#"
    {
      "issues": [
        {
          "field": "total",
          "message": "too much",
          "severity": "error",
          "actual": 105,
          "expected": 100
        },
        {
          "field": "__script__",
          "message": "failed",
          "severity": "error"
        },
        {
          "field": "number",
          "message": "look",
          "severity": "warning"
        }
      ],
      "errorCount": 2,
      "warningCount": 1,
      "validatedAt": "time",
      "schemaId": 0,
      "schemaVersion": "v1",
      "validationScriptsVersion": "sha256",
      "validationScriptIds": "ids"
    }
    "#);
    let message = result["issues"][1]["message"].as_str().unwrap();
    assert!(
        message.starts_with(&format!("Validation script \"Fail\" (id {fail}) failed: "))
            && message.ends_with("(line 2)")
    );
    assert_eq!(result["validationScriptIds"], json!([bound, fail, warn]));
    assert_eq!(result["schemaId"], workspace.schema_id);
    assert_eq!(stored(&person, manifest).await, result);

    let chosen = json!({"manifestId": manifest, "scriptIds": [warn, off, 999_999]});
    let (_, result) = person.post("/validation/run", chosen).await;
    assert_eq!(result["validationScriptIds"], json!([warn]), "those that are off or not there are left out");
    assert_eq!(stored(&person, manifest).await, result, "the last run counts");
    let version = result["validationScriptsVersion"].clone();
    person.post(&format!("/validation/scripts/{warn}"), json!({"severity": "error"})).await;
    assert_eq!(stored(&person, manifest).await, Value::Null);
    let (_, result) = person.post("/validation/run", json!({"manifestId": manifest, "scriptIds": [warn]})).await;
    assert_ne!(result["validationScriptsVersion"], version);
    person.send(Method::DELETE, &format!("/validation/scripts/{bound}"), json!({})).await;
    assert_eq!(stored(&person, manifest).await, Value::Null);

    let (status, refused) = person.post("/validation/run", json!({"manifestId": empty})).await;
    assert_eq!((status.as_u16(), &refused["error"]["message"]), (400, &json!("No extracted data to validate")));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_owners_script_is_left_out_and_a_second_project_keeps_its_results() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (elsewhere, other) = service.workspace("bob").await;
    let (mine, theirs) = (extracted(&service, &workspace, 1).await, extracted(&service, &elsewhere, 2).await);
    let script = make(&other, &elsewhere, "Warn", WARN).await;
    let (_, result) = person.post("/validation/run", json!({"manifestId": mine, "scriptIds": [script]})).await;
    assert_eq!(result["validationScriptIds"], json!([]));
    other.post("/validation/run", json!({"manifestId": theirs})).await;
    make(&person, &workspace, "Bound", BOUND).await;
    assert_eq!(stored(&other, theirs).await["warningCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_answers_for_each_manifest() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (elsewhere, other) = service.workspace("bob").await;
    make(&person, &workspace, "Bound", BOUND).await;
    make(&person, &workspace, "Fail", FAIL).await;
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(extracted(&service, &workspace, number).await);
    }
    let empty = service.manifest(&workspace, 100).await;
    let foreign = extracted(&service, &elsewhere, 101).await;
    let mut asked = ids.clone();
    asked.extend([empty, foreign, 999_999, ids[0]]);
    let (status, body) = person.post("/validation/batch", json!({"manifestIds": asked})).await;
    assert_eq!(status, 201, "{body}");
    let outcomes = body["outcomesByManifestId"].as_object().unwrap();
    assert_eq!(outcomes.len(), 15);
    for id in &ids {
        let outcome = &outcomes[&id.to_string()];
        assert_eq!((&outcome["ok"], &outcome["result"]["errorCount"]), (&json!(true), &json!(2)), "{outcome}");
        assert_eq!(stored(&person, *id).await, outcome["result"]);
    }
    let failed = |message: &str| json!({"ok": false, "error": {"message": message}});
    assert_eq!(outcomes[&empty.to_string()], failed("No extracted data to validate"));
    assert_eq!(outcomes[&foreign.to_string()], failed("Access denied"));
    assert_eq!(outcomes["999999"], failed("Manifest 999999 not found"));
    assert_eq!(stored(&other, foreign).await, Value::Null);

    // An admin's batch goes over projects, each with its own scripts.
    make(&other, &elsewhere, "Warn", WARN).await;
    let admin = service.admin().await;
    let (_, body) = admin.post("/validation/batch", json!({"manifestIds": [ids[0], foreign]})).await;
    let count = |id: i32, name: &str| body["outcomesByManifestId"][id.to_string()]["result"][name].clone();
    assert_eq!((count(ids[0], "errorCount"), count(foreign, "errorCount")), (json!(2), json!(0)));
    assert_eq!(count(foreign, "warningCount"), 1);
    let (_, nothing) = person.post("/validation/batch", json!({"manifestIds": []})).await;
    assert_eq!(nothing, json!({"outcomesByManifestId": {}}));
    let (_, refused) = person.post("/validation/batch", json!({"manifestIds": "x"})).await;
    assert_eq!(refused["error"]["details"], json!([{"path": "manifestIds", "rule": "isArray"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_is_not_there_tells_nothing_of_itself() {
    let service = Service::start_with(&[("SLUICE_SANDBOX_BINARY", "/none")]).await;
    let (workspace, person) = service.workspace("ada").await;
    let answer = person.post("/validation/scripts", new_script(&workspace, "Warn", WARN)).await;
    assert_eq!(answer.1["error"]["message"], "Internal server error");
    assert_eq!(code(answer), refusal(500, "INTERNAL_SERVER_ERROR"));
    let batch =
        person.post("/validation/batch", json!({"manifestIds": [extracted(&service, &workspace, 1).await]})).await;
    assert_eq!(batch.0, 201, "there is nothing to run");
}
