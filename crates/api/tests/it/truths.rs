use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Person, Service};

async fn extracted(service: &Service, manifest: i32) {
    service
        .sql(&format!(
            "update manifests set status = 'completed',
                    extracted_data = '{{\"total\": 5, \"_extraction_info\": {{\"confidence\": 0.9}}}}'
             where id = {manifest}"
        ))
        .await;
}

async fn save(person: &Person, manifest: i32, body: Value) -> (StatusCode, Value) {
    person.send(Method::PUT, &format!("/manifests/{manifest}/truth"), body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_extracted_or_what_is_sent_is_the_truth_until_it_is_forgotten() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let manifest = service.manifest(&workspace, 1).await;
    let path = format!("/manifests/{manifest}/truth");
    let (status, body) = save(&ada, manifest, json!({})).await;
    assert_eq!(
        (status, &body["error"]["message"]),
        (StatusCode::BAD_REQUEST, &json!("Manifest has no extracted data"))
    );
    assert_eq!(ada.get(&path).await.0, StatusCode::NOT_FOUND);

    extracted(&service, manifest).await;
    let (status, body) = save(&ada, manifest, json!({})).await;
    assert_eq!(
        (status, &body["data"], &body["savedBy"]),
        (StatusCode::OK, &json!({"total": 5}), &json!(workspace.user_id))
    );
    let (status, body) = save(&ada, manifest, json!({"data": {"total": 6, "_extraction_info": {}}})).await;
    assert_eq!((status, &body["data"]), (StatusCode::OK, &json!({"total": 6})));
    assert_eq!(ada.get(&path).await, (StatusCode::OK, body));
    // The extraction itself is untouched.
    assert_eq!(ada.get(&format!("/manifests/{manifest}")).await.1["extractedData"]["total"], 5);
    assert_eq!(save(&ada, manifest, json!({"data": [1]})).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(save(&ada, manifest, json!({"more": 1})).await.0, StatusCode::BAD_REQUEST);

    let (status, body) = ada.send(Method::DELETE, &path, json!({})).await;
    assert_eq!((status, &body["data"]), (StatusCode::OK, &json!({"total": 6})));
    assert_eq!(ada.send(Method::DELETE, &path, json!({})).await.0, StatusCode::NOT_FOUND);
    let (_, logs) = ada.get(&format!("/manifests/{manifest}/operation-logs")).await;
    let actions: Vec<&str> = logs.as_array().unwrap().iter().map(|log| log["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["truth_removed", "truth_saved", "truth_saved"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_truths_of_a_project_are_listed_by_page_and_go_with_their_manifests() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (foreign, bob) = service.workspace("bob").await;
    let other = service.manifest(&foreign, 99).await;
    save(&bob, other, json!({"data": {"total": 1}})).await;
    let mut manifests = Vec::new();
    for number in 1..=3 {
        let manifest = service.manifest(&workspace, number).await;
        assert_eq!(save(&ada, manifest, json!({"data": {"total": number}})).await.0, StatusCode::OK);
        manifests.push(manifest);
    }
    let path = format!("/projects/{}/truths", workspace.project_id);
    let ids = |page: &Value| -> Vec<i64> {
        page["data"].as_array().unwrap().iter().map(|row| row["manifestId"].as_i64().unwrap()).collect()
    };
    let newest_first: Vec<i64> = manifests.iter().rev().map(|id| i64::from(*id)).collect();
    let (_, all) = ada.get(&path).await;
    assert_eq!((ids(&all), &all["meta"]), (newest_first.clone(), &json!({"total": 3, "limit": 50, "offset": 0})));
    assert!(all["data"][0].get("data").is_none() && all["data"][0]["originalFilename"].is_string(), "{all}");
    let (_, second) = ada.get(&format!("{path}?limit=2&offset=2")).await;
    assert_eq!((ids(&second), &second["meta"]["total"]), (newest_first[2..].to_vec(), &json!(3)));
    assert_eq!(ids(&ada.get(&format!("{path}?limit=0&offset=-1")).await.1).len(), 1);

    ada.send(Method::DELETE, &format!("/manifests/{}", manifests[0]), json!({})).await;
    assert_eq!(ada.get(&path).await.1["meta"]["total"], 2);
    assert_eq!(service.count("select count(*) from truths").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_tells_stages_and_calls_in_their_order() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let manifest = service.manifest(&workspace, 1).await;
    let job = service
        .count(&format!(
            "with made as (insert into jobs (manifest_id, kind, user_id) values ({manifest}, 'extraction', {}) returning id)
             select id::bigint as count from made",
            workspace.user_id
        ))
        .await;
    service
        .sql(&format!(
            "insert into job_stages (job_id, stage, attempt, output, started_at, finished_at)
             values ({job}, 'TEXT_EXTRACT', 1, '{{}}', '2026-01-01T00:00:01Z', '2026-01-01T00:00:03.5Z'),
                    ({job}, 'LOAD', 1, '{{}}', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z')"
        ))
        .await;
    service
        .sql(&format!(
            "insert into llm_calls (job_id, attempt, call_number, request_sha256, response, finish_reason, input_tokens,
                                    output_tokens, cost_nano, cost_currency, started_at, finished_at)
             values ({job}, 1, 1, 'a', 'secret', 'stop', 10, 5, 1500000, 'EUR', '2026-01-01T00:00:04Z', '2026-01-01T00:00:05Z')"
        ))
        .await;
    let (status, timeline) = ada.get(&format!("/jobs/job-{job}/timeline")).await;
    assert_eq!(status, StatusCode::OK, "{timeline}");
    let stages: Vec<(&str, i64)> = timeline["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| (stage["stage"].as_str().unwrap(), stage["durationMs"].as_i64().unwrap()))
        .collect();
    assert_eq!(stages, [("LOAD", 1000), ("TEXT_EXTRACT", 2500)]);
    let call = &timeline["calls"][0];
    assert_eq!((&call["inputTokens"], &call["cost"], &call["durationMs"]), (&json!(10), &json!(0.0015), &json!(1000)));
    assert!(!timeline.to_string().contains("secret"), "answers are long and have a route of their own");
}
