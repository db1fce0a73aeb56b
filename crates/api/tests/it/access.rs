//! Who may do what: every route, asked by nobody, the owner, another user and an admin.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use reqwest::{Client, Method};
use serde_json::Value;
use sluice_core::{JobId, QueueJobId};
use sluice_db::models::jobs::{self, NewJob};
use sluice_test_support::builders::{self, good_answer};
use sluice_test_support::{Reply, ScriptedLlm};
use uuid::Uuid;

use crate::fixture::{Person, Service, read};

/// Who may, the method, the path, and a body that reaches the check. `{…}` in path and body stand for rows that the
/// owner has. Who may:
/// - `public`: everybody, without a token
/// - `user`: everybody with a token
/// - `admin`: admins
/// - `owner`: who owns it, admins not
/// - `shared`: who owns it, and admins
const MATRIX: &str = r#"
public GET /health
public GET /health/live
public GET /health/ready
public GET /openapi.json
public GET /docs
public GET /docs/{file}
public POST /auth/login {"username": "ada", "password": "Correct-Horse1!"}
user GET /auth/profile
user POST /auth/change-password {"currentPassword": "Correct-Horse1!", "newPassword": "short"}
user POST /auth/sign-out-everywhere
admin POST /auth/users/{user}/unlock
user GET /audit-log
owner POST /projects/{project}/api-keys {"name": "Scanner", "scopes": ["read"]}
owner GET /projects/{project}/api-keys
owner DELETE /api-keys/{key}
shared GET /uploads/{stored}

user POST /projects/wizard {}
user POST /projects {}
user GET /projects
owner GET /projects/{project}
owner PATCH /projects/{project} {"llmModelId": "{model}"}
owner PUT /projects/{project}/extractor {"textExtractorId": "{extractor}"}
owner DELETE /projects/{project}
owner GET /projects/{project}/cost-summary
owner GET /projects/{project}/cost-by-date-range
owner GET /projects/{project}/analytics
owner GET /projects/{project}/analytics/recommendations
owner GET /projects/{project}/operation-logs
owner GET /projects/{project}/truths
owner POST /projects/{project}/groups {"name": "March", "projectId": {project}}
owner GET /projects/{project}/groups
owner GET /groups/{group}
owner PATCH /groups/{group} {}
owner DELETE /groups/{group}

owner POST /groups/{group}/uploads {"filename": "a.pdf", "size": 9, "sha256": "0000000000000000000000000000000000000000000000000000000000000000", "contentType": "application/pdf"}
owner POST /groups/{group}/uploads/{upload}/complete
owner POST /groups/{group}/manifests
owner POST /groups/{group}/manifests/upload
owner POST /groups/{group}/manifests/batch
owner GET /groups/{group}/manifests
owner GET /groups/{group}/manifests/ids
owner POST /groups/{group}/manifests/extract-filtered {"filters": {}}
owner POST /groups/{group}/manifests/delete-bulk {"manifestIds": [{manifest}]}
owner GET /manifests/{manifest}
owner PATCH /manifests/{manifest} {}
owner DELETE /manifests/{manifest}
owner GET /manifests/{manifest}/citations
owner GET /manifests/{manifest}/pages
owner GET /manifests/{manifest}/pages/{page}/words
owner GET /manifests/{manifest}/pages/{page}/image
owner GET /manifests/{manifest}/ocr
owner POST /manifests/{manifest}/ocr/refresh
owner POST /manifests/{manifest}/ocr/refresh-job
owner GET /manifests/{manifest}/items
owner POST /manifests/{manifest}/extract
owner POST /manifests/{manifest}/re-extract {"fieldName": "number"}
shared POST /manifests/extract-bulk {"manifestIds": [{manifest}]}
owner GET /manifests/{manifest}/extraction-history
owner GET /manifests/{manifest}/extraction-history/{job}
owner GET /manifests/{manifest}/ocr-history
owner PUT /manifests/{manifest}/truth {"data": {}}
owner GET /manifests/{manifest}/truth
owner DELETE /manifests/{manifest}/truth
owner GET /manifests/{manifest}/operation-logs
owner GET /manifests/{manifest}/pdf
owner GET /manifests/{manifest}/pdf-file
owner GET /manifests/{manifest}/file-url
user GET /manifests/export/csv
user GET /manifests/export/xlsx
user POST /manifests/export/csv {"manifestIds": [{manifest}]}
user POST /manifests/export/xlsx {"manifestIds": [{manifest}]}
user POST /manifests/export-bulk {"manifestIds": ["{manifest}"]}
owner POST /extraction/re-extract/{manifest}
user POST /extraction/optimize-prompt {"description": "Invoices of ropes"}

