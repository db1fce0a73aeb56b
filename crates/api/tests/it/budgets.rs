//! Budgets of projects, and what runs will probably cost.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Service, code, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn a_project_gets_a_budget_and_shows_what_is_left_of_it() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let path = format!("/projects/{}", workspace.project_id);
    assert_eq!(ada.get(&path).await.1.get("budget"), None);
    let change = json!({"budget": {"amount": 12.5, "currency": "USD"}});
    let (status, changed) = ada.send(Method::PATCH, &path, change.clone()).await;
    assert_eq!(status, 200, "{changed}");
    let mut budget = json!({"amount": 12.5, "currency": "USD", "period": "month", "spent": 0.0, "reserved": 0.0,
                            "remaining": 12.5});
    assert_eq!(changed["budget"], budget);
    assert_eq!(code(eve.send(Method::PATCH, &path, change).await), refusal(403, "PROJECT_FORBIDDEN"));
    // What was spent in another currency, or in another month, is no part of it.
    for (month, currency, spent) in [("0", "USD", 10), ("0", "EUR", 7), ("1", "USD", 3)] {
        service
            .sql(&format!(
                "insert into budget_months (project_id, month, currency, spent_nano, reserved_nano) values
                 ({}, (date_trunc('month', now() at time zone 'UTC') - interval '{month} month')::date, '{currency}',
                  {spent}000000000, 500000000)",
                workspace.project_id
            ))
            .await;
    }
    for (name, value) in [("spent", 10.0), ("reserved", 0.5), ("remaining", 2.0)] {
        budget[name] = json!(value);
    }
    assert_eq!(ada.get(&path).await.1["budget"], budget);
    assert_eq!(ada.get("/projects").await.1[0]["budget"], budget);
    let (_, alerts) = ada.get(&format!("/metrics/budget-alerts?projectId={}", workspace.project_id)).await;
    let expected = json!({"userId": workspace.user_id, "projectId": workspace.project_id, "budget": 12.5, "spent": 10.0,
        "remaining": 2.5, "percentageUsed": 80.0, "currency": "USD", "alertLevel": "critical",
        "timestamp": alerts[0]["timestamp"]});
    assert_eq!(alerts, json!([expected]));
    assert_eq!(ada.get("/metrics/dashboard").await.1["budgetAlerts"][0]["percentageUsed"], 80.0);

    for (budget, field, rule) in [
        (json!({"amount": -1, "currency": "USD"}), "budget.amount", "min"),
        (json!({"amount": 1e12, "currency": "USD"}), "budget.amount", "min"),
        (json!({"amount": 1, "currency": ""}), "budget.currency", "minLength"),
        (json!({"amount": 1, "currency": "USD", "period": "week"}), "budget.period", "isIn"),
        (json!({"amount": 1, "currency": "USD", "more": 1}), "budget.more", "whitelistValidation"),
        (json!(7), "budget", "isObject"),
    ] {
        let (status, refused) = ada.send(Method::PATCH, &path, json!({"budget": budget})).await;
        assert_eq!((status.as_u16(), &refused["error"]["details"]), (400, &json!([{"path": field, "rule": rule}])));
    }
    let (_, freed) = ada.send(Method::PATCH, &path, json!({"budget": null})).await;
    assert_eq!(freed.get("budget"), None, "{freed}");
    assert_eq!(code(ada.send(Method::PATCH, &path, json!({})).await), refusal(400, "BadRequestException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_the_cost_by_currency_and_starts_nothing() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let budget = json!({"budget": {"amount": 0.01, "currency": "USD"}});
    ada.send(Method::PATCH, &format!("/projects/{}", workspace.project_id), budget).await;
    let (first, second) = (service.manifest(&workspace, 1).await, service.manifest(&workspace, 2).await);
    service.sql(&format!("update manifests set page_count = 3, text_characters = 6000 where id = {first}")).await;
    let (status, told) = ada.post(&format!("/manifests/{first}/extract"), json!({"dryRun": true})).await;
    assert_eq!((status.as_u16(), &told["dryRun"], &told["currency"]), (201, &json!(true), &json!("USD")), "{told}");
    assert_eq!((&told["pages"], &told["basis"]), (&json!(3), &json!({"text": 1, "pages": 0, "fileSize": 0})));
    let total = &told["totalsByCurrency"][0];
    assert_eq!((&total["textCost"], &told["budgets"][0]["fits"]), (&json!(0.003), &json!(false)));
    assert!(total["llmCost"].as_f64().unwrap() > 0.0 && told["inputTokens"].as_u64().unwrap() > 1_500, "{told}");

    let bulk = json!({"manifestIds": [first, second], "dryRun": true});
    let (_, both) = ada.post("/manifests/extract-bulk", bulk).await;
    assert_eq!((&both["manifestCount"], &both["basis"]["fileSize"]), (&json!(2), &json!(1)), "{both}");
    let matching = json!({"filters": {}, "dryRun": true});
    let path = format!("/groups/{}/manifests/extract-filtered", workspace.group_id);
    assert_eq!(ada.post(&path, matching).await.1["estimatedCost"], both["estimatedCost"]);
    let field = json!({"fieldName": "total", "dryRun": true});
    let (_, part) = ada.post(&format!("/manifests/{first}/re-extract"), field).await;
    assert!(part["outputTokens"].as_u64() < told["outputTokens"].as_u64(), "{part}");
    assert_eq!(service.count("select count(*) from jobs").await, 0, "nothing was started");
    assert_eq!(
        code(ada.post("/manifests/99/extract", json!({"dryRun": true})).await),
        refusal(404, "MANIFEST_NOT_FOUND")
    );

    // Two currencies are never added.
    let pricing = r#"{"llm": {"inputPrice": 1, "outputPrice": 1, "currency": "EUR"}}"#;
    service.sql(&format!("update models set pricing = '{pricing}'")).await;
    let (_, mixed) = ada.post(&format!("/manifests/{first}/extract"), json!({"dryRun": true})).await;
    assert_eq!((&mixed["estimatedCost"], &mixed["currency"]), (&Value::Null, &Value::Null), "{mixed}");
    let currencies: Vec<&Value> =
        mixed["totalsByCurrency"].as_array().unwrap().iter().map(|total| &total["currency"]).collect();
    assert_eq!(currencies, [&json!("EUR"), &json!("USD")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_keeps_its_estimate_so_that_it_can_be_compared() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let manifest = service.manifest(&workspace, 1).await;
    let path = format!("/manifests/{manifest}/extract");
    let (_, told) = ada.post(&path, json!({"dryRun": true})).await;
    ada.post(&path, json!({})).await;
    let (_, history) = ada.get(&format!("/manifests/{manifest}/extraction-history")).await;
    assert_eq!(history[0]["estimatedCost"], told["estimatedCost"], "{history}");
    assert_eq!(history[0]["llmEstimatedCost"], told["totalsByCurrency"][0]["llmCost"]);
    service
        .sql(
            "update jobs set status = 'completed', completed_at = now(), actual_cost_nano = estimated_cost_nano * 2,
             cost_currency = 'USD'",
        )
        .await;
    let (_, accuracy) = ada.get("/metrics/cost-accuracy").await;
    assert_eq!(accuracy[0]["accuracy"], 50.0, "{accuracy}");
}
