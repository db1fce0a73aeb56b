//! Who did what: written with the change, read by admins and owners, changed by nobody.

use diesel_async::RunQueryDsl;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Person, Service, code, refusal};

async fn entries(person: &Person, query: &str) -> Vec<Value> {
    let (status, page) = person.get(&format!("/audit-log{query}")).await;
    assert_eq!(status, 200, "{page}");
    page["data"].as_array().unwrap().clone()
}

async fn actions(person: &Person, query: &str) -> Vec<String> {
    let entries = entries(person, query).await;
    entries.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matters_is_written_down_without_secrets() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let admin = service.admin().await;
    let log_in = |name: &'static str| {
        let request = reqwest::Client::new().post(format!("{}/auth/login", service.url));
        request.json(&json!({"username": name, "password": "Guessed-Wrong1!"})).send()
    };
    for _ in 0..5 {
        log_in("ada").await.unwrap();
    }
    log_in("nobody").await.unwrap();
    let parameters =
        json!({"baseUrl": "https://user:pass@models.example/v1", "apiKey": "sk-very-secret", "modelName": "m"});
    let model = json!({"name": "M", "adapterType": "openai", "parameters": parameters});
    let (status, model) = admin.post("/models", model).await;
    assert_eq!(status, 201, "{model}");
    let path = format!("/models/{}", model["id"].as_str().unwrap());
    assert_eq!(admin.send(Method::PATCH, &path, json!({"parameters": parameters})).await.0, 200);
    assert_eq!(admin.send(Method::DELETE, &path, json!({})).await.0, 200);
    let script = json!({"name": "S", "projectId": workspace.project_id.to_string(), "script": "function exportRows(d) { return [d]; }"});
    assert_eq!(ada.post("/export-scripts", script).await.0, 201);
    assert_eq!(ada.get(&format!("/manifests/export/csv?projectId={}", workspace.project_id)).await.0, 200);

    let all = entries(&admin, "?limit=200").await;
    let text = json!(all).to_string();
    for secret in ["sk-very-secret", "pass@", "Guessed-Wrong1!", "Correct-Horse1!"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let of = |action: &str| all.iter().filter(|entry| entry["action"] == action).cloned().collect::<Vec<_>>();
    assert_eq!(of("sign_in_failed").len(), 6);
    let locked = &of("locked")[0];
    assert_eq!((&locked["username"], &locked["userId"]), (&json!("ada"), &json!(workspace.user_id)));
    assert_eq!(locked["details"]["network"], "127.0.0.1/32");
    let stranger = of("sign_in_failed").into_iter().find(|entry| entry["username"] == "nobody").unwrap();
    assert_eq!((&stranger["userId"], &stranger["ip"]), (&Value::Null, &json!("127.0.0.1")));
    let changed = &of("model_updated")[0];
    assert_eq!(changed["details"]["server"], "https://models.example");
    assert_eq!((&changed["subjectKind"], &changed["subjectId"]), (&json!("model"), &model["id"]));
    assert!(changed["requestId"].is_string());
    for action in ["sign_in", "model_created", "model_deleted", "export_script_created", "export"] {
        assert!(!of(action).is_empty(), "{action}");
    }
    let in_project = actions(&ada, &format!("?projectId={}", workspace.project_id)).await;
    assert_eq!(in_project, ["export", "export_script_created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_see_all_owners_their_projects_and_others_what_they_did() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, bob) = service.workspace("bob").await;
    let admin = service.admin().await;
    let path = format!("/projects/{}/api-keys", workspace.project_id);
    for number in 0..5 {
        let body = json!({"name": format!("Key {number}"), "scopes": ["read"]});
        assert_eq!(ada.post(&path, body).await.0, 201);
    }
    let query = format!("?projectId={}", workspace.project_id);
    assert_eq!(actions(&ada, &query).await, ["key_created"; 5]);
    assert_eq!(actions(&admin, &query).await.len(), 5);
    assert_eq!(code(bob.get(&format!("/audit-log{query}")).await), refusal(403, "PROJECT_FORBIDDEN"));
    assert_eq!(code(bob.get("/audit-log?projectId=999999").await), refusal(404, "PROJECT_NOT_FOUND"));
    assert_eq!(actions(&bob, "").await, ["sign_in"]);
    assert_eq!(actions(&admin, "?user=bob").await, ["sign_in"]);
    assert_eq!(actions(&admin, "?action=key_created&user=bob").await, [""; 0]);
    assert_eq!(actions(&admin, "?until=2020-01-01").await, [""; 0]);
    assert_eq!(actions(&admin, "?since=2020-01-01&action=sign_in").await.len(), 3);
    for bad in ["?action=nonsense", "?since=yesterday", "?before=x", "?limit=0"] {
        assert_eq!(admin.get(&format!("/audit-log{bad}")).await.0, 400, "{bad}");
    }
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let (_, page) = admin.get(&format!("/audit-log?limit=3{next}")).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|entry| entry["id"].as_i64().unwrap()));
        match page["meta"]["nextBefore"].as_i64() {
            Some(before) => next = format!("&before={before}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 8);
    assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_retention_takes_an_entry_away() {
    let service = Service::start().await;
    service.workspace("ada").await;
    let mut connection = service.pool.get().await.unwrap();
    for statement in ["update audit_log set username = 'bob'", "delete from audit_log", "truncate audit_log"] {
        let refused = diesel::sql_query(statement).execute(&mut connection).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{refused}");
    }
    drop(connection);
    service
        .sql("insert into audit_log (at, username, action) values (now() - interval '2 years', 'old', 'sign_in')")
        .await;
    let before = chrono::DateTime::from_timestamp(1_760_000_000, 0).unwrap();
    let forget = service
        .pool
        .transaction(move |connection| Box::pin(sluice_db::models::audit_log::forget_old(connection, before, 100)));
    assert_eq!(forget.await.unwrap(), 1);
    assert_eq!(service.count("select count(*) from audit_log where username = 'ada'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_can_not_be_told_does_not_happen() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    service.sql("alter table audit_log add constraint full_disk check (action <> 'key_created')").await;
    let path = format!("/projects/{}/api-keys", workspace.project_id);
    let (status, _) = ada.post(&path, json!({"name": "x", "scopes": ["read"]})).await;
    assert!(!status.is_success(), "{status}");
    assert_eq!(service.count("select count(*) from api_keys").await, 0);
}