user GET /jobs/stats
user GET /jobs/history
admin GET /jobs
admin POST /jobs/extraction {"manifestId": {manifest}}
admin GET /jobs/queue/stats
admin POST /jobs/queue/pause
admin POST /jobs/queue/resume
admin GET /jobs/{queue_job}
admin DELETE /jobs/{queue_job}
owner GET /jobs/{queue_job}/timeline
owner POST /jobs/{queue_job}/cancel

user GET /models/adapters
user GET /models
admin POST /models {}
user GET /models/{model}
admin PATCH /models/{model} {}
admin PATCH /models/{model}/pricing {"pricing": {}}
admin DELETE /models/{model}
user POST /models/{model}/test
user GET /extractors/types
user GET /extractors/presets
user GET /extractors/cost-summaries
user GET /extractors
admin POST /extractors {}
user GET /extractors/{extractor}
user GET /extractors/{extractor}/cost-summary
admin PATCH /extractors/{extractor} {}
admin DELETE /extractors/{extractor}
admin POST /extractors/{extractor}/test
admin POST /prompts {"name": "Plain", "type": "system", "content": "Read."}
user GET /prompts
user GET /prompts/{prompt}
admin PATCH /prompts/{prompt} {}
admin DELETE /prompts/{prompt}

user POST /schemas/validate {"jsonSchema": {}}
user POST /schemas/validate-with-required {"jsonSchema": {}, "data": {}}
user POST /schemas/import
user POST /schemas/generate {"description": "Invoices of ropes", "modelId": "{model}"}
user POST /schemas/generate-rules {"description": "Totals", "modelId": "{model}", "jsonSchema": {"type": "object", "properties": {"total": {}}}}
shared POST /schemas {"jsonSchema": {}, "projectId": {project}}
user GET /schemas
shared GET /schemas/project/{project}
shared GET /schemas/{schema}
shared PATCH /schemas/{schema} {}
shared DELETE /schemas/{schema}
shared POST /schemas/{schema}/generate-rules {"description": "Totals", "modelId": "{model}"}
shared POST /schemas/{schema}/generate-prompt-rules {"modelId": "{model}", "prompt": "Dates"}
shared POST /schemas/{schema}/generate-prompt-rules/stream {"modelId": "{model}", "prompt": "Dates"}
shared POST /schemas/{schema}/correction-analysis {}
shared GET /schemas/{schema}/correction-summary
shared GET /schemas/{schema}/correction-suggestions
shared GET /schemas/{schema}/generate-domain-hints
shared POST /schemas/{schema}/generate-prompt-rules-from-corrections/stream {"modelId": "{model}"}
shared GET /schemas/{schema}/rules
shared POST /schemas/{schema}/rules {"schemaId": {schema}, "fieldPath": "total", "ruleType": "verification", "ruleOperator": "range_min", "ruleConfig": {"value": 0}}
shared PATCH /schemas/{schema}/rules/{rule} {}
shared DELETE /schemas/{schema}/rules/{rule}

shared POST /validation/scripts {"name": "Nothing", "projectId": "{project}", "script": "function validate(data) { return []; }"}
user GET /validation/scripts
shared GET /validation/scripts/project/{project}
shared GET /validation/scripts/{script}
shared POST /validation/scripts/{script} {}
shared DELETE /validation/scripts/{script}
user POST /validation/scripts/validate-syntax {"script": "function validate(data) { return []; }"}
user POST /validation/scripts/test {"script": "function validate(data) { return []; }", "extractedData": {}}
user POST /validation/scripts/generate {"llmModelId": "{model}", "prompt": "Totals", "structured": {}}
shared POST /validation/run {"manifestId": {manifest}}
user POST /validation/batch {"manifestIds": [{manifest}]}
shared POST /export-scripts {"name": "All", "projectId": "{project}", "script": "function exportRows(data) { return [data]; }"}
user GET /export-scripts
shared GET /export-scripts/project/{project}
shared GET /export-scripts/{export_script}
shared POST /export-scripts/{export_script} {}
shared DELETE /export-scripts/{export_script}
user POST /export-scripts/validate-syntax {"script": "function exportRows(data) { return [data]; }"}
user POST /export-scripts/test {"script": "function exportRows(data) { return [data]; }", "extractedData": {}}

