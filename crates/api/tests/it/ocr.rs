//! Reading the text of a manifest anew.

use std::time::Duration;

use serde_json::json;
use sluice_core::JobMessage;
use sluice_queue::{Consumer, Outcome, Producer};
use sluice_test_support::eventually;

use crate::fixture::{LONG, Service, code, refusal};

/// Stands for a worker: ends every job by a statement.
async fn worker(service: &Service, statements: &'static [&'static str]) -> Consumer {
    let pool = service.pool.clone();
    Consumer::start(&service.queue, 1, move |delivery| {
        let pool = pool.clone();
        async move {
            let JobMessage::V1(message) = delivery.message;
            for statement in statements {
                let statement = statement.replace("$job", &message.job_id.to_string());
                let mut connection = pool.get().await.unwrap();
                diesel_async::RunQueryDsl::execute(diesel::sql_query(statement), &mut connection).await.unwrap();
            }
            Outcome::Done
        }
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_read_anew_while_the_caller_waits() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let manifest = service.manifest(&workspace, 1).await;
    let consumer = worker(
        &service,
        &[
            "update manifests set ocr_result = '{\"pages\": [1]}', ocr_quality_score = 70, ocr_processed_at = '2026-03-14T09:26:53Z'",
            "update jobs set status = 'completed', completed_at = now(), attempt_count = 1, started_at = now() where id = $job",
        ],
    )
    .await;
    let (status, body) = ada.post(&format!("/manifests/{manifest}/ocr/refresh"), json!({})).await;
    let expected = json!({"manifestId": manifest, "ocrResult": {"pages": [1]}, "hasOcr": true,
                          "ocrProcessedAt": "2026-03-14T09:26:53.000Z", "qualityScore": 70});
    assert_eq!((status.as_u16(), &body), (201, &expected));
    assert_eq!(ada.get(&format!("/manifests/{manifest}/ocr")).await.1, expected);

    let (_, history) = ada.get(&format!("/manifests/{manifest}/ocr-history")).await;
    insta::assert_json_snapshot!(history, {
        "[].createdAt" => "<time>", "[].startedAt" => "<time>", "[].completedAt" => "<time>", "[].durationMs" => "<ms>",
    });
    let (_, all) = ada.get(&format!("/manifests/{manifest}/extraction-history")).await;
    assert_eq!((all.as_array().unwrap().len(), &all[0]["llmModelId"]), (1, &json!(null)));
    consumer.close(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_can_not_be_read_and_one_that_takes_too_long_are_told_apart() {
    let service = Service::start_with(&[("SLUICE_API_OCR_TIMEOUT", "300ms")]).await;
    let (workspace, ada) = service.workspace("ada").await;
    let manifest = service.manifest(&workspace, 1).await;
    let path = format!("/manifests/{manifest}/ocr/refresh");
    // Nobody reads.
    let late = ada.post(&path, json!({})).await;
    assert_eq!(late.1["error"]["params"], json!({"jobId": "job-1"}));
    assert_eq!(code(late), refusal(504, "OCR_TIMEOUT"));
    let producer = Producer::connect(&service.queue).await.unwrap();
    assert_eq!(producer.counts().await.unwrap().waiting, 1, "the job goes on");

    const FAILS: &str = "update jobs set status = 'failed', completed_at = now(), error_message = 'the file is damaged' where id = $job";
    let consumer = worker(&service, &[FAILS]).await;
    eventually(LONG, || async {
        let (_, history) = ada.get(&format!("/manifests/{manifest}/ocr-history")).await;
        if history[0]["error"] == "the file is damaged" { Ok(()) } else { Err(history) }
    })
    .await
    .unwrap();
    // As often as it takes for the row to end within the deadline.
    let failed = eventually(LONG, || async {
        let answer = ada.post(&path, json!({})).await;
        if answer.0 == 503 { Ok(answer) } else { Err(answer) }
    })
    .await
    .unwrap();
    assert_eq!(failed.1["error"]["message"], "The text of the document could not be read");
    assert_eq!(code(failed), refusal(503, "OCR_SERVICE_ERROR"));
    consumer.close(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_takes_another_extractor_and_refuses_what_there_is_not() {
    let service = Service::start_with(&[("SLUICE_API_OCR_TIMEOUT", "1ms")]).await;
    let (workspace, ada) = service.workspace("ada").await;
    let (other, eve) = service.workspace("eve").await;
    let manifest = service.manifest(&workspace, 1).await;
    for path in ["refresh-job", "refresh"].map(|way| format!("/manifests/{manifest}/ocr/{way}")) {
        for extractor in ["00000000-0000-0000-0000-000000000000", "nonsense"] {
            let refused = ada.post(&path, json!({"textExtractorId": extractor})).await;
            assert_eq!(code(refused), refusal(404, "NotFoundException"), "{path}");
        }
        assert_eq!(code(ada.post(&path, json!({"llmModelId": "x"})).await), refusal(400, "VALIDATION_FAILED"));
        assert_eq!(code(eve.post(&path, json!({})).await), refusal(403, "PROJECT_FORBIDDEN"));
        let missing = path.replace(&format!("/{manifest}/"), "/99/");
        assert_eq!(code(ada.post(&missing, json!({})).await), refusal(404, "MANIFEST_NOT_FOUND"));
    }
    service.sql(&format!("update projects set text_extractor_id = null where id = {}", workspace.project_id)).await;
    let path = format!("/manifests/{manifest}/ocr/refresh-job");
    let refused = ada.post(&path, json!({})).await;
    assert_eq!(refused.1["error"]["message"], "Text extractor is required");
    assert_eq!(code(refused), refusal(400, "BadRequestException"));
    assert_eq!(ada.get("/jobs/history").await.1, json!([]));
    let (status, body) = ada.post(&path, json!({"textExtractorId": other.extractor_id})).await;
    assert_eq!((status.as_u16(), &body), (201, &json!({"jobId": "job-1"})));
    let chosen =
        format!("select count(*) from jobs where kind = 'ocr' and text_extractor_id = '{}'", other.extractor_id);
    assert_eq!(service.count(&chosen).await, 1);
}
