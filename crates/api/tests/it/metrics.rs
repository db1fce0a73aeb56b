//! Metrics over HTTP.

use serde_json::{Value, json};
use sluice_test_support::builders::Workspace;

use crate::fixture::{Person, Service, code, refusal};

/// What Appendix A's jobs came to: two pages and 1234 + 567 tokens, in dollars.
const DOLLARS: &str = "cost_currency = 'USD', actual_cost_nano = 10755000, text_actual_cost_nano = 2000000,
    llm_actual_cost_nano = 8755000, pages_processed = 2, llm_input_tokens = 1234, llm_output_tokens = 567";
const EUROS: &str = "cost_currency = 'EUR', actual_cost_nano = 3000000000, text_actual_cost_nano = 1000000000,
    llm_actual_cost_nano = 2000000000, pages_processed = 1, llm_input_tokens = 10, llm_output_tokens = 10";
/// The text was paid in dollars, as the extractor's prices say, and the model in euros, as its calls say.
const BOTH: &str = "text_actual_cost_nano = 5000000, llm_actual_cost_nano = 1000000000, pages_processed = 5,
    llm_input_tokens = 100, llm_output_tokens = 0";
const FREE: &str = "actual_cost_nano = 0, text_actual_cost_nano = 0, llm_actual_cost_nano = 0, pages_processed = 4,
    llm_input_tokens = 7, llm_output_tokens = 3";

/// A service with somebody's manifest.
struct World {
    service: Service,
    workspace: Workspace,
    person: Person,
    manifest_id: i32,
}

impl World {
    async fn start() -> Self {
        let service = Service::start().await;
        let (workspace, person) = service.workspace("ada").await;
        let manifest_id = service.manifest(&workspace, 1).await;
        Self { service, workspace, person, manifest_id }
    }

    /// A completed extraction that was asked for at some time.
    async fn job(&self, at: &str, columns: &str) {
        self.job_of(self.manifest_id, at, columns).await;
    }

    async fn job_of(&self, manifest_id: i32, at: &str, columns: &str) {
        let Workspace { model_id, extractor_id, .. } = self.workspace;
        let insert = format!(
            "insert into jobs (manifest_id, kind, status, completed_at, llm_model_id, text_extractor_id, created_at)
             values ({manifest_id}, 'extraction', 'completed', now(), '{model_id}', '{extractor_id}', {at})"
        );
        self.service.sql(&insert).await;
        let change = format!("update jobs set {columns} where id = (select max(id) from jobs)");
        self.service.sql(&change).await;
    }

