use serde_json::{Value, json};
use sluice_core::ports::ObjectStore;
use sluice_db::models::jobs::{self, NewJob};
use sluice_test_support::builders::Workspace;
use sluice_test_support::documents;
use sluice_test_support::process::tools_folder;

use crate::fixture::{Person, Service, code, refusal};

/// A page with two words, as the worker keeps it.
fn page() -> Value {
    let word = |text: &str, x: f64, confidence: f64| json!({"text": text, "box": {"x": x, "y": 20.0, "width": 60.0, "height": 10.0}, "confidence": confidence, "line": 0});
    json!({"number": 1, "width": 595.0, "height": 842.0, "turnedDegrees": 90, "source": "ocr", "text": "INV-4711 105.00",
           "markdown": "INV-4711   105.00", "words": [word("INV-4711", 10.0, 0.5), word("105.00", 200.0, 0.75)]})
}

/// A manifest with data, the page that they stand on, and the citations that a job wrote.
async fn cited(service: &Service, workspace: &Workspace) -> (i32, i32) {
    let manifest = service.manifest(workspace, 1).await;
    let job = NewJob {
        manifest_id: manifest,
        kind: "extraction".to_owned(),
        user_id: None,
        request_id: None,
        schema_id: Some(workspace.schema_id),
        schema_version: None,
        llm_model_id: Some(workspace.model_id),
        text_extractor_id: None,
        prompt_id: None,
        field_name: None,
        previous_manifest_status: None,
    };
    let job = jobs::insert(&mut service.pool.get().await.unwrap(), &job).await.unwrap().id;
    service
        .sql(&format!(
            "insert into page_cache (file_sha256, settings_sha256, page_number, page, size_bytes)
             select content_sha256, 'settings', 1, '{}', 1 from manifests where id = {manifest}",
            page()
        ))
        .await;
    service
        .sql(&format!(
            "update manifests set pages_settings_sha256 = 'settings', extracted_data = '{{\"number\": \"INV-4711\", \"total\": 7}}'
             where id = {manifest}"
        ))
        .await;
    service
        .sql(&format!(
            "insert into citations (manifest_id, job_id, path, page_number, x, y, width, height, match_kind, matched_text,
                                    confidence, field_confidence, reasons)
             values ({manifest}, {job}, 'number', 1, 10, 20, 60, 10, 'exact', 'INV-4711', 0.5, 0.75, '{{\"OCR confidence 0.50\"}}'),
                    ({manifest}, {job}, 'total', null, null, null, null, null, 'not_found', null, null, 0.25, '{{\"not found on the page\"}}')"
        ))
        .await;
    (manifest, job)
}

