//! What people may ask to be extracted, and with what.

use serde_json::{Value, json};
use sluice_core::QueueJobId;
use sluice_db::models::jobs::{self, Job};
use sluice_queue::{Producer, QueueState};
use sluice_test_support::eventually;

use crate::fixture::{LONG, Person, Service, code, refusal};

/// The row of a job.
async fn row(service: &Service, job: &Value) -> Job {
    let id: QueueJobId = job.as_str().unwrap().parse().unwrap();
    jobs::find(&mut service.pool.get().await.unwrap(), id.job_id().unwrap().0).await.unwrap().unwrap()
}

/// A model, an extractor and a prompt beside those of the workspace.
async fn others(service: &Service) -> Value {
    let (model, extractor) = ("00000000-0000-7000-8000-00000000000a", "00000000-0000-7000-8000-00000000000b");
    for statement in [
        format!(
            "insert into models (id, name, adapter_type, parameters) values ('{model}', 'Other', 'openai', '{{}}')"
        ),
        format!(
            "insert into extractors (id, name, extractor_type, config) values ('{extractor}', 'Other', 'local', '{{}}')"
        ),
        "insert into prompts (name, type, content) values ('Mine', 'system', 'Read.')".to_owned(),
    ] {
        service.sql(&statement).await;
    }
    json!({"llmModelId": model, "textExtractorId": extractor, "promptId": 1})
}

fn assert_uses(job: &Job, chosen: &Value) {
    let used =
        json!({"llmModelId": job.llm_model_id, "textExtractorId": job.text_extractor_id, "promptId": job.prompt_id});
    assert_eq!(&used, chosen);
}

