use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Service, code, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_with_filters_and_orders() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    for number in 1..=5 {
        service.manifest(&workspace, number).await;
    }
    service.sql("update manifests set status = 'failed' where id = 2").await;
    service
        .sql("update manifests set status = 'completed', extracted_data = '{\"po\": \"A-7\"}', confidence = 0.9 where id = 3")
        .await;
    service
        .sql("insert into jobs (manifest_id, kind, status, error_message, completed_at) values (2, 'extraction', 'failed', 'no text', now())")
        .await;
    let path = format!("/groups/{}/manifests", workspace.group_id);
    for (query, expected, total) in [
        ("", json!([5, 4, 3, 2, 1]), 5),
        ("?pageSize=2&page=2", json!([3, 2]), 5),
        ("?sortBy=id&order=asc&pageSize=2", json!([1, 2]), 5),
        ("?status=failed", json!([2]), 1),
        ("?extractionStatus=Complete", json!([3]), 1),
        ("?confidenceMin=0.5", json!([3]), 1),
        ("?filter%5Bpo%5D=a-7", json!([3]), 1),
        ("?sortBy=po&order=desc&pageSize=1", json!([3]), 5),
    ] {
        let (status, page) = ada.get(&format!("{path}{query}")).await;
        assert_eq!(status, 200, "{query} {page}");
        let ids: Value = page["data"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
        assert_eq!((ids, page["meta"]["total"].as_i64()), (expected, Some(total)), "{query}");
    }
    let (_, page) = ada.get(&format!("{path}?pageSize=2")).await;
    assert_eq!(page["meta"], json!({"total": 5, "page": 1, "pageSize": 2, "totalPages": 3}));
    let (_, page) = ada.get(&format!("{path}?status=failed")).await;
    assert_eq!(page["data"][0]["lastError"], "no text");
    let (_, failed) = ada.get("/manifests/2").await;
    assert_eq!(failed["lastError"], "no text");

    assert_eq!(code(ada.get(&format!("{path}?pageSize=0")).await), refusal(400, "VALIDATION_FAILED"));
    assert_eq!(code(eve.get(&path).await), refusal(403, "PROJECT_FORBIDDEN"));
    assert_eq!(code(eve.get("/manifests/2").await), refusal(403, "PROJECT_FORBIDDEN"));
    assert_eq!(code(ada.get("/manifests/99").await), refusal(404, "MANIFEST_NOT_FOUND"));
    assert_eq!(code(ada.get("/manifests/x").await), refusal(400, "BadRequestException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_with_errors_is_signed_off_only_on_purpose() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let id = service.manifest(&workspace, 1).await;
    service.sql("update manifests set validation_results = '{\"errorCount\": 2}'").await;
    let path = format!("/manifests/{id}");
    let refused = ada.send(Method::PATCH, &path, json!({"humanVerified": true})).await;
    assert_eq!(refused.1["error"]["params"], json!({"errorCount": 2}));
    assert_eq!(code(refused), refusal(400, "MANIFEST_VALIDATION_FAILED"));
    let on_purpose = json!({"humanVerified": true, "allowValidationErrors": true});
    let (status, manifest) = ada.send(Method::PATCH, &path, on_purpose).await;
    assert_eq!((status.as_u16(), &manifest["humanVerified"]), (200, &json!(true)));
    // An edit takes the signature back, unless it is sent along.
    let (_, manifest) = ada.send(Method::PATCH, &path, json!({"department": "Sales"})).await;
    assert_eq!((&manifest["humanVerified"], &manifest["department"]), (&json!(false), &json!("Sales")));
    let log = logs(&service, id).await;
    assert_eq!(log, [("human_verified".to_owned(), json!([]))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn explicit_edits_are_logged_with_their_differences() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let id = service.manifest(&workspace, 1).await;
    let path = format!("/manifests/{id}");
    let edit = |total: i32, source: &str| json!({"extractedData": {"total": total}, "saveSource": source});
    for total in 1..=9 {
        let (status, manifest) = ada.send(Method::PATCH, &path, edit(total, "explicit")).await;
        assert_eq!((status.as_u16(), manifest.get("_meta")), (200, None), "{manifest}");
    }
    ada.send(Method::PATCH, &path, edit(9, "explicit")).await;
    ada.send(Method::PATCH, &path, edit(100, "auto")).await;
    assert_eq!(logs(&service, id).await.len(), 9, "the same again and what was saved by itself are not logged");
    let (_, manifest) = ada.send(Method::PATCH, &path, edit(10, "explicit")).await;
    assert_eq!(manifest["_meta"], json!({"correctionFeedbackAvailable": true}));
    let (action, diffs) = logs(&service, id).await.remove(0);
    assert_eq!((action.as_str(), diffs), ("manual_edit", json!([{"path": "total", "before": 100, "after": 10}])));
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_checked_and_null_empties() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let id = service.manifest(&workspace, 1).await;
    let path = format!("/manifests/{id}");
    let patch = |body| ada.send(Method::PATCH, &path, body);
    let (_, body) =
        patch(json!({"status": "done", "confidence": 2, "invoiceDate": "soon", "extractedData": [], "x": 1})).await;
    let rules: Vec<_> = body["error"]["details"].as_array().unwrap().iter().map(|detail| &detail["rule"]).collect();
    assert_eq!(rules, ["isEnum", "max", "isObject", "matches", "whitelistValidation"]);
    let (_, manifest) =
        patch(json!({"status": "partial", "invoiceDate": "2026-03-14", "purchaseOrder": "PO", "confidence": 0.5}))
            .await;
    assert_eq!(
        (&manifest["status"], &manifest["invoiceDate"], &manifest["purchaseOrder"], &manifest["confidence"]),
        (&json!("partial"), &json!("2026-03-14"), &json!("PO"), &json!(0.5))
    );
    let (_, manifest) = patch(json!({"purchaseOrder": null, "invoiceDate": null})).await;
    assert_eq!((&manifest["purchaseOrder"], &manifest["invoiceDate"]), (&Value::Null, &Value::Null));
    let (status, _) = patch(json!({})).await;
    assert_eq!(status, 200);
    assert_eq!(code(eve.send(Method::PATCH, &path, json!({})).await), refusal(403, "PROJECT_FORBIDDEN"));
    assert_eq!(code(eve.send(Method::DELETE, &path, json!({})).await), refusal(403, "PROJECT_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_has_a_route_of_its_own() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let id = service.manifest(&workspace, 1).await;
    let path = format!("/manifests/{id}/ocr");
    let none =
        json!({"manifestId": id, "ocrResult": null, "hasOcr": false, "ocrProcessedAt": null, "qualityScore": null});
    assert_eq!(ada.get(&path).await.1, none);
    service
        .sql("update manifests set ocr_result = '{\"pages\": []}', ocr_quality_score = 70, ocr_processed_at = '2026-03-14T09:26:53Z'")
        .await;
    let some = json!({"manifestId": id, "ocrResult": {"pages": []}, "hasOcr": true,
                      "ocrProcessedAt": "2026-03-14T09:26:53.000Z", "qualityScore": 70});
    assert_eq!(ada.get(&path).await.1, some);
    assert_eq!(ada.get(&format!("/manifests/{id}")).await.1["ocrResult"], Value::Null);
    // Its file is not in storage.
    assert_eq!(code(ada.get(&format!("/manifests/{id}/pdf-file")).await), refusal(404, "FILE_NOT_FOUND"));
    assert_eq!(code(ada.get(&format!("/manifests/{id}/file-url")).await), refusal(404, "FILE_NOT_FOUND"));
}

/// Actions and differences, newest first.
async fn logs(service: &Service, manifest_id: i32) -> Vec<(String, Value)> {
    let mut connection = service.pool.get().await.unwrap();
    let logs = sluice_db::models::operation_logs::list_of_manifest(&mut connection, manifest_id, 100).await.unwrap();
    logs.into_iter().map(|log| (log.action, log.diffs)).collect()
}
