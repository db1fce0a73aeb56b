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
