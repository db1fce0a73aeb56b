#![cfg(test)]

//! Asking a scripted PaddleOCR server.

use std::io::Write;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_core::{Classify, ErrorKind};
use sluice_remote_extractors::paddle_ocr::{Client, File, Layout, Settings};
use sluice_remote_extractors::{PageSize, Result, paddle_ocr};
use sluice_service::SecretBox;
use sluice_test_support::{OcrReply, ScriptedPaddleOcr};
use tempfile::NamedTempFile;

struct Reader {
    server: ScriptedPaddleOcr,
    file: NamedTempFile,
    secrets: SecretBox,
}

impl Reader {
    async fn start(otherwise: OcrReply) -> Self {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(b"%PDF-1.7 a file").unwrap();
        let secrets = SecretBox::from_base64(&SecretBox::generate_key().unwrap()).unwrap();
        Self { server: ScriptedPaddleOcr::start(otherwise).await.unwrap(), file, secrets }
    }

    fn settings(&self, more: Value) -> Settings {
        let mut config = json!({"baseUrl": self.server.base_url()});
        for (key, value) in more.as_object().unwrap() {
            config[key] = value.clone();
        }
        Settings::read("Scans", &config, &self.secrets).unwrap()
    }

    async fn read(&self, more: Value) -> Result<Vec<Layout>> {
        let settings = self.settings(more);
        let file = File { path: self.file.path().to_owned(), is_pdf: true };
        Client::new(Duration::from_millis(1)).unwrap().read(&settings, &file, settings.max_retries()).await
    }
}

#[tokio::test]
async fn every_setting_changes_the_request() {
    let reader = Reader::start(OcrReply::pages(&["Invoice 4711\nTotal 105.00"])).await;
    let layouts = reader.read(json!({})).await.unwrap();
    let page = paddle_ocr::page(&layouts[0], 1, PageSize { width: 595.0, height: 842.0 });
    assert_eq!(page.page.text, "Invoice 4711\nTotal 105.00");
    assert_eq!((page.page.words[1].text.as_str(), page.page.words[1].bounds.y), ("4711", 50.0));
    let sent = reader.server.requests().remove(0);
    assert_eq!((sent.path.as_str(), sent.authorization), ("/", None));
    let expected = json!({
        "image": STANDARD.encode("%PDF-1.7 a file"), "fileType": 0, "useDocOrientationClassify": true, "useDocUnwarping": true,
        "useLayoutDetection": true, "useChartRecognition": false, "layoutNms": true, "repetitionPenalty": 1,
        "temperature": 0, "topP": 1, "visualize": false, "prettifyMarkdown": true, "showFormulaNumber": true});
    assert_eq!(sent.body, expected, "what the settings do not say has the defaults");

    let changed = json!({
        "useDocOrientationClassify": false, "useDocUnwarping": false, "useLayoutDetection": false,
        "useChartRecognition": true, "layoutNms": false, "repetitionPenalty": 1.5, "temperature": 0.25, "topP": 0.5,
        "minPixels": 100, "maxPixels": 2_000_000, "visualize": true, "prettifyMarkdown": false,
        "showFormulaNumber": false});
    let mut settings = changed.clone();
    settings["apiKey"] = json!(reader.secrets.seal("key").unwrap());
    settings["endpoint"] = json!("/read");
    reader.read(settings).await.unwrap();
    let sent = reader.server.requests().remove(1);
    assert_eq!((sent.path.as_str(), sent.authorization.as_deref()), ("/read", Some("Bearer key")));
    for (key, value) in changed.as_object().unwrap() {
        assert_eq!(&sent.body[key], value, "{key}");
    }
}

