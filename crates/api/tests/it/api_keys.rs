//! Keys of programs: what they open, and what they do not.

use std::collections::BTreeMap;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use sluice_test_support::builders::good_answer;
use sluice_test_support::{Reply, ScriptedLlm};

use crate::access::{self, Row, WAITS_FOR_A_WORKER};
use crate::fixture::{Person, Service, code, refusal};

/// What is told of the project that the key is not for.
const FOREIGN: &str = "not-for-this-key";

async fn make_key(owner: &Person, project: &str, scopes: &[&str]) -> Value {
    let body = json!({"name": "Scanner", "scopes": scopes});
    let (status, key) = owner.post(&format!("/projects/{project}/api-keys"), body).await;
    assert_eq!(status, 201, "{key}");
    key
}

fn holder(service: &Service, key: &Value) -> Person {
    Person::with_token(service, key["key"].as_str().unwrap())
}

async fn ask(service: &Service, token: &str, row: &Row, things: &BTreeMap<&'static str, String>) -> (u16, String) {
    let fill = |text: &str| {
        things.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    };
    let request = Client::new().request(row.method.clone(), format!("{}{}", service.url, fill(row.path)));
    let mut request = request.bearer_auth(token);
    if !row.body.is_empty() {
        request = request.header("content-type", "application/json").body(fill(row.body));
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned())
}

