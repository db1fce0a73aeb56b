use reqwest::Method;
use serde_json::{Value, json};
use sluice_test_support::builders::good_answer;
use sluice_test_support::documents::invoice_pdf;

use crate::client::{Client, assert_in_order};
use crate::services::{Person, Services};

/// Extracts and follows the job to its end.
async fn run(ada: &Person, socket: &mut Client, manifest: &Value) -> Vec<Value> {
    socket.subscribe(manifest).await;
    ada.extract(manifest).await;
    let updates = socket.updates_until_end(manifest).await;
    assert_in_order(&updates);
    updates
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_goes_all_the_way_by_both_ways_of_upload() {
    let services = Services::start().await;
    let ada = services.person().await;
    let mut socket = Client::connect(&services.socket_url, &ada.token).await;
    // The same invoice in two files.
    let (first, second) = (invoice_pdf("4711"), [invoice_pdf("4711"), b"% copy\n".to_vec()].concat());
    let (status, by_form) = ada.upload("application/pdf", &first).await;
    assert_eq!(status, 201, "{by_form}");
    let by_url = ada.upload_by_signed_url("application/pdf", &second).await;

    for (calls, (manifest, bytes)) in [(&by_form, &first), (&by_url, &second)].into_iter().enumerate() {
        let id = &manifest["id"];
        let updates = run(&ada, &mut socket, id).await;
        let end = updates.last().unwrap();
        assert_eq!((&end["status"], &end["progress"]), (&json!("completed"), &json!(100)), "{end}");
        assert!(end["costBreakdown"]["llm"].is_number() && end["costBreakdown"]["text"].is_number(), "{end}");
        assert_eq!(services.llm.calls(), calls + 1);

        let result = ada.get(&format!("/manifests/{id}")).await;
        assert_eq!((&result["status"], &result["extractedData"]["number"]), (&json!("completed"), &json!("4711")));
        for (name, value) in good_answer().as_object().unwrap() {
            assert_eq!(result["extractedData"][name], *value, "{name}");
        }
        let history = ada.get(&format!("/manifests/{id}/extraction-history")).await;
        assert_eq!(history.as_array().unwrap().len(), 1, "{history}");
        assert_eq!((&history[0]["llmInputTokens"], &history[0]["llmOutputTokens"]), (&json!(1234), &json!(567)));
        let file = ada.request(Method::GET, &format!("/manifests/{id}/pdf-file")).send().await.unwrap();
        assert_eq!(file.bytes().await.unwrap(), *bytes);
    }
}