    /// A job whose text was paid in another currency than its model.
    async fn job_in_two_currencies(&self, at: &str) {
        self.job(at, BOTH).await;
        let call = "insert into llm_calls (job_id, attempt, call_number, request_sha256, cost_nano, cost_currency,
                                           started_at, finished_at)
                    values ((select max(id) from jobs), 1, 1, 'x', 1000000000, 'EUR', now(), now())";
        self.service.sql(call).await;
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.person.get(path).await;
        assert_eq!(status, 200, "{path} {body}");
        body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_shows_two_months_of_own_documents() {
    let world = World::start().await;
    let (other, stranger) = world.service.workspace("bob").await;
    let admin = world.service.admin().await;
    let start = "date_trunc('month', now(), 'utc')";
    world.job(start, DOLLARS).await;
    world.job("now()", DOLLARS).await;
    world.job(&format!("{start} - interval '1 month' - interval '1 microsecond'"), EUROS).await;
    let failed = format!("{EUROS}, status = 'failed'");
    world.job("now()", &failed).await;
    let foreign = world.service.manifest(&other, 2).await;
    world.job_of(foreign, "now()", EUROS).await;

    let mut body = world.get("/metrics/dashboard").await;
    assert!(body["budgetAlerts"][0]["timestamp"].take().is_string());
    let expected = json!({
        "thisMonth": {"total": 0.02151, "ocr": 0.004, "llm": 0.01751, "documentCount": 2, "currency": "USD"},
        "lastMonth": {"total": null, "documentCount": 0, "currency": null},
        "accuracy": {"average": 0.0, "recent": []},
        "budgetAlerts": [{"userId": world.workspace.user_id, "projectId": 0, "budget": 100.0, "spent": 0.02151,
                          "remaining": 99.97849, "percentageUsed": 0.02151, "currency": "USD",
                          "alertLevel": "warning", "timestamp": null}],
    });
    assert_eq!(body, expected);
    assert_eq!(stranger.get("/metrics/dashboard").await.1["thisMonth"]["total"], json!(3.0));
    let (_, nobody) = admin.get("/metrics/dashboard").await;
    assert_eq!((&nobody["thisMonth"]["documentCount"], &nobody["budgetAlerts"][0]["spent"]), (&json!(0), &json!(0.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_never_adds_up_currencies() {
    let world = World::start().await;
    let last_month = "date_trunc('month', now(), 'utc') - interval '1 microsecond'";
    for at in ["now()", last_month] {
        world.job(at, DOLLARS).await;
        world.job_in_two_currencies(at).await;
        world.job(at, FREE).await;
    }
    let body = world.get("/metrics/dashboard").await;
    let totals = json!([
        {"currency": "EUR", "documentCount": 1, "total": 1.0, "ocr": 0.0, "llm": 1.0},
        {"currency": "USD", "documentCount": 2, "total": 0.015755, "ocr": 0.007, "llm": 0.008755},
    ]);
    let this_month = json!({"total": null, "ocr": null, "llm": null, "documentCount": 3, "currency": null, "totalsByCurrency": totals});
    let last_month = json!({"total": null, "documentCount": 3, "currency": null, "totalsByCurrency": totals});
    assert_eq!((&body["thisMonth"], &body["lastMonth"]), (&this_month, &last_month));
    let alerts: Vec<(&Value, &Value)> =
        body["budgetAlerts"].as_array().unwrap().iter().map(|alert| (&alert["currency"], &alert["spent"])).collect();
    assert_eq!(alerts, [(&json!("EUR"), &json!(1.0)), (&json!("USD"), &json!(0.015755))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_dashboard_adds_up_by_day_model_and_extractor() {
    let world = World::start().await;
    let (other, stranger) = world.service.workspace("bob").await;
    let (model, extractor) = (world.workspace.model_id, world.workspace.extractor_id);
    world.job("'2026-11-24T00:00:00Z'", DOLLARS).await;
    world.job("'2026-11-24T23:59:59.999999Z'", DOLLARS).await;
    let foreign = world.service.manifest(&other, 2).await;
    world.job_of(foreign, "'2026-11-24T12:00:00Z'", EUROS).await;

    let totals = json!({"currency": "USD", "documentCount": 2, "totalCost": 0.02151, "textCost": 0.004, "llmCost": 0.01751,
                        "pagesProcessed": 4, "llmInputTokens": 2468, "llmOutputTokens": 1134});
    let mut day = totals.clone();
    day["date"] = json!("2026-11-24");
    let mut expected = json!({
        "dateRange": {"from": "2020-01-01", "to": "2030-01-01"},
        "totalsByCurrency": [totals],
        "costOverTime": [day],
        "llmByModel": [{"llmModelId": model, "llmModelName": "Model", "currency": "USD", "documentCount": 2,
                        "llmCost": 0.01751, "llmInputTokens": 2468, "llmOutputTokens": 1134,
                        "costPer1kTotalTokens": 0.004861188228761799}],
        "textByExtractor": [{"extractorId": extractor, "extractorName": "Extractor", "currency": "USD",
                             "documentCount": 2, "textCost": 0.004, "pagesProcessed": 4, "costPerPage": 0.001}],
    });
    assert_eq!(world.get("/metrics/cost-dashboard?from=2020-01-01&to=2030-01-01").await, expected);
    expected["dateRange"] = json!({"from": "2026-11-24", "to": "2026-11-24"});
    assert_eq!(world.get("/metrics/cost-dashboard?from=2026-11-24&to=2026-11-24").await, expected);
    let nothing = json!({"totalsByCurrency": [], "costOverTime": [], "llmByModel": [], "textByExtractor": []});
    for query in ["to=2026-11-23", "from=2026-11-25"] {
        assert_eq!(world.get(&format!("/metrics/cost-dashboard?{query}")).await, nothing, "{query}");
    }
    let (_, theirs) = stranger.get("/metrics/cost-dashboard").await;
    assert_eq!(theirs["totalsByCurrency"][0]["totalCost"], json!(3.0));
    let (status, refused) = world.person.get("/metrics/cost-dashboard?from=x").await;
    assert_eq!((status.as_u16(), &refused["error"]["code"]), (400, &json!("BadRequestException")));
    assert_eq!(refused["error"]["message"], json!("from must be a valid date"));
    assert_eq!(refused["error"]["path"], json!("/api/metrics/cost-dashboard?from=x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_count_where_they_cost_something() {
    let world = World::start().await;
    let at = "'2026-11-24T12:00:00Z'";
    world.job(at, DOLLARS).await;
    world.job(at, EUROS).await;
    world.job_in_two_currencies(at).await;
    world.job(at, FREE).await;
    let reading = "kind = 'ocr', llm_model_id = null, cost_currency = 'USD', actual_cost_nano = 1000000,
                   text_actual_cost_nano = 1000000, llm_actual_cost_nano = 0, pages_processed = 1";
    world.job(at, reading).await;
    // The sum of its parts counts when the whole was not noted.
    world.job(at, "cost_currency = 'USD', text_actual_cost_nano = 1000000, llm_actual_cost_nano = 0").await;
    world.job(at, "text_extractor_id = null, llm_model_id = null").await;

    let body = world.get("/metrics/cost-dashboard").await;
    let row = |list: &str, names: &[&str]| -> Vec<Vec<Value>> {
        let rows = body[list].as_array().unwrap();
        rows.iter().map(|row| names.iter().map(|name| row[name].clone()).collect()).collect()
    };
    let totals =
        row("totalsByCurrency", &["currency", "documentCount", "totalCost", "textCost", "llmCost", "pagesProcessed"]);
    let expected = json!([
        ["EUR", 2, 4.0, 1.0, 3.0, 1],
        ["USD", 4, 0.017755, 0.009, 0.008755, 8],
        ["unknown", 2, 0.0, 0.0, 0.0, 4]
    ]);
    assert_eq!(json!(totals), expected);
    let models = row("llmByModel", &["llmModelName", "currency", "documentCount", "llmCost", "llmInputTokens"]);
    let expected =
        json!([["Model", "EUR", 2, 3.0, 110], ["Model", "USD", 1, 0.008755, 1234], ["Model", "unknown", 1, 0.0, 7]]);
    assert_eq!(json!(models), expected, "what only read asked no model");
    let extractors =
        row("textByExtractor", &["extractorName", "currency", "documentCount", "textCost", "pagesProcessed"]);
    let expected = json!([
        ["Extractor", "EUR", 1, 1.0, 1],
        ["Extractor", "USD", 4, 0.009, 8],
        ["Extractor", "unknown", 1, 0.0, 4]
    ]);
    assert_eq!(json!(extractors), expected);

    let pages = world.get("/metrics/ocr-cost-per-page?startDate=2026-11-24&endDate=2026-11-24").await;
    let expected = json!({"extractorId": world.workspace.extractor_id, "extractorName": "Extractor", "currency": "USD",
                          "documentCount": 4, "pages": 8, "cost": 0.009, "costPerPage": 0.001125});
    assert_eq!((pages.as_array().unwrap().len(), &pages[1]), (3, &expected));
    let tokens = world.get("/metrics/llm-cost-per-token").await;
    let expected = json!({"modelId": world.workspace.model_id, "modelName": "Model", "currency": "USD", "documentCount": 1,
                          "inputTokens": 1234, "outputTokens": 567, "tokens": 1801, "cost": 0.008755,
                          "costPer1kTokens": 0.008755 / 1801.0 * 1000.0});
    assert_eq!((tokens.as_array().unwrap().len(), &tokens[1]), (3, &expected));
    for path in ["/metrics/ocr-cost-per-page", "/metrics/llm-cost-per-token"] {
        assert_eq!(world.get(&format!("{path}?startDate=2026-11-25")).await, json!([]));
        let (status, body) = world.person.get(&format!("{path}?endDate=1-1")).await;
        assert_eq!((status.as_u16(), &body["error"]["message"]), (400, &json!("endDate must be a valid date")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_run_over_a_document_has_its_cost() {
    let world = World::start().await;
    let (_, stranger) = world.service.workspace("bob").await;
    world.job("'2026-11-24T01:02:03.004Z'", DOLLARS).await;
    world.job("'2026-11-25T00:00:00Z'", BOTH).await;
    let list = world.get("/metrics/cost-per-document").await;
    let mut oldest = list[1].clone();
    assert!(oldest["filename"].take().as_str().unwrap().ends_with("-invoice.pdf"));
    let expected = json!({
        "manifestId": world.manifest_id, "filename": null, "pageCount": 2, "ocrCost": 0.002, "ocrCostPerPage": 0.001,
        "llmCost": 0.008755, "llmInputTokens": 1234, "llmOutputTokens": 567,
        "llmCostPer1kTokens": 0.008755 / 1801.0 * 1000.0, "totalCost": 0.010755, "currency": "USD",
        "timestamp": "2026-11-24T01:02:03.004Z",
    });
    assert_eq!(oldest, expected);
    assert_eq!((&list[0]["totalCost"], &list[0]["currency"]), (&json!(null), &json!(null)), "paid in two currencies");
    assert_eq!(world.get("/metrics/cost-per-document?limit=1").await, json!([list[0]]));
    assert_eq!(world.get("/metrics/cost-per-document?endDate=2026-11-24").await, json!([list[1]]));
    assert_eq!(stranger.get("/metrics/cost-per-document").await.1, json!([]));
    for query in ["limit=0", "limit=1001", "limit=x"] {
        let path = format!("/metrics/cost-per-document?{query}");
        assert_eq!(code(world.person.get(&path).await), refusal(400, "VALIDATION_FAILED"), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn estimates_are_compared_with_what_was_paid() {
    let world = World::start().await;
    let (_, stranger) = world.service.workspace("bob").await;
    assert_eq!(world.get("/metrics/cost-accuracy").await, json!([]));
    for estimate in [10_755_000, 5_377_500] {
        let columns = format!("{DOLLARS}, estimated_cost_nano = {estimate}, text_estimated_cost_nano = 1000000");
        world.job("'2026-11-24T01:02:03.004Z'", &columns).await;
    }
    world.job("now()", DOLLARS).await;
    let list = world.get("/metrics/cost-accuracy").await;
    let mut first = list[1].clone();
    assert!(first["jobId"].take().is_i64());
    let expected = json!({
        "jobId": null, "manifestId": world.manifest_id, "estimatedCost": 0.010755, "actualCost": 0.010755,
        "accuracy": 100.0, "ocrEstimatedCost": 0.001, "ocrActualCost": 0.002, "llmEstimatedCost": null,
        "llmActualCost": 0.008755, "currency": "USD", "timestamp": "2026-11-24T01:02:03.004Z",
    });
    assert_eq!((list.as_array().unwrap().len(), first), (2, expected));
    assert_eq!(world.get("/metrics/dashboard").await["accuracy"], json!({"average": 75.0, "recent": list}));
    assert_eq!(stranger.get("/metrics/cost-accuracy").await.1, json!([]));
    assert_eq!(world.get("/metrics/cost-accuracy?limit=1").await, json!([list[0]]));
    assert_eq!(code(world.person.get("/metrics/cost-accuracy?limit=0").await), refusal(400, "VALIDATION_FAILED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_that_of_a_project() {
    let world = World::start().await;
    let (_, stranger) = world.service.workspace("bob").await;
    let path = format!("/metrics/budget-alerts?projectId={}", world.workspace.project_id);
    let row = json!({
        "userId": world.workspace.user_id, "projectId": world.workspace.project_id, "budget": 100.0, "spent": 0.0,
        "remaining": 100.0, "percentageUsed": 0.0, "currency": null, "alertLevel": "warning", "timestamp": null,
    });
    let mut body = world.get(&path).await;
    body[0]["timestamp"].take();
    assert_eq!(body, json!([row]));
    world.job("now()", "cost_currency = 'USD', actual_cost_nano = 80000000000").await;
    world.job("date_trunc('month', now(), 'utc') - interval '1 microsecond'", EUROS).await;
    let body = world.get(&path).await;
    assert_eq!((&body[0]["spent"], &body[0]["alertLevel"]), (&json!(80.0), &json!("critical")));
    assert_eq!(body.as_array().unwrap().len(), 1);

    assert_eq!(code(stranger.get(&path).await), refusal(403, "PROJECT_FORBIDDEN"));
    let missing = "/metrics/budget-alerts?projectId=2147483647";
    assert_eq!(code(stranger.get(missing).await), refusal(404, "PROJECT_NOT_FOUND"));
    for query in ["", "?projectId=x", "?projectId=99999999999"] {
        let path = format!("/metrics/budget-alerts{query}");
        let (status, body) = world.person.get(&path).await;
        assert_eq!(
            (status.as_u16(), &body["error"]["details"]),
            (400, &json!([{"path": "projectId", "rule": "isInt"}]))
        );
    }
}
