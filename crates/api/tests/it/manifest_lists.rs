//! Filters and orders by extracted data, ids, and what is done to many.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_core::ports::ObjectStore;
use sluice_queue::{Producer, QueueState};
use sluice_test_support::builders::Workspace;

use crate::fixture::{File, Person, Service, code, refusal};

const PDF: &[u8] = b"%PDF-1.7\nnot much of one\n%%EOF\n";

/// Five manifests of a project whose schema has a value of each type.
async fn insert(service: &Service) -> (Workspace, Person, Vec<i32>) {
    let (workspace, ada) = service.workspace("ada").await;
    let schema = json!({"type": "object", "properties": {
        "total": {"anyOf": [{"type": "number"}, {"type": "null"}]}, "count": {"type": ["integer", "null"]},
        "paid": {"type": "boolean"}, "due": {"type": "string", "format": "date"},
        "sent": {"type": "string", "format": "date-time"}, "seller": {"properties": {"name": {"type": "string"}}}}});
    service.sql(&format!("update schemas set json_schema = '{schema}'")).await;
    let rows = [
        json!({"total": 12.5, "count": 2, "paid": true, "due": "2026-03-14", "sent": "2026-03-14T12:00:00Z",
               "seller": {"name": "Acme Ropes"}}),
        json!({"total": "12.50", "count": 10, "paid": "no", "due": "2026-02-30", "sent": "2026-03-14T14:00:00+02:00",
               "seller": {"name": "Bolts & Co"}}),
        json!({"total": 100, "count": "x", "paid": "yes", "due": "2025-12-31", "seller": {"name": "acme 100%"}}),
        json!({"total": "about 12.5", "paid": 0, "due": ["2026-03-14"]}),
    ];
    let mut ids = Vec::new();
    for number in 1..=5 {
        ids.push(service.manifest(&workspace, number).await);
    }
    for (id, data) in ids.iter().zip(rows) {
        service.sql(&format!("update manifests set extracted_data = '{data}' where id = {id}")).await;
    }
    (workspace, ada, ids)
}