#[tokio::test]
async fn endpoints_are_tried_in_order_while_there_is_none() {
    let reader = Reader::start(OcrReply::error(404, "{}")).await;
    let error = reader.read(json!({"maxRetries": 5})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().ends_with("has none of the endpoints /, /layout-parsing, /layout_parsing"), "{error}");
    let paths = |reader: &Reader| reader.server.requests().into_iter().map(|sent| sent.path).collect::<Vec<_>>();
    assert_eq!(paths(&reader), ["/", "/layout-parsing", "/layout_parsing"], "what is not there is not asked again");

    for reply in [OcrReply::error(404, ""), OcrReply::error(422, "{\"detail\": \"no file\"}"), OcrReply::pages(&["a"])]
    {
        reader.server.then(reply);
    }
    assert_eq!(reader.read(json!({})).await.unwrap().len(), 1);
    let requests = reader.server.requests().split_off(3);
    let told: Vec<(&str, bool)> =
        requests.iter().map(|sent| (sent.path.as_str(), sent.body.get("file").is_some())).collect();
    assert_eq!(told, [("/", false), ("/layout-parsing", false), ("/layout-parsing", true)]);

    reader.server.then(OcrReply::error(401, ""));
    assert_eq!(reader.read(json!({})).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert_eq!(reader.server.calls(), 7, "another endpoint would refuse the key as well");
}

#[tokio::test]
async fn what_passes_is_tried_again_as_often_as_the_settings_say() {
    let reader = Reader::start(OcrReply::error(503, "{\"errorMsg\": \"busy\"}")).await;
    for tries in [1, 4] {
        let before = reader.server.calls();
        let error = reader.read(json!({"maxRetries": tries})).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().ends_with("answered HTTP 503: busy"), "{error}");
        assert_eq!(reader.server.calls() - before, tries);
    }
    let before = reader.server.calls();
    reader.server.then(OcrReply::error(500, "<html>"));
    reader.server.then(OcrReply::error(429, "").retry_after(0));
    reader.server.then(OcrReply::pages(&["a", "b"]));
    assert_eq!(reader.read(json!({})).await.unwrap().len(), 2);
    assert_eq!(reader.server.calls() - before, 3);
}

#[tokio::test]
async fn what_does_not_pass_or_asks_for_a_long_wait_is_asked_once() {
    let reader = Reader::start(OcrReply::pages(&["a"])).await;
    for (reply, kind, wait) in [
        (OcrReply::error(400, "no picture"), ErrorKind::Invalid, None),
        (OcrReply::error(413, ""), ErrorKind::TooLarge, None),
        (OcrReply::error(200, "<html>"), ErrorKind::Invalid, None),
        (OcrReply::json(&json!({"errorCode": 336_003, "errorMsg": "bad"})), ErrorKind::Invalid, None),
        (OcrReply::json(&json!({"result": {}})), ErrorKind::Invalid, None),
        (OcrReply::error(429, "").retry_after(60), ErrorKind::RateLimited, Some(Duration::from_secs(60))),
    ] {
        let before = reader.server.calls();
        reader.server.then(reply);
        let error = reader.read(json!({})).await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (kind, wait), "{error}");
        assert_eq!(reader.server.calls() - before, 1, "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_slow_or_away_is_named() {
    let reader = Reader::start(OcrReply::hang()).await;
    let error = reader.read(json!({"timeoutMs": 50})).await.unwrap_err();
    assert_eq!((error.kind(), reader.server.calls()), (ErrorKind::Unavailable, 1));
    assert!(error.to_string().starts_with("OCR timed out: http://127.0.0.1:"), "{error}");
    assert!(error.to_string().ends_with("within 0.05 s"), "{error}");
    let port = sluice_test_support::ports::free_port().unwrap();
    let away = format!("http://127.0.0.1:{port}");
    let error = reader.read(json!({"baseUrl": away, "maxRetries": 2})).await.unwrap_err();
    assert_eq!(error.to_string(), format!("OCR service error: {away} can't be reached"));
    assert_eq!(error.kind(), ErrorKind::Unavailable);

    let client = Client::new(Duration::ZERO).unwrap();
    client.check(&reader.settings(json!({}))).await.expect("404 comes from somebody");
    assert!(client.check(&reader.settings(json!({"baseUrl": away}))).await.is_err());
}
