//! Extractors over HTTP.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_test_support::{OcrReply, Reply, ScriptedLlm, ScriptedPaddleOcr, process};

use crate::fixture::{Service, code, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn an_extractor_is_made_changed_and_deleted() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let admin = service.admin().await;
    let body = json!({"name": "Scans", "extractorType": "local", "config": {"ocr": "force", "maxPages": 3}});
    let (status, made) = admin.post("/extractors", body).await;
    assert_eq!(status, 201, "{made}");
    insta::assert_json_snapshot!(made, {".id" => "uuid", ".createdAt" => "time", ".updatedAt" => "time"}, @r#"
    {
      "id": "uuid",
      "name": "Scans",
      "description": null,
      "extractorType": "local",
      "config": {
        "ocr": "force",
        "pricing": {
          "mode": "none"
        },
        "maxPages": 3
      },
      "isActive": true,
      "createdAt": "time",
      "updatedAt": "time",
      "usageCount": 0
    }
    "#);
    let path = format!("/extractors/{}", made["id"].as_str().unwrap());
    assert_eq!(person.get(&path).await.1, made);
    let prices = json!({"mode": "page", "currency": "USD", "pricePerPage": 0.001});
    let (status, changed) =
        admin.send(Method::PATCH, &path, json!({"config": {"languages": "eng", "pricing": prices}})).await;
    assert_eq!(status, 200, "{changed}");
    let expected = json!({"ocr": "force", "maxPages": 3, "languages": "eng", "pricing": prices});
    assert_eq!(changed["config"], expected, "what is not sent stays");
    let other = json!({"extractorType": "tesseract", "config": {"lang": "eng"}, "isActive": false});
    let (_, changed) = admin.send(Method::PATCH, &path, other).await;
    assert_eq!(changed["config"], json!({"lang": "eng", "pricing": {"mode": "none"}}));
    assert_eq!(person.get("/extractors?extractorType=tesseract&isActive=false").await.1, json!([changed]));

    let used = format!("/extractors/{}", workspace.extractor_id);
    assert_eq!(person.get(&used).await.1["usageCount"], 1);
    let (status, deleted) = admin.send(Method::DELETE, &used, json!({})).await;
    assert_eq!((status.as_u16(), &deleted["usageCount"]), (200, &json!(1)));
    let (_, project) = person.get(&format!("/projects/{}", workspace.project_id)).await;
    assert_eq!(project["textExtractorId"], Value::Null);
    assert_eq!(code(person.get(&used).await), refusal(404, "NotFoundException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn extractors_are_written_by_admins_and_checked_against_their_type() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let admin = service.admin().await;
    let path = format!("/extractors/{}", workspace.extractor_id);
    for (method, path) in [
        (Method::POST, "/extractors".to_owned()),
        (Method::PATCH, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/test")),
    ] {
        assert_eq!(code(person.send(method, &path, json!({})).await), refusal(403, "ForbiddenException"), "{path}");
    }
    for (kind, config, message) in [
        ("odd", json!({}), "Unknown extractor type: odd"),
        ("local", json!({"baseUrl": "x"}), "Unknown parameter: baseUrl"),
        ("local", json!({"ocr": "maybe"}), "Parameter ocr must be one of auto, force, never"),
        ("tesseract", json!({"psm": 14}), "Parameter psm must be between 0 and 13"),
        (
            "local",
            json!({"pricing": {"mode": "page", "currency": "USD"}}),
            "pricing.pricePerPage is required for mode page",
        ),
    ] {
        let sent = json!({"name": "x", "extractorType": kind, "config": config});
        let (status, refused) = admin.post("/extractors", sent).await;
        assert_eq!((status.as_u16(), refused["error"]["message"].as_str().unwrap()), (400, message));
    }
    let (_, refused) = admin.send(Method::PATCH, &path, json!({"extractorType": "tesseract"})).await;
    assert_eq!(refused["error"]["message"], "Changing extractorType requires config");
    let (_, types) = person.get("/extractors/types").await;
    let ids: Vec<&str> = types.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["local", "tesseract", "paddleocr", "vision-llm"]);
    assert_eq!(types[0]["paramsSchema"]["ocr"]["validation"], json!({"enum": ["auto", "force", "never"]}));
    let (_, presets) = person.get("/extractors/presets").await;
    for preset in presets.as_array().unwrap() {
        let mut sent =
            json!({"name": preset["name"], "extractorType": preset["extractorType"], "config": preset["config"]});
        if preset["extractorType"] == "vision-llm" {
            sent["config"]["apiKey"] = json!("sk-1");
        }
        assert_eq!(admin.post("/extractors", sent).await.0, 201, "{preset}");
    }
}

async fn service_with_sandbox() -> Service {
    let sandbox = process::our_binary("sluice-sandbox").unwrap();
    let pdfium = process::tools_folder().join("lib/libpdfium.so").canonicalize().unwrap();
    let settings =
        [("SLUICE_SANDBOX_BINARY", sandbox.to_str().unwrap()), ("SLUICE_SANDBOX_PDFIUM", pdfium.to_str().unwrap())];
    Service::start_with(&settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_extractors_are_sealed_and_masked() {
    let service = Service::start().await;
    let admin = service.admin().await;
    for (kind, config) in
        [("paddleocr", json!({"apiKey": "key-1"})), ("vision-llm", json!({"apiKey": "key-1", "model": "m"}))]
    {
        let sent = json!({"name": "x", "extractorType": kind, "config": config});
        let (status, made) = admin.post("/extractors", sent.clone()).await;
        assert_eq!((status.as_u16(), &made["config"]["apiKey"]), (201, &json!("********")), "{made}");
        let path = format!("/extractors/{}", made["id"].as_str().unwrap());
        let stored = || async {
            let id = made["id"].as_str().unwrap().parse().unwrap();
            let mut connection = service.pool.get().await.unwrap();
            sluice_db::models::extractors::find(&mut connection, id).await.unwrap().unwrap().config["apiKey"].clone()
        };
        let sealed = stored().await;
        assert!(sealed.as_str().unwrap().starts_with("sealed:"), "{sealed}");
        let unchanged = json!({"config": {"apiKey": "********"}});
        assert_eq!(admin.send(Method::PATCH, &path, unchanged).await.0, 200);
        assert_eq!(stored().await, sealed);
        let masked = json!({"name": "x", "extractorType": kind, "config": {"apiKey": "********", "model": "m"}});
        let (status, _) = admin.post("/extractors", masked).await;
        assert_eq!(status.as_u16(), if kind == "vision-llm" { 400 } else { 201 }, "a mask is no key");
    }
    let (_, refused) =
        admin.post("/extractors", json!({"name": "x", "extractorType": "vision-llm", "config": {}})).await;
    assert_eq!(refused["error"]["message"], "Missing required parameter: apiKey");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_a_service_sends_it_a_page() {
    let service = service_with_sandbox().await;
    let admin = service.admin().await;
    let ocr = ScriptedPaddleOcr::start(OcrReply::pages(&["Sluice 42"])).await.unwrap();
    let llm = ScriptedLlm::start(Reply::content("# Sluice 42")).await.unwrap();
    let make = async |kind: &str, config: Value| {
        let (_, made) = admin.post("/extractors", json!({"name": "x", "extractorType": kind, "config": config})).await;
        format!("/extractors/{}/test", made["id"].as_str().unwrap())
    };
    let path = make("paddleocr", json!({"baseUrl": ocr.base_url(), "apiKey": "key"})).await;
    let (status, told) = admin.post(&path, json!({})).await;
    assert_eq!((status.as_u16(), &told["ok"], &told["message"]), (201, &json!(true), &json!("The server read a page")));
    assert_eq!(ocr.requests()[0].authorization.as_deref(), Some("Bearer key"));
    ocr.then(OcrReply::error(401, "{\"message\": \"no such key\"}"));
    let (_, told) = admin.post(&path, json!({})).await;
    assert_eq!(told["ok"], false);
    assert!(told["message"].as_str().unwrap().ends_with("HTTP 401: no such key"), "{told}");
    let away = make("paddleocr", json!({"baseUrl": "http://127.0.0.1:9"})).await;
    let (_, told) = admin.post(&away, json!({})).await;
    assert_eq!(told["message"], "OCR service error: http://127.0.0.1:9 can't be reached");

    let path = make("vision-llm", json!({"baseUrl": llm.base_url(), "apiKey": "key", "model": "eyes"})).await;
    let (_, told) = admin.post(&path, json!({})).await;
    assert_eq!((&told["ok"], &told["message"]), (&json!(true), &json!("The model read a page")), "{told}");
    let url = llm.requests()[0]["messages"][0]["content"][1]["image_url"]["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("data:image/png;base64,"), "{url}");
    llm.then(Reply::error(400, "this model takes no pictures"));
    let (_, told) = admin.post(&path, json!({})).await;
    assert_eq!(told["ok"], false);
    assert!(told["message"].as_str().unwrap().ends_with("this model takes no pictures"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_really_reads_a_page() {
    let service = service_with_sandbox().await;
    let admin = service.admin().await;
    for (languages, is_good) in [("eng", true), ("xyz", false)] {
        let config = json!({"languages": languages});
        let (_, made) =
            admin.post("/extractors", json!({"name": "x", "extractorType": "local", "config": config})).await;
        let (status, told) = admin.post(&format!("/extractors/{}/test", made["id"].as_str().unwrap()), json!({})).await;
        assert_eq!((status.as_u16(), &told["ok"]), (201, &json!(is_good)), "{told}");
    }
}
