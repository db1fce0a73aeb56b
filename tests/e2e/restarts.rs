use std::time::Duration;

use serde_json::{Value, json};
use sluice_test_support::builders::good_answer;
use sluice_test_support::documents::invoice_pdf;
use sluice_test_support::{Reply, eventually};

use crate::LONG;
use crate::client::{Client, assert_in_order};
use crate::services::{Person, Services};

const ALL: [&str; 3] = ["sluice-api", "sluice-ws-gateway", "sluice-worker"];

async fn wait_for_call(services: &Services, count: usize) {
    let calls = || async { if services.llm.calls() >= count { Ok(()) } else { Err("the model was not asked") } };
    eventually(LONG, calls).await.unwrap();
}

/// Waits for the job's end as its rows tell it, and checks that it ended well, once, with one charge.
async fn assert_completed_once(ada: &Person, manifest: &Value) {
    let path = format!("/manifests/{manifest}");
    let result = eventually(LONG, || async {
        let result = ada.get(&path).await;
        if result["status"] == "completed" { Ok(result) } else { Err(result) }
    })
    .await
    .unwrap();
    assert_eq!(result["extractedData"]["total"], good_answer()["total"]);
    let history = ada.get(&format!("{path}/extraction-history")).await;
    assert_eq!(history.as_array().unwrap().len(), 1, "{history}");
    assert_eq!((&history[0]["llmInputTokens"], &history[0]["llmOutputTokens"]), (&json!(1234), &json!(567)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_every_service_after_every_step_loses_nothing() {
    let mut services = Services::start().await;
    let ada = services.person().await;
    services.restart(&ALL).await;
    let (status, manifest) = ada.upload("application/pdf", &invoice_pdf("4711")).await;
    assert_eq!(status, 201, "{manifest}");
    let id = &manifest["id"];
    services.restart(&ALL).await;

    let mut socket = Client::connect(&services.socket_url, &ada.token).await;
    socket.subscribe(id).await;
    services.llm.then(Reply::content(good_answer()).delay(Duration::from_secs(3)));
    ada.extract(id).await;
    wait_for_call(&services, 1).await;
    services.restart(&["sluice-api", "sluice-ws-gateway"]).await;
    socket.wait_for("connect").await;
    socket.subscribe(id).await;
    let updates = socket.updates_until_end(id).await;
    assert_in_order(&updates);
    assert_eq!(updates.last().unwrap()["status"], "completed");
    assert_completed_once(&ada, id).await;
    assert_eq!(services.llm.calls(), 1);

    services.restart(&ALL).await;
    assert_completed_once(&ada, id).await;
    assert_eq!(services.llm.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_asked_to_end_while_the_model_works_loses_nothing() {
    let mut services = Services::start().await;
    let ada = services.person().await;
    let (_, manifest) = ada.upload("application/pdf", &invoice_pdf("4711")).await;
    let id = &manifest["id"];
    let mut socket = Client::connect(&services.socket_url, &ada.token).await;
    socket.subscribe(id).await;
    services.llm.then(Reply::content(good_answer()).delay(Duration::from_secs(3)));
    ada.extract(id).await;
    wait_for_call(&services, 1).await;
    services.restart(&["sluice-worker"]).await;
    let updates = socket.updates_until_end(id).await;
    assert_in_order(&updates);
    assert_eq!(updates.last().unwrap()["status"], "completed", "{updates:?}");
    assert_completed_once(&ada, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_worker_takes_over_from_one_killed_while_the_model_works() {
    let mut services = Services::start().await;
    let ada = services.person().await;
    let (_, manifest) = ada.upload("application/pdf", &invoice_pdf("4711")).await;
    let id = &manifest["id"];
    let mut socket = Client::connect(&services.socket_url, &ada.token).await;
    socket.subscribe(id).await;
    services.llm.then(Reply::hang());
    ada.extract(id).await;
    wait_for_call(&services, 1).await;
    services.replace_killed_worker().await;
    let updates = socket.updates_until_end(id).await;
    assert_in_order(&updates);
    assert_eq!(updates.last().unwrap()["status"], "completed", "{updates:?}");
    assert_completed_once(&ada, id).await;
    assert!(services.api.is_running().unwrap() && services.gateway.is_running().unwrap());
}