async fn get(person: &Person, path: String) -> Value {
    let (status, body) = person.get(&path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn citations_are_shown_with_their_pages_and_in_the_result_of_their_job() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (manifest, job) = cited(&service, &workspace).await;
    let number = json!({"path": "number", "page": 1, "box": {"x": 10.0, "y": 20.0, "width": 60.0, "height": 10.0},
                        "pageSize": {"width": 595.0, "height": 842.0}, "matchKind": "exact", "text": "INV-4711",
                        "confidence": 0.5, "fieldConfidence": 0.75, "reasons": ["OCR confidence 0.50"]});
    let total = json!({"path": "total", "page": null, "box": null, "matchKind": "not_found", "text": null,
                       "confidence": null, "fieldConfidence": 0.25, "reasons": ["not found on the page"]});
    assert_eq!(get(&ada, format!("/manifests/{manifest}/citations")).await, json!([number, total]));
    let detail = get(&ada, format!("/manifests/{manifest}/extraction-history/{job}")).await;
    assert_eq!((detail["citations"].as_array().unwrap().len(), &detail["citations"][1]), (2, &total));

    // The places stay when the pages are forgotten.
    service.sql("delete from page_cache").await;
    let citations = get(&ada, format!("/manifests/{manifest}/citations")).await;
    assert_eq!((&citations[0]["box"], citations[0].get("pageSize")), (&number["box"], None));
    let other = service.manifest(&workspace, 2).await;
    assert_eq!(get(&ada, format!("/manifests/{other}/citations")).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_known_pages_are_shown() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (manifest, _) = cited(&service, &workspace).await;
    let pages = get(&ada, format!("/manifests/{manifest}/pages")).await;
    assert_eq!(pages, json!([{"page": 1, "width": 595.0, "height": 842.0, "turnedDegrees": 90, "source": "ocr"}]));
    let words = get(&ada, format!("/manifests/{manifest}/pages/1/words")).await;
    assert_eq!(
        words,
        json!({"page": 1, "width": 595.0, "height": 842.0, "turnedDegrees": 90, "source": "ocr", "words": page()["words"]})
    );
    for number in ["2", "0", "-1", "99999999999"] {
        let path = format!("/manifests/{manifest}/pages/{number}/words");
        assert_eq!(code(ada.get(&path).await), refusal(404, "NotFoundException"), "{number}");
    }
    let other = service.manifest(&workspace, 2).await;
    assert_eq!(get(&ada, format!("/manifests/{other}/pages")).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_edit_moves_the_citations_of_what_it_changes() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (manifest, _) = cited(&service, &workspace).await;
    let path = format!("/manifests/{manifest}");
    let edit = async |data: Value| {
        let (status, body) = ada.send(reqwest::Method::PATCH, &path, json!({"extractedData": data})).await;
        assert_eq!(status, 200, "{body}");
        get(&ada, format!("{path}/citations")).await
    };
    let citations = edit(json!({"number": "INV-4711", "total": 105, "note": "by hand"})).await;
    let paths: Vec<&str> = citations.as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["number", "total", "note"]);
    assert_eq!(citations[0]["fieldConfidence"], json!(0.75), "what stays is left alone");
    let expected = json!({"path": "total", "page": 1, "box": {"x": 200.0, "y": 20.0, "width": 60.0, "height": 10.0},
                          "pageSize": {"width": 595.0, "height": 842.0}, "matchKind": "normalized", "text": "105.00",
                          "confidence": 0.75, "fieldConfidence": null, "reasons": ["changed by a person"]});
    assert_eq!(citations[1], expected);
    assert_eq!(citations[2]["matchKind"], "not_found");

    // Of pages that are not known any more nothing is said, and nothing wrong.
    service.sql("delete from page_cache").await;
    let citations = edit(json!({"number": "INV-4711", "total": 8})).await;
    assert_eq!((citations.as_array().unwrap().len(), &citations[0]["path"]), (1, &json!("number")));
    assert_eq!(edit(json!({})).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_drawn_once_and_its_picture_goes_with_the_manifest() {
    let pdfium = tools_folder().join("lib/libpdfium.so").canonicalize().unwrap();
    let service = Service::start_with(&[("SLUICE_SANDBOX_PDFIUM", pdfium.to_str().unwrap())]).await;
    let (workspace, ada) = service.workspace("ada").await;
    let (manifest, _) = cited(&service, &workspace).await;
    let file = documents::invoice_pdf("4711");
    let key = service.storage_key(manifest).await;
    service.store.put(&key, "application/pdf", file.into()).await.unwrap();
    let path = format!("/manifests/{manifest}/pages/1/image");
    let image = get(&ada, path.clone()).await;
    let picture = reqwest::get(image["url"].as_str().unwrap()).await.unwrap();
    assert_eq!((picture.status().as_u16(), &picture.headers()["content-type"]), (200, &"image/png".parse().unwrap()));
    let bytes = picture.bytes().await.unwrap();
    assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 1_000, "{}", bytes.len());
    // The page was turned by 90 degrees to stand upright, so it is wider than high.
    let (width, height) = (image["width"].as_u64().unwrap(), image["height"].as_u64().unwrap());
    assert!(width > height && width <= 1_800, "{image}");
    let again = get(&ada, path.clone()).await;
    let object = |image: &Value| image["url"].as_str().unwrap().split('?').next().unwrap().to_owned();
    assert_eq!((object(&again), &again["width"]), (object(&image), &image["width"]));
    assert_eq!(service.objects().await, 2, "the file and one picture");

    let missing = path.replace("/pages/1/", "/pages/2/");
    assert_eq!(code(ada.get(&missing).await), refusal(404, "NotFoundException"));
    let (status, _) = ada.send(reqwest::Method::DELETE, &format!("/manifests/{manifest}"), Value::Null).await;
    assert_eq!((status.as_u16(), service.objects().await), (200, 0));
}