fn places(ids: &[i32], found: &Value) -> Vec<usize> {
    let place = |id: &Value| ids.iter().position(|known| Some(i64::from(*known)) == id.as_i64()).unwrap();
    found.as_array().unwrap().iter().map(place).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_found_and_sorted_by_the_types_of_the_schema() {
    let service = Service::start().await;
    let (workspace, ada, ids) = insert(&service).await;
    let path = format!("/groups/{}/manifests/ids", workspace.group_id);
    for (query, expected) in [
        ("filter[total]=12.5&order=asc", vec![0, 1]),
        ("filter%5Btotal%5D=12.500&order=asc", vec![0, 1]),
        ("filter[total]=100.0", vec![2]),
        ("filter[total]=about", vec![3]),
        ("filter[count]=2.0", vec![0]),
        ("filter[paid]=1&order=asc", vec![0, 2]),
        ("filter[paid]=FALSE&order=asc", vec![1, 3]),
        ("filter[due]=2026-03-14", vec![0]),
        ("filter[due]=2026-02-30", vec![1]),
        ("filter[due]=2026&order=asc", vec![0, 1, 3]),
        ("filter[sent]=2026-03-14T12:00:00.000Z&order=asc", vec![0, 1]),
        ("filter[seller.name]=ACME&order=asc", vec![0, 2]),
        ("filter[seller.name]=acme%25", vec![2, 0]),
        ("filter[seller.name]=acme&filter[total]=100", vec![2]),
        ("filter[seller.name]=", vec![4, 3, 2, 1, 0]),
        ("filter[nothing]=x", vec![]),
        ("filter[status]=failed", vec![]),
        ("sortBy=total", vec![0, 1, 2, 3, 4]),
        ("sortBy=total&order=DESC", vec![2, 1, 0, 3, 4]),
        ("sortBy=count", vec![0, 1, 2, 3, 4]),
        ("sortBy=paid", vec![3, 1, 0, 2, 4]),
        ("sortBy=due", vec![2, 0, 1, 3, 4]),
        ("sortBy=seller.name", vec![0, 1, 2, 3, 4]),
        ("sortBy=seller.name&filter[total]=12.5&order=desc", vec![1, 0]),
        ("sortBy=nothing&order=desc&page=7&pageSize=1", vec![4, 3, 2, 1, 0]),
    ] {
        let (status, body) = ada.get(&format!("{path}?{query}")).await;
        assert_eq!(status, 200, "{query} {body}");
        assert_eq!(places(&ids, &body["ids"]), expected, "{query}");
        assert_eq!(body["total"], json!(expected.len()), "{query}");
        let (_, page) = ada.get(&format!("/groups/{}/manifests?{query}&page=1&pageSize=2", workspace.group_id)).await;
        let listed: Value = page["data"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
        assert_eq!(places(&ids, &listed), expected.into_iter().take(2).collect::<Vec<_>>(), "{query}");
    }
    // Without a schema all is text.
    service.sql("update projects set default_schema_id = null").await;
    let (_, body) = ada.get(&format!("{path}?filter[total]=12.5&order=asc")).await;
    assert_eq!(places(&ids, &body["ids"]), [0, 1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_in_a_query_is_named_and_breaks_nothing() {
    let service = Service::start().await;
    let (workspace, ada, _) = insert(&service).await;
    let path = format!("/groups/{}/manifests", workspace.group_id);
    for query in [
        "filter[a..b]=1",
        "filter[]=1",
        "filter[1a]=1",
        "filter[items[0]]=1",
        "filter=1",
        "sortBy=a-b",
        "sortBy=",
        "confidenceMin=NaN",
        "textExtractorId=7",
        "page=99999999999",
        "status=done",
    ] {
        assert_eq!(code(ada.get(&format!("{path}?{query}")).await), refusal(400, "VALIDATION_FAILED"), "{query}");
    }
    for query in [
        "filter[total]=1e999",
        "filter[total]=%25%5C",
        "filter[total]=99999999999999999999999999999999999999.99999999999",
        "filter[due]=9999-99-99",
        "filter[due]=-262143-01-01",
        "filter[sent]=2026-03-14T99:99:99Z",
        "filter[total]=%27%3B--",
        "costMax=9000000000&page=2147483647&pageSize=200",
    ] {
        let (status, body) = ada.get(&format!("{path}?{query}")).await;
        assert_eq!((status.as_u16(), &body["data"]), (200, &json!([])), "{query}");
    }
    assert_eq!(code(ada.get(&format!("{path}?filter[total]=%00")).await).0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_listed_up_to_a_bound() {
    let service = Service::start().await;
    let (workspace, ada, _) = insert(&service).await;
    let (_, eve) = service.workspace("eve").await;
    let path = format!("/groups/{}/manifests/ids", workspace.group_id);
    assert_eq!(code(eve.get(&path).await), refusal(403, "PROJECT_FORBIDDEN"));
    assert_eq!(code(ada.get("/groups/99/manifests/ids").await), refusal(404, "GroupNotFoundException"));
    service
        .sql(&format!(
            "insert into manifests (group_id, storage_key, filename, original_filename, file_size_bytes, file_type,
               content_type, content_sha256)
             select {}, 'many/' || n, 'f', 'f', 1, 'pdf', 'application/pdf', 'abc' || lpad(n::text, 61, '0')
             from generate_series(1, 4996) n",
            workspace.group_id
        ))
        .await;
    let (status, body) = ada.get(&path).await;
    assert_eq!((status.as_u16(), code((status, body.clone()))), (400, refusal(400, "BadRequestException")));
    assert!(body["error"]["message"].as_str().unwrap().starts_with("Too many matching manifests (5001)"), "{body}");
    service.sql("delete from manifests where storage_key = 'many/1'").await;
    let (_, body) = ada.get(&path).await;
    assert_eq!((body["total"].as_i64(), body["ids"].as_array().unwrap().len()), (Some(5000), 5000));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_deleted_with_their_files_and_jobs_or_none() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (other, eve) = service.workspace("eve").await;
    let upload = format!("/groups/{}/manifests", workspace.group_id);
    let mut ids = Vec::new();
    for number in 0..3 {
        let bytes = [PDF, format!("{number}").as_bytes()].concat();
        let (status, body) = ada.upload(&upload, &[File::pdf(&bytes)]).await;
        assert_eq!(status, 201, "{body}");
        ids.push(body["id"].as_i64().unwrap());
    }
    let foreign = service.manifest(&other, 9).await;
    let (_, asked) = ada.post(&format!("/manifests/{}/extract", ids[0]), json!({})).await;
    let job = asked["jobId"].as_str().unwrap().to_owned();
    let producer = Producer::connect(&service.queue).await.unwrap();
    assert_eq!(producer.counts().await.unwrap().waiting, 1);

    let path = format!("{upload}/delete-bulk");
    for (body, expected) in [
        (json!({"manifestIds": []}), refusal(400, "VALIDATION_FAILED")),
        (json!({}), refusal(400, "VALIDATION_FAILED")),
        (json!({"manifestIds": ["x"]}), refusal(400, "VALIDATION_FAILED")),
        (json!({"manifestIds": [ids[0], foreign]}), refusal(404, "NotFoundException")),
        (json!({"manifestIds": [ids[0], 99]}), refusal(404, "NotFoundException")),
    ] {
        assert_eq!(code(ada.post(&path, body.clone()).await), expected, "{body}");
    }
    let body = json!({"manifestIds": [ids[0]]});
    assert_eq!(code(eve.post(&path, body).await), refusal(403, "PROJECT_FORBIDDEN"));
    assert_eq!(service.objects().await, 3, "nothing was deleted");

    let (status, body) = ada.post(&path, json!({"manifestIds": [ids[0], ids[1], ids[0]]})).await;
    assert_eq!((status.as_u16(), body), (201, json!({"deletedCount": 2})));
    let (_, left) = ada.get(&format!("{upload}/ids")).await;
    assert_eq!(left, json!({"total": 1, "ids": [ids[2]]}));
    assert_eq!(service.objects().await, 1);
    let state = producer.state(&job.parse().unwrap()).await.unwrap();
    assert_eq!((state, producer.counts().await.unwrap().waiting), (QueueState::Gone, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_file_is_for_its_owner_and_for_admins() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let root = service.admin().await;
    let upload = format!("/groups/{}/manifests", workspace.group_id);
    let (_, manifest) = ada.upload(&upload, &[File::pdf(PDF)]).await;
    let id = manifest["id"].as_i64().unwrap();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let response =
        client.get(format!("{}/manifests/{id}/pdf", service.url)).bearer_auth(&ada.token).send().await.unwrap();
    assert_eq!(response.status(), 302);
    let place = response.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(place, format!("/api/uploads/{}", manifest["storagePath"].as_str().unwrap()));
    let place = place.strip_prefix("/api").unwrap();
    for person in [&ada, &root] {
        let response = person.request(Method::GET, place).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/pdf".parse().unwrap())
        );
        assert_eq!(response.bytes().await.unwrap(), PDF);
    }
    assert_eq!(code(eve.get(place).await), refusal(403, "FILE_FORBIDDEN"));
    assert_eq!(code(eve.get(&format!("/manifests/{id}/pdf")).await), refusal(403, "PROJECT_FORBIDDEN"));
    let nobody = client.get(format!("{}{place}", service.url)).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    for stray in ["", "/none", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/manifests", "/%00", "/%ff"] {
        let (status, body) = ada.get(&format!("/uploads{stray}")).await;
        assert!([400, 404].contains(&status.as_u16()), "{stray} {status} {body}");
    }
    assert_eq!(code(ada.get(&format!("{place}/")).await), refusal(404, "FILE_NOT_FOUND"));
    assert_eq!(code(ada.get("/uploads/..%2f..%2fetc%2fpasswd").await), refusal(404, "FILE_NOT_FOUND"));
    service.store.delete(manifest["storagePath"].as_str().unwrap()).await.unwrap();
    assert_eq!(code(ada.get(place).await), refusal(404, "FILE_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_to_a_manifest_is_listed_newest_first() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let id = service.manifest(&workspace, 1).await;
    let manifest = format!("/manifests/{id}");
    let edit = json!({"extractedData": {"total": 1, "items": [{"q": 2}]}, "saveSource": "explicit"});
    ada.send(Method::PATCH, &manifest, edit).await;
    ada.send(Method::PATCH, &manifest, json!({"humanVerified": true})).await;
    let (status, logs) = ada.get(&format!("{manifest}/operation-logs")).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(logs, {"[].id" => 0, "[].userId" => 0, "[].manifestId" => 0, "[].createdAt" => "time"}, @r#"
    [
      {
        "id": 0,
        "manifestId": 0,
        "userId": 0,
        "username": "ada",
        "action": "human_verified",
        "diffs": [],
        "metadata": null,
        "createdAt": "time"
      },
      {
        "id": 0,
        "manifestId": 0,
        "userId": 0,
        "username": "ada",
        "action": "manual_edit",
        "diffs": [
          {
            "path": "total",
            "after": 1,
            "before": null
          },
          {
            "path": "items.0.q",
            "after": 2,
            "before": null
          }
        ],
        "metadata": null,
        "createdAt": "time"
      }
    ]
    "#);
    let (_, logs) = ada.get(&format!("{manifest}/operation-logs?limit=1")).await;
    assert_eq!((logs.as_array().unwrap().len(), &logs[0]["action"]), (1, &json!("human_verified")));
    assert_eq!(code(ada.get(&format!("{manifest}/operation-logs?limit=x")).await), refusal(400, "VALIDATION_FAILED"));
    assert_eq!(code(eve.get(&format!("{manifest}/operation-logs")).await), refusal(403, "PROJECT_FORBIDDEN"));
    // A user who is gone leaves the name.
    service.sql("update operation_logs set user_id = null").await;
    let (_, logs) = ada.get(&format!("{manifest}/operation-logs")).await;
    assert_eq!((&logs[0]["userId"], &logs[0]["username"]), (&Value::Null, &json!("ada")));

    assert_eq!(ada.get(&format!("{manifest}/items")).await.1, json!([]));
    assert_eq!(code(eve.get(&format!("{manifest}/items")).await), refusal(403, "PROJECT_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_has_the_fields_of_the_contract() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let id = service.manifest(&workspace, 1).await;
    service
        .sql(&format!(
            "update manifests set status = 'completed', extracted_data = '{{\"b\": 1, \"a\": [1.5]}}', confidence = 0.5,
               purchase_order = 'PO-1', invoice_date = '2026-03-14', department = 'Sales', human_verified = true,
               validation_results = '{{\"errorCount\": 0}}', ocr_result = '{{\"pages\": []}}', ocr_quality_score = 70,
               ocr_processed_at = '2026-03-14T09:26:53Z', text_cost_nano = 1000000, llm_cost_nano = 2500000,
               extraction_cost_nano = 3500000, extraction_cost_currency = 'USD', text_extractor_id = '{}'",
            workspace.extractor_id
        ))
        .await;
    let (_, manifest) = ada.get(&format!("/manifests/{id}")).await;
    insta::assert_json_snapshot!(manifest, {
        ".id" => 0, ".groupId" => 0, ".filename" => "name", ".textExtractorId" => "uuid",
        ".createdAt" => "time", ".updatedAt" => "time"
    }, @r#"
    {
      "id": 0,
      "filename": "name",
      "originalFilename": "invoice.pdf",
      "storagePath": "manifests/1/file",
      "fileSize": 1000,
      "fileType": "pdf",
      "status": "completed",
      "groupId": 0,
      "extractedData": {
        "a": [
          1.5
        ],
        "b": 1
      },
      "confidence": 0.5,
      "purchaseOrder": "PO-1",
      "invoiceDate": "2026-03-14",
      "department": "Sales",
      "humanVerified": true,
      "validationResults": {
        "errorCount": 0
      },
      "ocrResult": null,
      "ocrProcessedAt": "2026-03-14T09:26:53.000Z",
      "ocrQualityScore": 70,
      "textCost": 0.001,
      "llmCost": 0.0025,
      "extractionCost": 0.0035,
      "extractionCostCurrency": "USD",
      "textExtractorId": "uuid",
      "lastError": null,
      "createdAt": "time",
      "updatedAt": "time"
    }
    "#);
    let (_, page) = ada.get(&format!("/groups/{}/manifests", workspace.group_id)).await;
    assert_eq!(page["data"], json!([manifest]), "the list shows the same");
}