async fn post(person: &Person, path: &str, body: &Value) -> Value {
    let (status, answer) = person.post(path, body.clone()).await;
    assert_eq!(status, 201, "{path} {answer}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_ask_takes_model_extractor_and_prompt() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let root = service.admin().await;
    let chosen = others(&service).await;
    for (number, (path, more)) in [
        ("/manifests/{}/extract", json!({})),
        ("/manifests/{}/re-extract", json!({"fieldName": " total? "})),
        ("/extraction/re-extract/{}", json!({})),
        ("/jobs/extraction", json!({"manifestId": 0})),
        ("/manifests/extract-bulk", json!({"manifestIds": []})),
    ]
    .into_iter()
    .enumerate()
    {
        let manifest = service.manifest(&workspace, u32::try_from(number).unwrap() + 1).await;
        let mut body = chosen.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if body.get("manifestId").is_some() {
            body["manifestId"] = json!(manifest);
        }
        if body.get("manifestIds").is_some() {
            body["manifestIds"] = json!([manifest]);
        }
        let person = if path == "/jobs/extraction" { &root } else { &ada };
        let answer = post(person, &path.replace("{}", &manifest.to_string()), &body).await;
        let job = answer["jobIds"].get(0).unwrap_or(&answer["jobId"]);
        let job = row(&service, job).await;
        assert_uses(&job, &chosen);
        assert_eq!((job.manifest_id, job.kind.as_str()), (manifest, "extraction"), "{path}");
        let field = more.get("fieldName").map(|_| "total?");
        assert_eq!(job.field_name.as_deref(), field, "{path}");
    }
    // What is not chosen is the project's.
    let manifest = service.manifest(&workspace, 9).await;
    let nothing = json!({"llmModelId": null, "textExtractorId": "", "promptId": null});
    let answer = post(&ada, &format!("/manifests/{manifest}/extract"), &nothing).await;
    let expected =
        json!({"llmModelId": workspace.model_id, "textExtractorId": workspace.extractor_id, "promptId": null});
    assert_uses(&row(&service, &answer["jobId"]).await, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_used_is_refused_before_anything_is_made() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let manifest = service.manifest(&workspace, 1).await;
    let ways = [
        (format!("/manifests/{manifest}/extract"), json!({})),
        (format!("/manifests/{manifest}/re-extract"), json!({"fieldName": "total"})),
        (format!("/extraction/re-extract/{manifest}"), json!({})),
        ("/manifests/extract-bulk".to_owned(), json!({"manifestIds": [manifest]})),
    ];
    for (path, body) in &ways {
        let with = |name: &str, value: Value| {
            let mut body = body.clone();
            body[name] = value;
            ada.post(path, body)
        };
        let unknown = "00000000-0000-0000-0000-000000000000";
        for (name, value) in
            [("llmModelId", json!(unknown)), ("textExtractorId", json!("nonsense")), ("promptId", json!(7))]
        {
            assert_eq!(code(with(name, value).await), refusal(404, "NotFoundException"), "{path} {name}");
        }
        assert_eq!(code(with("more", json!(1)).await), refusal(400, "VALIDATION_FAILED"), "{path}");
        assert_eq!(code(with("promptId", json!("x")).await), refusal(400, "VALIDATION_FAILED"), "{path}");
        assert_eq!(code(eve.post(path, body.clone()).await), refusal(403, "PROJECT_FORBIDDEN"), "{path}");
        let missing = path.replace(&format!("/{manifest}"), "/99");
        let mut body = body.clone();
        if body.get("manifestIds").is_some() {
            body["manifestIds"] = json!([manifest, 99]);
        }
        let refused = ada.post(&missing, body).await;
        assert_eq!(refused.1["error"]["params"], json!({"manifestId": 99}), "{path}");
        assert_eq!(code(refused), refusal(404, "MANIFEST_NOT_FOUND"), "{path}");
    }
    for (body, expected) in [
        (json!({}), ("fieldName", "isString")),
        (json!({"fieldName": " ?"}), ("fieldName", "isNotEmpty")),
        (json!({"fieldName": 1}), ("fieldName", "isString")),
    ] {
        let (_, answer) = ada.post(&format!("/manifests/{manifest}/re-extract"), body).await;
        assert_eq!(answer["error"]["details"][0], json!({"path": expected.0, "rule": expected.1}));
    }
    for (ids, rule) in
        [(json!([]), "arrayNotEmpty"), (json!("1"), "isArray"), (json!(["x"]), "isArray"), (Value::Null, "isArray")]
    {
        let (_, answer) = ada.post("/manifests/extract-bulk", json!({"manifestIds": ids})).await;
        assert_eq!(answer["error"]["details"][0]["rule"], rule, "{ids}");
    }
    service.sql("update extractors set is_active = false").await;
    let inactive = ada.post(&ways[0].0, json!({"textExtractorId": workspace.extractor_id})).await;
    assert_eq!(inactive.1["error"]["message"], "Extractor Extractor is inactive");
    assert_eq!(code(inactive), refusal(400, "BadRequestException"));
    assert_eq!(ada.get("/jobs/history").await.1, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_is_made_once_each_in_its_order_and_queued() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (other, _) = service.workspace("eve").await;
    let root = service.admin().await;
    let own = [service.manifest(&workspace, 1).await, service.manifest(&workspace, 2).await];
    let foreign = service.manifest(&other, 3).await;
    let open = post(&ada, &format!("/manifests/{}/extract", own[0]), &json!({})).await;

    let answer = post(&ada, "/manifests/extract-bulk", &json!({"manifestIds": [own[1], own[0], own[1]]})).await;
    insta::assert_json_snapshot!(answer, {".jobId" => "<batch>"});
    assert_eq!(answer["jobs"][0]["manifestId"], own[1]);
    assert_eq!(answer["jobIds"][1], open["jobId"], "what is open already is not made again");
    assert!(answer["jobId"].as_str().unwrap().starts_with("batch_"));
    let producer = Producer::connect(&service.queue).await.unwrap();
    for job in answer["jobIds"].as_array().unwrap() {
        let state = producer.state(&job.as_str().unwrap().parse().unwrap()).await.unwrap();
        assert_eq!(state, QueueState::Waiting);
    }
    assert_eq!(producer.counts().await.unwrap().waiting, 2);
    let refused = ada.post("/manifests/extract-bulk", json!({"manifestIds": [own[0], foreign]})).await;
    assert_eq!(refused.1["error"]["params"], json!({"projectId": other.project_id}));
    assert_eq!(code(refused), refusal(403, "PROJECT_FORBIDDEN"));
    // An admin may, and each runs with what its own project says.
    let answer = post(&root, "/manifests/extract-bulk", &json!({"manifestIds": [own[0], foreign]})).await;
    let job = row(&service, &answer["jobIds"][1]).await;
    assert_eq!(
        (job.manifest_id, job.llm_model_id, job.schema_id),
        (foreign, Some(other.model_id), Some(other.schema_id))
    );
    assert_eq!(
        code(root.post(&format!("/manifests/{foreign}/extract"), json!({})).await),
        refusal(403, "PROJECT_FORBIDDEN")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_match_are_asked_for_in_the_order_of_the_list() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let chosen = others(&service).await;
    let path = format!("/groups/{}/manifests/extract-filtered", workspace.group_id);
    for (number, columns) in [
        (1, "status = 'pending'"),
        (2, "status = 'failed'"),
        (3, "status = 'completed', extracted_data = '{\"total\": 12.5, \"po\": \"A-7\"}'"),
        (4, "status = 'processing'"),
        (5, "status = 'partial', extracted_data = '{\"total\": 3}'"),
    ] {
        let id = service.manifest(&workspace, number).await;
        assert_eq!(i64::from(id), i64::from(number));
        service.sql(&format!("update manifests set {columns} where id = {id}")).await;
    }
    for (body, expected) in [
        (json!({"filters": {}}), json!([2, 1])),
        (json!({"filters": {"sortBy": "id"}, "behavior": {"includeCompleted": true}}), json!([1, 2, 3, 5])),
        (json!({"filters": {"sortBy": "id"}, "behavior": {"includeProcessing": true}}), json!([1, 2, 4])),
        (json!({"filters": {"status": "completed"}}), json!([3])),
        (json!({"filters": {"extractionStatus": "failed"}}), json!([2])),
        (json!({"filters": {"filter": {"total": 12.5}}, "behavior": {"includeCompleted": true}}), json!([3])),
        (
            json!({"filters": {"filter": {"po": "a-7"}, "page": 1, "pageSize": 1}, "behavior": {"includeCompleted": true}}),
            json!([3]),
        ),
        (json!({"filters": {"filter": {"po": "none"}}}), json!([])),
    ] {
        let answer = post(&ada, &path, &body).await;
        let ids: Value = answer["jobs"].as_array().unwrap().iter().map(|job| job["manifestId"].clone()).collect();
        assert_eq!(ids, expected, "{body}");
    }
    let mut body = chosen.clone();
    body["filters"] = json!({"status": "completed"});
    let answer = post(&ada, &path, &body).await;
    assert_uses(&row(&service, &answer["jobIds"][0]).await, &chosen);
    // The run itself notes what has read the text.
    assert_eq!(ada.get("/manifests/3").await.1["textExtractorId"], Value::Null);

    for (body, details) in [
        (json!({}), json!([{"path": "filters", "rule": "isObject"}])),
        (
            json!({"filters": {"colour": "red", "status": "done"}}),
            json!([
            {"path": "filters.status", "rule": "isEnum"}, {"path": "filters.colour", "rule": "whitelistValidation"}]),
        ),
        (
            json!({"filters": {}, "behavior": {"includeCompleted": "x"}}),
            json!([{"path": "behavior.includeCompleted", "rule": "isBoolean"}]),
        ),
    ] {
        assert_eq!(ada.post(&path, body.clone()).await.1["error"]["details"], details, "{body}");
    }
    assert_eq!(code(eve.post(&path, json!({"filters": {}})).await), refusal(403, "PROJECT_FORBIDDEN"));
    let missing = ada.post("/groups/99/manifests/extract-filtered", json!({"filters": {}})).await;
    assert_eq!(code(missing), refusal(404, "GroupNotFoundException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_are_asked_for_at_once_and_their_watchers_hear_of_them() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    service
        .sql(&format!(
            "insert into manifests (group_id, storage_key, filename, original_filename, file_size_bytes, file_type, content_type, content_sha256)
             select {}, 'k' || n, 'f', 'f', 1, 'pdf', 'application/pdf', lpad(n::text, 64, '0') from generate_series(1, 3000) n",
            workspace.group_id
        ))
        .await;
    let ids: Vec<i32> = (1..=3_000).collect();
    let answer = post(&ada, "/manifests/extract-bulk", &json!({"manifestIds": ids})).await;
    assert_eq!(answer["manifestCount"], 3_000);
    let producer = Producer::connect(&service.queue).await.unwrap();
    assert_eq!(producer.counts().await.unwrap().waiting, 3_000);
    let told = "select count(*) from manifests where last_event_number > 0";
    assert_eq!(service.count(told).await, 3_000, "each has been told that it waits");
    let too_many: Vec<i32> = (1..=5_001).collect();
    let (_, refused) = ada.post("/manifests/extract-bulk", json!({"manifestIds": too_many})).await;
    assert_eq!(refused["error"]["details"][0]["rule"], "arrayMaxSize");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_whose_caller_goes_away_still_completes() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let manifest = service.manifest(&workspace, 1).await;
    // The rows are locked, so the request hangs until its caller has gone.
    let mut connection = service.pool.get().await.unwrap();
    let hold = "begin; select id from manifests for update";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *connection, hold).await.unwrap();
    let request =
        ada.request(reqwest::Method::POST, "/manifests/extract-bulk").json(&json!({"manifestIds": [manifest]}));
    let calling = tokio::spawn(request.send());
    let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    eventually(LONG, || async {
        let waiting = service.count(waits).await;
        if waiting > 0 { Ok(()) } else { Err("nobody waits yet") }
    })
    .await
    .unwrap();
    calling.abort();
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *connection, "commit").await.unwrap();
    let producer = Producer::connect(&service.queue).await.unwrap();
    eventually(LONG, || async {
        let counts = producer.counts().await.unwrap();
        if counts.waiting == 1 { Ok(()) } else { Err(counts) }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_leaves_the_queue() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let producer = Producer::connect(&service.queue).await.unwrap();
    for (number, path) in
        [(1, format!("/groups/{}", workspace.group_id)), (2, format!("/projects/{}", workspace.project_id))]
    {
        let group = post(
            &ada,
            &format!("/projects/{}/groups", workspace.project_id),
            &json!({"name": "More", "projectId": workspace.project_id}),
        )
        .await;
        let manifest = service.manifest(&workspace, number).await;
        post(&ada, &format!("/manifests/{manifest}/extract"), &json!({})).await;
        assert_eq!(producer.counts().await.unwrap().waiting, 1);
        assert_eq!(ada.send(reqwest::Method::DELETE, &path, json!({})).await.0, 200);
        assert_eq!(producer.counts().await.unwrap().waiting, 0, "{path}");
        // The project's only group is gone; the next round has another.
        service.sql(&format!("update groups set id = {} where id = {}", workspace.group_id, group["id"])).await;
    }
}
