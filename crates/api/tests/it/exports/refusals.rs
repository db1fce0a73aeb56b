use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{CSV, XLSX, with_manifests};
use crate::fixture::{code, read, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn input_is_checked() {
    let (_service, _workspace, ada) = with_manifests().await;
    let broken = "status=done&groupId=x&projectId=1.5&humanVerified=1&confidenceMin=2&ocrQualityMax=101&extractionStatus=maybe&\
                  costMin=-1&textExtractorId=7&filter[1a]=x&filter[status]=done&colour=red&page=1";
    let expected = [
        "colour whitelistValidation",
        "confidenceMin max",
        "costMin min",
        "extractionStatus isIn",
        "filter jsonPathMap",
        "filter.status isEnum",
        "groupId isInt",
        "humanVerified isIn",
        "ocrQualityMax max",
        "page whitelistValidation",
        "projectId isInt",
        "status isEnum",
        "textExtractorId isUuid",
    ];
    for path in [CSV, XLSX] {
        let (status, body) = ada.get(&format!("{path}?{broken}")).await;
        let details = body["error"]["details"].as_array().unwrap();
        let mut rules: Vec<_> = details
            .iter()
            .map(|detail| format!("{} {}", detail["path"].as_str().unwrap(), detail["rule"].as_str().unwrap()))
            .collect();
        rules.sort_unstable();
        assert_eq!((status, rules), (StatusCode::BAD_REQUEST, expected.map(str::to_owned).to_vec()));
    }
    for path in [CSV, XLSX, "/manifests/export-bulk"] {
        let ids: Vec<i32> = (1..=5001).collect();
        for body in [
            json!({}),
            json!({"manifestIds": []}),
            json!({"manifestIds": ids}),
            json!({"manifestIds": ["x"]}),
            json!({"manifestIds": [99_999_999_999_i64]}),
            json!({"manifestIds": [1], "format": "csv"}),
        ] {
            assert_eq!(code(ada.post(path, body).await), refusal(400, "VALIDATION_FAILED"));
        }
        let anonymous = reqwest::Client::new()
            .request(Method::POST, ada.request(Method::POST, path).build().unwrap().url().clone());
        assert_eq!(
            code(read(anonymous.json(&json!({"manifestIds": [1]})).send().await.unwrap()).await),
            refusal(401, "AUTH_MISSING_TOKEN")
        );
    }
}