user GET /metrics/dashboard
user GET /metrics/cost-dashboard
user GET /metrics/cost-accuracy
user GET /metrics/cost-per-document
owner GET /metrics/budget-alerts?projectId={project}
user GET /metrics/ocr-cost-per-page
user GET /metrics/llm-cost-per-token
"#;

/// Rows that are too long to be waited for: a worker would do them.
pub(crate) const WAITS_FOR_A_WORKER: &str = "/ocr/refresh";
/// What would end the tokens of those who ask; `auth` tests it.
const ENDS_TOKENS: &str = "/auth/sign-out-everywhere";

pub(crate) struct Row {
    pub(crate) may: &'static str,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) body: &'static str,
}

pub(crate) fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let mut parts = line.splitn(4, ' ');
        let mut next = || parts.next().unwrap_or_default();
        let (may, method, path, body) = (next(), next().parse().unwrap(), next(), next());
        Row { may, method, path, body }
    };
    MATRIX.lines().map(str::trim).filter(|line| !line.is_empty()).map(row).collect()
}

/// A path with nothing between its braces.
fn shape(path: &str) -> String {
    let path = path.split('?').next().unwrap();
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_is_in_the_matrix() {
    let document = serde_json::to_value(sluice_api::openapi()).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert(format!("{} {}", method.to_uppercase(), shape(path.strip_prefix("/api").unwrap())));
        }
    }
    let listed: Vec<String> = rows().iter().map(|row| format!("{} {}", row.method, shape(row.path))).collect();
    let unique: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), unique.len(), "a route is listed twice");
    let missing: Vec<_> = described.difference(&unique).collect();
    let unknown: Vec<_> = unique.difference(&described).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:#?}, unknown: {unknown:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_what_the_matrix_says_and_nothing_else() {
    let llm = ScriptedLlm::start(Reply::content(good_answer())).await.unwrap();
    let service = Service::start().await;
    let (own, owner) = service.workspace("ada").await;
    let (_, other) = service.workspace("bob").await;
    let admin = service.admin().await;
    let mut wrong = Vec::new();
    for (number, row) in rows().into_iter().enumerate() {
        if row.path.ends_with(WAITS_FOR_A_WORKER) || row.path == ENDS_TOKENS {
            continue;
        }
        let things = things(&service, own.user_id, &llm.base_url(), number).await;
        let nobody = [(None, "nobody", row.may == "public")];
        let people = [
            (Some(&other), "another", matches!(row.may, "public" | "user")),
            (Some(&admin), "an admin", row.may != "owner"),
            (Some(&owner), "the owner", row.may != "admin"),
        ];
        for (person, name, may) in nobody.into_iter().chain(people) {
            let (status, body) = ask(&service, person, &row, &things).await;
            let expected = match (may, person) {
                (true, _) => (200..500).contains(&status) && ![401, 403].contains(&status),
                (false, None) => status == 401 && body["error"]["code"] == "AUTH_MISSING_TOKEN",
                (false, Some(_)) => status == 403,
            };
            if !expected {
                wrong.push(format!("{name}: {} {}: {status} {body}", row.method, row.path));
            }
        }
        if matches!(row.may, "owner" | "shared") && row.path.contains('{') {
            let nothing = things.keys().map(|name| (*name, missing(name))).collect();
            let (status, body) = ask(&service, Some(&owner), &row, &nothing).await;
            // Of a project that is not there, lists of what it holds say no more than of another's.
            if status != 404 && !(matches!(status, 400 | 403) && row.path.contains("/project/")) {
                wrong.push(format!("missing: {} {}: {status} {body}", row.method, row.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn ask(
    service: &Service,
    person: Option<&Person>,
    row: &Row,
    things: &BTreeMap<&'static str, String>,
) -> (u16, Value) {
    let fill = |text: &str| {
        things.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    };
    let mut request = Client::new().request(row.method.clone(), format!("{}{}", service.url, fill(row.path)));
    if let Some(person) = person {
        request = request.bearer_auth(&person.token);
    }
    if !row.body.is_empty() {
        request = request.header("content-type", "application/json").body(fill(row.body));
    }
    let (status, body) = read(request.send().await.unwrap()).await;
    (status.as_u16(), body)
}

/// A key that no row has.
fn missing(name: &str) -> String {
    match name {
        "model" | "extractor" | "upload" | "key" => Uuid::from_u128(4711).to_string(),
        "stored" => "manifests/none/file".to_owned(),
        "queue_job" => QueueJobId::from(JobId(999_999)).as_str().to_owned(),
        _ => "999999".to_owned(),
    }
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Integer)]
    id: i32,
}

/// A key that nobody can use.
async fn insert_api_key(service: &Service, owner: i32, project: i32) -> String {
    let id = sluice_core::id::fresh_uuid();
    service
        .sql(&format!(
            "insert into api_keys (id, user_id, project_id, name, prefix, secret_hash, scopes)
             values ('{id}', {owner}, {project}, 'Key', '{id}', decode(repeat('00', 32), 'hex'), '{{read}}')"
        ))
        .await;
    id.to_string()
}

/// One fresh row of each kind, all of one owner, by the names that the matrix uses.
pub(crate) async fn things(
    service: &Service,
    owner: i32,
    model_url: &str,
    number: usize,
) -> BTreeMap<&'static str, String> {
    let mut connection = service.pool.get().await.unwrap();
    let workspace = builders::insert_workspace(&mut connection, &format!("user-{number}"), model_url).await.unwrap();
    let (project, schema, group) = (workspace.project_id, workspace.schema_id, workspace.group_id);
    let sha256 = format!("{number:064}");
    let stored = format!("manifests/{number}/file");
    let manifest = builders::insert_manifest(&mut connection, group, &stored, &sha256).await.unwrap();
    service.sql(&format!("update projects set user_id = {owner} where id = {project}")).await;
    let upload = sluice_core::id::fresh_uuid();
    service
        .sql(&format!(
            "insert into uploads (id, group_id, user_id, storage_key, original_filename, file_size_bytes, content_type,
                                  content_sha256, expires_at)
             values ('{upload}', {group}, {owner}, 'uploads/{number}', 'a.pdf', 9, 'application/pdf', '{sha256}', now())"
        ))
        .await;
    let job = NewJob {
        manifest_id: manifest,
        kind: "extraction".to_owned(),
        user_id: Some(owner),
        request_id: None,
        schema_id: Some(schema),
        schema_version: None,
        llm_model_id: Some(workspace.model_id),
        text_extractor_id: None,
        prompt_id: None,
        field_name: None,
        previous_manifest_status: None,
    };
    let job = jobs::insert(&mut connection, &job).await.unwrap();
    let mut key = async |statement: String| {
        let Key { id } = diesel::sql_query(statement + " returning id").get_result(&mut connection).await.unwrap();
        id.to_string()
    };
    let api_key = insert_api_key(service, owner, project).await;
    BTreeMap::from([
        ("key", api_key),
        ("file", "index.html".to_owned()),
        ("user", workspace.user_id.to_string()),
        ("project", project.to_string()),
        ("group", group.to_string()),
        ("manifest", manifest.to_string()),
        ("page", "1".to_owned()),
        ("stored", stored),
        ("schema", schema.to_string()),
        ("model", workspace.model_id.to_string()),
        ("extractor", workspace.extractor_id.to_string()),
        ("upload", upload.to_string()),
        ("job", job.id.to_string()),
        ("queue_job", job.queue_job_id.clone()),
        ("prompt", key("insert into prompts (name, type, content) values ('Plain', 'system', 'Read.')".into()).await),
        (
            "rule",
            key(format!(
                "insert into schema_rules (schema_id, field_path, rule_type, rule_operator, rule_config)
                 values ({schema}, 'total', 'verification', 'range_min', '{{\"value\": 0}}')"
            ))
            .await,
        ),
        (
            "script",
            key(format!(
                "insert into validation_scripts (name, project_id, script)
                 values ('Nothing', {project}, 'function validate(data) {{ return []; }}')"
            ))
            .await,
        ),
        (
            "export_script",
            key(format!(
                "insert into export_scripts (name, project_id, script)
                 values ('All', {project}, 'function exportRows(data) {{ return [data]; }}')"
            ))
            .await,
        ),
    ])
}
