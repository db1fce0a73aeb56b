use std::time::Duration;

use serde_json::{Value, json};
use sluice_core::QueueJobId;
use sluice_event_bus::{BusMessage, Subscriber};
use sluice_queue::{Consumer, Outcome, Producer};
use sluice_service::Tasks;
use sluice_test_support::eventually;

use crate::fixture::{LONG, Person, Service, code, refusal};

async fn extract(person: &Person, manifest: i32) -> String {
    let (status, body) = person.post(&format!("/manifests/{manifest}/extract"), json!({})).await;
    assert_eq!(status, 201, "{body}");
    body["jobId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_queued_once_however_often_it_is_asked_for() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let manifest = service.manifest(&workspace, 1).await;
    let job = extract(&ada, manifest).await;
    assert_eq!(extract(&ada, manifest).await, job);
    let producer = Producer::connect(&service.queue).await.unwrap();
    assert_eq!(producer.counts().await.unwrap().waiting, 1);

    let (_, history) = ada.get(&format!("/manifests/{manifest}/extraction-history")).await;
    let entries = history.as_array().unwrap();
    assert_eq!((entries.len(), &entries[0]["queueJobId"]), (1, &json!(job)));
    insta::assert_json_snapshot!(entries[0], {
        ".llmModelId" => "<uuid>", ".createdAt" => "<time>",
        ".estimatedCost" => "<estimate>", ".textEstimatedCost" => "<estimate>", ".llmEstimatedCost" => "<estimate>",
    });
    let row = &entries[0]["jobId"];
    let (_, detail) = ada.get(&format!("/manifests/{manifest}/extraction-history/{row}")).await;
    assert_eq!(
        (&detail["jobId"], &detail["systemPrompt"], &detail["promptTemplateContent"]),
        (row, &Value::Null, &Value::Null)
    );
    let missing = ada.get(&format!("/manifests/{manifest}/extraction-history/999")).await;
    assert_eq!(missing.1["error"]["message"], format!("Extraction job 999 not found for manifest {manifest}"));
    assert_eq!(ada.get(&format!("/manifests/{manifest}/ocr-history")).await.1, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_can_not_be_extracted_with() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let path = format!("/manifests/{}/extract", service.manifest(&workspace, 1).await);
    for model in ["00000000-0000-0000-0000-000000000000", "nonsense"] {
        let refused = ada.post(&path, json!({"llmModelId": model})).await;
        assert_eq!(code(refused), refusal(404, "NotFoundException"), "{model}");
    }
    assert_eq!(code(ada.post(&path, json!({"promptId": 7})).await), refusal(404, "NotFoundException"));
    assert_eq!(code(ada.post(&path, json!({"more": 7})).await), refusal(400, "VALIDATION_FAILED"));
    assert_eq!(code(eve.post(&path, json!({})).await), refusal(403, "PROJECT_FORBIDDEN"));
    assert_eq!(code(ada.post("/manifests/99/extract", json!({})).await), refusal(404, "MANIFEST_NOT_FOUND"));
    assert_eq!(ada.get("/jobs/history").await.1, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_job_is_taken_out_and_its_watchers_hear_of_it() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let manifest = service.manifest(&workspace, 1).await;
    let tasks = Tasks::new();
    let (_subscriber, mut bus) = Subscriber::connect(&service.events, &tasks).await.unwrap();
    let job = extract(&ada, manifest).await;
    let path = format!("/jobs/{job}/cancel");
    assert_eq!(code(eve.post(&path, json!({})).await), refusal(403, "PROJECT_FORBIDDEN"));

    let (status, body) = ada.post(&path, json!({"reason": "wrong file"})).await;
    assert_eq!((status.as_u16(), body), (201, json!({"canceled": true, "removedFromQueue": true, "state": "waiting"})));
    let (_, history) = ada.get(&format!("/jobs/history?manifestId={manifest}")).await;
    assert_eq!((&history[0]["status"], &history[0]["error"]), (&json!("failed"), &json!("Canceled: wrong file")));
    let (_, history) = ada.get(&format!("/manifests/{manifest}/extraction-history")).await;
    assert_eq!((&history[0]["status"], &history[0]["cancelReason"]), (&json!("canceled"), &json!("wrong file")));
    assert_eq!(ada.get(&format!("/manifests/{manifest}")).await.1["status"], "pending");

    let again = ada.post(&path, json!({})).await;
    assert_eq!(again.1["error"]["message"], "Job already finished");
    assert_eq!(code(again), refusal(400, "BadRequestException"));
    for missing in ["job-999", "nonsense"] {
        let refused = ada.post(&format!("/jobs/{missing}/cancel"), json!({})).await;
        assert_eq!(code(refused), refusal(404, "JobNotFoundException"));
    }
    let mut heard = Vec::new();
    while heard.last().is_none_or(|(_, status)| status != "canceled") {
        if let BusMessage::Events(events) = tokio::time::timeout(LONG, bus.recv()).await.unwrap().unwrap() {
            let names = events.events.iter();
            heard.extend(names.map(|event| (event.event.clone(), event.data["status"].as_str().unwrap().to_owned())));
        }
        heard.retain(|(name, _)| name == "job-update");
    }
    let statuses: Vec<_> = heard.iter().map(|(_, status)| status.as_str()).collect();
    assert_eq!(statuses, ["waiting", "canceled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_of_an_active_job_is_told() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let manifest = service.manifest(&workspace, 1).await;
    let (canceled, mut was_canceled) = tokio::sync::mpsc::unbounded_channel();
    let consumer = Consumer::start(&service.queue, 1, move |delivery| {
        let canceled = canceled.clone();
        async move {
            delivery.cancellation.requested().await;
            canceled.send(()).unwrap();
            Outcome::Done
        }
    })
    .await
    .unwrap();
    let job = extract(&ada, manifest).await;
    let producer = Producer::connect(&service.queue).await.unwrap();
    let id: QueueJobId = job.parse().unwrap();
    eventually(LONG, || async {
        let state = producer.state(&id).await.unwrap();
        if state == sluice_queue::QueueState::Active { Ok(()) } else { Err(state) }
    })
    .await
    .unwrap();
    let (_, body) = ada.post(&format!("/jobs/{job}/cancel"), json!({})).await;
    assert_eq!(body, json!({"canceled": true, "removedFromQueue": false, "state": "active"}));
    tokio::time::timeout(LONG, was_canceled.recv()).await.unwrap().unwrap();
    consumer.close(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_count_their_own_jobs_and_admins_the_queue() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let root = service.admin().await;
    let manifest = service.manifest(&workspace, 1).await;
    extract(&ada, manifest).await;
    service
        .sql(
            "insert into jobs (manifest_id, kind, status, completed_at, canceled_at, actual_cost_nano, cost_currency)
              values (1, 'extraction', 'canceled', now(), now(), 10755000, 'USD')",
        )
        .await;
    let stats = |waiting: u32, failed: u32| json!({"active": 0, "waiting": waiting, "delayed": 0, "paused": 0, "completed": 0, "failed": failed, "isPaused": false});
    assert_eq!(ada.get("/jobs/stats").await.1, stats(1, 1));
    assert_eq!(eve.get("/jobs/stats").await.1, stats(0, 0));
    assert_eq!(root.get("/jobs/stats").await.1, stats(1, 0));

    let (_, history) = ada.get("/jobs/history").await;
    assert_eq!((history[0]["actualCost"].as_f64(), &history[0]["currency"]), (Some(0.010755), &json!("USD")));
    insta::assert_json_snapshot!(history[0], {
        ".createdAt" => "<time>", ".completedAt" => "<time>", ".manifestFilename" => "<name>",
    });
    assert_eq!(eve.get("/jobs/history").await.1, json!([]));
    assert_eq!(root.get("/jobs/history").await.1.as_array().map(Vec::len), Some(2));
    assert_eq!(ada.get("/jobs/history?limit=1").await.1.as_array().map(Vec::len), Some(1));
    assert_eq!(code(ada.get("/jobs/history?limit=201").await), refusal(400, "VALIDATION_FAILED"));
    let foreign = format!("/jobs/history?manifestId={manifest}");
    assert_eq!(code(eve.get(&foreign).await), refusal(403, "PROJECT_FORBIDDEN"));
    assert_eq!(code(root.get(&foreign).await), refusal(403, "PROJECT_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_see_everybodys_jobs_where_the_queue_has_them() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (other, _) = service.workspace("eve").await;
    let root = service.admin().await;
    let mut made = Vec::new();
    for (workspace, number) in [(&workspace, 1), (&workspace, 2), (&other, 3)] {
        let manifest = service.manifest(workspace, number).await;
        let (_, job) = root.post("/jobs/extraction", json!({"manifestId": manifest})).await;
        made.push(job["jobId"].as_str().unwrap().to_owned());
    }
    service
        .sql(
            "update jobs set status = 'completed', progress = 100, completed_at = now(), actual_cost_nano = 10755000,
               cost_currency = 'USD', pages_processed = 2, llm_input_tokens = 5, llm_output_tokens = 3 where id = 1",
        )
        .await;
    let ids = async |query: &str| {
        let (status, page) = root.get(&format!("/jobs{query}")).await;
        assert_eq!(status, 200, "{query} {page}");
        let ids: Vec<String> =
            page["items"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect();
        (ids, page["total"].as_i64().unwrap())
    };
    let project = workspace.project_id;
    for (query, expected, total) in [
        (String::new(), vec![2, 1, 0], 3),
        (format!("?projectId={project}&limit=1"), vec![1], 2),
        (format!("?projectId={project}&limit=1&offset=1"), vec![0], 2),
        ("?status=waiting".to_owned(), vec![2, 1], 2),
        ("?status=queued&limit=1000".to_owned(), vec![2, 1], 2),
        ("?status=completed".to_owned(), vec![0], 1),
        ("?status=failed".to_owned(), vec![], 0),
        ("?status=active".to_owned(), vec![], 0),
        ("?status=delayed".to_owned(), vec![], 0),
        ("?status=paused".to_owned(), vec![], 0),
        ("?status=nonsense".to_owned(), vec![2, 1, 0], 3),
        ("?projectId=99".to_owned(), vec![], 0),
    ] {
        let expected: Vec<String> = expected.into_iter().map(|place: usize| made[place].clone()).collect();
        assert_eq!(ids(&query).await, (expected, total), "{query}");
    }
    let (_, page) = root.get("/jobs?limit=500").await;
    assert_eq!((&page["limit"], &page["offset"]), (&json!(200), &json!(0)));
    insta::assert_json_snapshot!(page["items"], {"[].data.llmModelId" => "<uuid>", "[].data.textExtractorId" => "<uuid>"});
    assert_eq!(root.get("/jobs/job-1").await.1, page["items"][2]);

    for query in ["?limit=0", "?limit=x", "?offset=-1", "?projectId=x", "?more=1"] {
        assert_eq!(code(root.get(&format!("/jobs{query}")).await), refusal(400, "VALIDATION_FAILED"), "{query}");
    }
    for id in ["job-99", "nonsense", "99"] {
        assert_eq!(code(root.get(&format!("/jobs/{id}")).await), refusal(404, "JobNotFoundException"), "{id}");
    }
    assert_eq!(
        code(root.post("/jobs/extraction", json!({"manifestId": 99})).await),
        refusal(404, "MANIFEST_NOT_FOUND")
    );
    assert_eq!(code(root.post("/jobs/extraction", json!({})).await), refusal(400, "VALIDATION_FAILED"));
    for path in ["/jobs", "/jobs/job-1", "/jobs/queue/stats"] {
        assert_eq!(code(ada.get(path).await), refusal(403, "ForbiddenException"), "{path}");
    }
    for path in ["/jobs/queue/pause", "/jobs/queue/resume", "/jobs/extraction"] {
        assert_eq!(code(ada.post(path, json!({"manifestId": 1})).await).0, 403, "{path}");
    }
    assert_eq!(
        code(ada.send(reqwest::Method::DELETE, "/jobs/job-1", json!({})).await),
        refusal(403, "ForbiddenException")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_and_words_that_are_no_ids_are_told() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let root = service.admin().await;
    assert_eq!(
        root.post("/jobs/queue/pause", json!({})).await,
        (reqwest::StatusCode::CREATED, json!({"paused": true}))
    );
    let job = extract(&ada, service.manifest(&workspace, 1).await).await;
    let (status, stats) = root.get("/jobs/queue/stats").await;
    assert_eq!((status.as_u16(), &stats["paused"], &stats["isPaused"]), (200, &json!(1), &json!(true)));
    assert_eq!(root.get("/jobs/stats").await.1, stats);
    assert_eq!(root.get("/jobs?status=paused").await.1["items"][0]["id"], json!(job));
    assert_eq!(root.get(&format!("/jobs/{job}")).await.1["status"], "paused");
    // `stats`, `history` and `queue` are no jobs, for nobody.
    assert_eq!(ada.get("/jobs/stats").await.0, 200);
    assert_eq!(ada.get("/jobs/history").await.0, 200);
    assert_eq!(root.get("/jobs/history").await.1.as_array().map(Vec::len), Some(1));
    assert_eq!(code(root.get("/jobs/queue").await), refusal(404, "JobNotFoundException"));
    assert_eq!(
        root.post("/jobs/queue/resume", json!({})).await,
        (reqwest::StatusCode::CREATED, json!({"paused": false}))
    );
    assert_eq!(root.get(&format!("/jobs/{job}")).await.1["status"], "waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_removed_unless_a_worker_has_it() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let root = service.admin().await;
    let manifest = service.manifest(&workspace, 1).await;
    let job = extract(&ada, manifest).await;
    let remove = |job: &str| {
        let path = format!("/jobs/{job}");
        let root = &root;
        async move { root.send(reqwest::Method::DELETE, &path, json!({})).await }
    };
    assert_eq!(remove(&job).await, (reqwest::StatusCode::OK, json!({"removed": true})));
    let producer = Producer::connect(&service.queue).await.unwrap();
    assert_eq!(producer.counts().await.unwrap().waiting, 0);
    let (_, history) = ada.get(&format!("/manifests/{manifest}/extraction-history")).await;
    assert_eq!((&history[0]["status"], &history[0]["error"]), (&json!("canceled"), &json!("Canceled")));
    // Of one that has ended only the queue forgets.
    assert_eq!(remove(&job).await.0, 200);
    assert_eq!(code(remove("job-99").await), refusal(404, "JobNotFoundException"));

    let consumer = Consumer::start(&service.queue, 1, |delivery| async move {
        delivery.cancellation.requested().await;
        Outcome::Retry { error: "later".to_owned(), after: Duration::from_secs(3_600) }
    })
    .await
    .unwrap();
    let job = extract(&ada, manifest).await;
    let shows = async |state: &str| {
        let item = eventually(LONG, || async {
            let (_, page) = root.get(&format!("/jobs?status={state}")).await;
            if page["items"][0]["id"] == job { Ok(page["items"][0].clone()) } else { Err(page) }
        });
        assert_eq!(item.await.unwrap()["status"], state);
    };
    shows("active").await;
    assert_eq!(code(remove(&job).await), refusal(409, "ConflictException"));
    let id: QueueJobId = job.parse().unwrap();
    producer.cancel(&id).await.unwrap();
    shows("delayed").await;
    consumer.close(Duration::from_secs(5)).await;
    assert_eq!(remove(&job).await.0, 200);
    assert_eq!(root.get(&format!("/jobs/{job}")).await.1["status"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_shown_with_its_prompts_and_names() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let manifest = service.manifest(&workspace, 1).await;
    service.sql("insert into prompts (name, type, content) values ('Mine', 'system', 'Read.')").await;
    ada.post(&format!("/manifests/{manifest}/extract"), json!({"promptId": 1})).await;
    service
        .sql(
            "update jobs set status = 'failed', completed_at = created_at + interval '3 seconds', started_at = created_at,
               attempt_count = 3, error_message = 'busy', system_prompt = 'S', user_prompt = 'U', assistant_response = 'A',
               field_name = 'total'",
        )
        .await;
    let path = format!("/manifests/{manifest}/extraction-history");
    let (_, detail) = ada.get(&format!("{path}/1")).await;
    insta::assert_json_snapshot!(detail, {
        ".llmModelId" => "<uuid>", ".createdAt" => "<time>", ".startedAt" => "<time>", ".completedAt" => "<time>",
        ".estimatedCost" => "<estimate>", ".textEstimatedCost" => "<estimate>", ".llmEstimatedCost" => "<estimate>",
    });
    for (query, count) in [("", 1), ("?limit=0", 1), ("?limit=1000", 1)] {
        assert_eq!(ada.get(&format!("{path}{query}")).await.1.as_array().map(Vec::len), Some(count), "{query}");
    }
    assert_eq!(code(ada.get(&format!("{path}?limit=x")).await), refusal(400, "VALIDATION_FAILED"));
    for path in [path.clone(), format!("{path}/1"), format!("/manifests/{manifest}/ocr-history")] {
        assert_eq!(code(eve.get(&path).await), refusal(403, "PROJECT_FORBIDDEN"), "{path}");
        let missing = path.replace(&format!("/manifests/{manifest}/"), "/manifests/99/");
        assert_eq!(code(ada.get(&missing).await), refusal(404, "MANIFEST_NOT_FOUND"), "{missing}");
    }
}