/// Marks all that belongs to a project by its name.
async fn mark(service: &Service, project: &str) {
    let groups = format!("select id from groups where project_id = {project}");
    for statement in [
        format!("update projects set name = '{FOREIGN}' where id = {project}"),
        format!("update groups set name = '{FOREIGN}' where project_id = {project}"),
        format!("update schemas set name = '{FOREIGN}' where project_id = {project}"),
        format!("update validation_scripts set name = '{FOREIGN}' where project_id = {project}"),
        format!("update export_scripts set name = '{FOREIGN}' where project_id = {project}"),
        format!(
            "update manifests set original_filename = '{FOREIGN}', filename = '{FOREIGN}' where group_id in ({groups})"
        ),
    ] {
        service.sql(&statement).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_its_own_project_and_nothing_else() {
    let llm = ScriptedLlm::start(Reply::content(good_answer())).await.unwrap();
    let service = Service::start().await;
    let (own, owner) = service.workspace("ada").await;
    let (mut wrong, mut open) = (Vec::new(), Vec::new());
    for (number, row) in access::rows().into_iter().enumerate() {
        let things = access::things(&service, own.user_id, &llm.base_url(), 2 * number).await;
        let foreign = access::things(&service, own.user_id, &llm.base_url(), 2 * number + 1).await;
        mark(&service, &foreign["project"]).await;
        let key = make_key(&owner, &things["project"], &["read", "write", "extract"]).await;
        let token = key["key"].as_str().unwrap();
        let name = format!("{} {}", row.method, row.path);

        let (status, body) = ask(&service, token, &row, &foreign).await;
        let names_a_thing =
            ["{project}", "{group}", "{manifest}", "{schema}", "{job}", "{queue_job}", "{stored}", "{key}"]
                .iter()
                .any(|thing| row.path.contains(thing));
        if body.contains(FOREIGN) || names_a_thing && !matches!(status, 403 | 404) {
            wrong.push(format!("foreign: {name}: {status} {body}"));
        }
        if row.path.ends_with(WAITS_FOR_A_WORKER) {
            continue;
        }
        let (status, body) = ask(&service, token, &row, &things).await;
        if body.contains(FOREIGN) {
            wrong.push(format!("list: {name}: {status} {body}"));
        }
        if !matches!(status, 401 | 403) && row.may != "public" {
            open.push((row.may, name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let is_open = |wanted: &str| open.iter().any(|(_, name)| name == wanted);
    for (may, name) in &open {
        assert_ne!(*may, "admin", "{name}");
    }
    for closed in [
        "GET /auth/profile",
        "GET /audit-log",
        "DELETE /projects/{project}",
        "DELETE /api-keys/{key}",
        "POST /projects/{project}/api-keys",
        "POST /projects",
        "GET /jobs/stats",
        "POST /schemas/generate",
        "POST /auth/sign-out-everywhere",
    ] {
        assert!(!is_open(closed), "{closed}");
    }
    for wanted in [
        "GET /projects",
        "GET /manifests/{manifest}",
        "POST /manifests/{manifest}/extract",
        "PATCH /manifests/{manifest} {}",
        "GET /manifests/export/csv",
        "GET /jobs/history",
    ] {
        assert!(is_open(wanted.trim_end_matches(" {}")), "{wanted}");
    }
    assert!(open.len() > 60, "{}", open.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_told_once_and_used_until_it_is_revoked() {
    let service = Service::start().await;
    let (workspace, owner) = service.workspace("ada").await;
    let (_, other) = service.workspace("bob").await;
    let project = workspace.project_id.to_string();
    let path = format!("/projects/{project}/api-keys");
    for body in [json!({}), json!({"name": "x", "scopes": []}), json!({"name": "x", "scopes": ["admin"]})] {
        assert_eq!(code(owner.post(&path, body).await), refusal(400, "VALIDATION_FAILED"));
    }
    let past = json!({"name": "x", "scopes": ["read"], "expiresAt": "2020-01-01T00:00:00Z"});
    assert_eq!(owner.post(&path, past).await.0, 400);
    let read_only = json!({"name": "x", "scopes": ["read"]});
    assert_eq!(code(other.post(&path, read_only).await), refusal(403, "PROJECT_FORBIDDEN"));

    let made = make_key(&owner, &project, &["read"]).await;
    let token = made["key"].as_str().unwrap().to_owned();
    assert!(token.starts_with(&format!("slk_{}_", made["prefix"].as_str().unwrap())), "{made}");
    let program = holder(&service, &made);
    assert_eq!(program.get(&format!("/projects/{project}")).await.0, 200);
    let (_, listed) = owner.get(&path).await;
    assert!(!listed.to_string().contains(&token) && !listed.to_string().contains("\"key\""), "{listed}");
    assert!(listed[0]["lastUsedAt"].is_string(), "{listed}");
    assert_eq!(listed[0]["lastUsedIp"], "127.0.0.1");
    let stored = service.text("select encode(secret_hash, 'escape') || name || prefix as text from api_keys").await;
    assert!(!stored.contains(&token), "only a hash is stored");

    let manifest = service.manifest(&workspace, 1).await;
    let edit = program.send(Method::PATCH, &format!("/manifests/{manifest}"), json!({})).await;
    assert_eq!(code(edit), refusal(403, "ForbiddenException"), "it may only read");
    let mut forged = token.clone();
    let last = forged.pop();
    forged.push(if last == Some('0') { '1' } else { '0' });
    let forger = Person::with_token(&service, &forged);
    assert_eq!(code(forger.get("/projects").await), refusal(401, "AUTH_INVALID_TOKEN"));

    let one = format!("/api-keys/{}", made["id"].as_str().unwrap());
    assert_eq!(code(other.send(Method::DELETE, &one, json!({})).await), refusal(403, "PROJECT_FORBIDDEN"));
    let (status, revoked) = owner.send(Method::DELETE, &one, json!({})).await;
    assert!(status == 200 && revoked["revokedAt"].is_string(), "{revoked}");
    assert_eq!(owner.send(Method::DELETE, &one, json!({})).await.1, revoked, "again changes nothing");
    assert_eq!(code(program.get("/projects").await), refusal(401, "AUTH_INVALID_TOKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_with_its_time_its_project_or_its_user() {
    let service = Service::start().await;
    let (workspace, owner) = service.workspace("ada").await;
    let project = workspace.project_id.to_string();
    let made = make_key(&owner, &project, &["read"]).await;
    let program = holder(&service, &made);
    assert_eq!(program.get("/projects").await.0, 200);
    let change = json!({"currentPassword": "Correct-Horse1!", "newPassword": "Battery-Staple2!"});
    assert_eq!(owner.post("/auth/change-password", change).await.0, 204);
    assert_eq!(program.get("/projects").await.0, 200, "a password is of people");
    service.sql("update api_keys set expires_at = now() - interval '1 second'").await;
    assert_eq!(code(program.get("/projects").await), refusal(401, "AUTH_INVALID_TOKEN"));
    service.sql("update api_keys set expires_at = null").await;
    assert_eq!(program.get("/projects").await.0, 200);
    service.sql("delete from users").await;
    assert_eq!(code(program.get("/projects").await), refusal(401, "AUTH_INVALID_TOKEN"));
    assert_eq!(service.count("select count(*) from api_keys").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_limited_wherever_its_requests_come_from() {
    let settings = [("SLUICE_RATE_LIMIT_ENABLED", "true"), ("SLUICE_TRUSTED_PROXIES", "127.0.0.0/8")];
    let service = Service::start_with(&settings).await;
    let (workspace, owner) = service.workspace("ada").await;
    let made = make_key(&owner, &workspace.project_id.to_string(), &["read"]).await;
    let program = holder(&service, &made);
    let get = |number: u32| {
        let request = program.request(Method::GET, "/projects");
        request.header("x-forwarded-for", format!("192.0.2.{}", number % 4)).send()
    };
    for number in 0..120 {
        assert_eq!(get(number).await.unwrap().status(), 200, "{number}");
    }
    let refused = get(120).await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(owner.get("/projects").await.0, 200);
}
