//! The API holds to its own description, whatever it is asked.

use std::process::Stdio;

use serde_json::json;
use sluice_test_support::documents::invoice_pdf;
use sluice_test_support::process::tools_folder;
use tokio::process::Command;

use crate::services::Services;

/// How many requests of each kind an operation gets.
const EXAMPLES: &str = "12";
/// What is held against the description. Answers are never to be faults of the service, and a token is always needed.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,ignored_auth";
/// Left out: they wait for a worker, or end what the test needs itself.
const EXCLUDED: [&str; 1] = ["refresh_ocr"];

#[tokio::test(flavor = "multi_thread")]
async fn no_request_breaks_the_api_or_gets_an_answer_that_is_not_described() {
    let services = Services::start().await;
    let ada = services.person().await;
    // Something is there under the first key of each kind.
    let (status, manifest) = ada.upload("application/pdf", &invoice_pdf("1")).await;
    assert_eq!(status, 201, "{manifest}");
    ada.extract(&manifest["id"]).await;
    let script = "function validate(data) { return []; }";
    let named = json!({"name": "Nothing", "projectId": "1", "script": script});
    ada.post("/validation/scripts", named).await;
    ada.post("/prompts", json!({"name": "Plain", "type": "system", "content": "Read."})).await;
    let folder = tempfile::tempdir().unwrap();
    let schemathesis = tools_folder().canonicalize().unwrap().join("venv/bin/schemathesis");
    let mut command = Command::new(schemathesis);
    command
        // It writes what it found into the folder that it is started in.
        .current_dir(folder.path())
        .args(["run", &format!("{}/openapi.json", services.api_url())])
        .args(["--header", &format!("Authorization: Bearer {}", ada.token)])
        // One worker: threads that parse at the same time break Python 3.11 ("recursion depth mismatch").
        .args(["--phases", "coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "4711", "--workers", "1"])
        .args(["--checks", CHECKS, "--suppress-health-check", "all", "--request-timeout", "30"])
        .args(["--generation-database", "none", "--warnings", "off"]);
    for operation in EXCLUDED {
        command.args(["--exclude-operation-id", operation]);
    }
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.expect("schemathesis is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}
