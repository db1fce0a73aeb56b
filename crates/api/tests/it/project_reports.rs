//! Reports on projects and extractors over HTTP.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_test_support::builders::Workspace;

use crate::fixture::{Person, Service, code, refusal};

/// A manifest with some columns.
async fn manifest(service: &Service, workspace: &Workspace, number: u32, columns: &str) -> i32 {
    let id = service.manifest(workspace, number).await;
    service.sql(&format!("update manifests set {columns} where id = {id}")).await;
    id
}

/// Two manifests that cost the same and one that was not extracted.
async fn paid_manifests(service: &Service, workspace: &Workspace) {
    let extractor = workspace.extractor_id;
    let paid = |at: &str| {
        format!(
            "created_at = '{at}', status = 'completed', extraction_cost_nano = 10755000,
             extraction_cost_currency = 'USD', text_extractor_id = '{extractor}'"
        )
    };
    manifest(service, workspace, 1, &paid("2026-11-24T00:00:00Z")).await;
    manifest(service, workspace, 2, &paid("2026-11-24T23:59:59.999999Z")).await;
    manifest(service, workspace, 3, "created_at = '2026-11-24T12:00:00Z'").await;
}

/// What was paid in another currency, what was free, and what was read by an extractor that is gone.
async fn mixed_manifests(service: &Service, workspace: &Workspace) {
    let extractor = workspace.extractor_id;
    let euros = format!(
        "created_at = '2026-11-25T00:00:00Z', extraction_cost_nano = 3000000000, extraction_cost_currency = 'EUR',
         text_extractor_id = '{extractor}'"
    );
    manifest(service, workspace, 4, &euros).await;
    manifest(service, workspace, 5, "created_at = '2026-11-23T23:59:59Z', extraction_cost_nano = 0").await;
}

async fn message(person: &Person, path: &str) -> (u16, String) {
    let (status, body) = person.get(path).await;
    (status.as_u16(), body["error"]["message"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_costs_of_a_project_are_those_of_its_manifests() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (other, _) = service.workspace("bob").await;
    let (id, extractor) = (workspace.project_id, workspace.extractor_id);
    let path = format!("/projects/{id}/cost-summary");
    let nothing = json!({"projectId": id, "totalExtractionCost": null, "currency": null, "costByExtractor": [], "costOverTime": []});
    assert_eq!(person.get(&path).await, (200.try_into().unwrap(), nothing));

    paid_manifests(&service, &workspace).await;
    manifest(&service, &other, 9, "extraction_cost_nano = 7, extraction_cost_currency = 'USD'").await;
    let expected = json!({
        "projectId": id, "totalExtractionCost": 0.02151, "currency": "USD",
        "costByExtractor": [{"extractorId": extractor, "extractorName": "Extractor", "currency": "USD",
                             "totalCost": 0.02151, "extractionCount": 2, "averageCost": 0.010755}],
        "costOverTime": [{"date": "2026-11-24", "currency": "USD", "extractionCost": 0.02151}],
    });
    assert_eq!(person.get(&path).await.1, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn currencies_of_a_project_are_never_added_up() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (id, extractor) = (workspace.project_id, workspace.extractor_id);
    paid_manifests(&service, &workspace).await;
    mixed_manifests(&service, &workspace).await;
    let (_, body) = person.get(&format!("/projects/{id}/cost-summary")).await;
    let expected = json!({
        "projectId": id, "totalExtractionCost": null, "currency": null,
        "totalsByCurrency": [
            {"currency": "EUR", "totalExtractionCost": 3.0}, {"currency": "USD", "totalExtractionCost": 0.02151}],
        "costByExtractor": [
            {"extractorId": null, "extractorName": null, "currency": "unknown",
             "totalCost": 0.0, "extractionCount": 1, "averageCost": 0.0},
            {"extractorId": extractor, "extractorName": "Extractor", "currency": "EUR",
             "totalCost": 3.0, "extractionCount": 1, "averageCost": 3.0},
            {"extractorId": extractor, "extractorName": "Extractor", "currency": "USD",
             "totalCost": 0.02151, "extractionCount": 2, "averageCost": 0.010755}],
        "costOverTime": [
            {"date": "2026-11-23", "currency": "unknown", "extractionCost": 0.0},
            {"date": "2026-11-24", "currency": "USD", "extractionCost": 0.02151},
            {"date": "2026-11-25", "currency": "EUR", "extractionCost": 3.0}],
    });
    assert_eq!(body, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_of_days_has_both_its_ends() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    paid_manifests(&service, &workspace).await;
    mixed_manifests(&service, &workspace).await;
    let path = format!("/projects/{}/cost-by-date-range", workspace.project_id);
    let total = async |query: &str| {
        let (_, body) = person.get(&format!("{path}?{query}")).await;
        (body["totalExtractionCost"].clone(), body["currency"].clone(), body["dateRange"].clone())
    };
    let day = json!({"from": "2026-11-24", "to": "2026-11-24"});
    assert_eq!(total("from=2026-11-24&to=2026-11-24").await, (json!(0.02151), json!("USD"), day));
    assert_eq!(total("from=2026-11-24T00:00:00.001Z&to=").await.2, Value::Null);
    let noon = "from=2026-11-24T12:00:00%2B01:00&to=2026-11-24T23:59:59.999999Z";
    assert_eq!(total(noon).await.0, json!(0.010755));
    assert_eq!(total("from=2026-11-25").await, (json!(3.0), json!("EUR"), Value::Null));
    assert_eq!(total("to=2026-11-23").await, (json!(0.0), json!("unknown"), Value::Null));
    assert_eq!(total("from=2026-11-26").await.0, Value::Null);
    assert_eq!(total("from=2026-11-25&to=2026-11-24").await.0, Value::Null);
    for (query, expected) in [
        ("from=x", "from must be a valid date"),
        ("to=2026-02-30", "to must be a valid date"),
        ("from=99999-01-01", "from must be a valid date"),
    ] {
        assert_eq!(message(&person, &format!("{path}?{query}")).await, (400, expected.to_owned()));
    }
    assert_eq!(code(person.get(&format!("{path}?since=2026-01-01")).await), refusal(400, "VALIDATION_FAILED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn analytics_count_manifests_by_state_quality_and_day() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (other, _) = service.workspace("bob").await;
    let path = format!("/projects/{}/analytics", workspace.project_id);
    let nothing = json!({"totalManifests": 0, "statusDistribution": {}, "ocrQuality": [], "activityOverTime": [],
                         "recentCorrectionsCount": 0});
    assert_eq!(person.get(&path).await.1, nothing);

    manifest(&service, &workspace, 1, "status = 'completed', ocr_quality_score = 70").await;
    manifest(&service, &workspace, 2, "status = 'completed', ocr_quality_score = 70").await;
    manifest(&service, &workspace, 3, "status = 'pending'").await;
    manifest(&service, &other, 4, "status = 'failed', ocr_quality_score = 1").await;
    let today = service.text("select (now() at time zone 'utc')::date::text as text").await;
    let expected = json!({
        "totalManifests": 3, "statusDistribution": {"pending": 1, "completed": 2},
        "ocrQuality": [{"quality": "good", "count": 2, "avgScore": 70}, {"quality": "unknown", "count": 1, "avgScore": 0}],
        "activityOverTime": [{"date": today, "total": 3, "completed": 2, "failed": 0}],
        "recentCorrectionsCount": 0,
    });
    assert_eq!(person.get(&path).await.1, expected);

    let old = "status = 'failed', ocr_quality_score = 90, created_at = now() - interval '31 days'";
    let id = manifest(&service, &workspace, 5, old).await;
    manifest(&service, &workspace, 6, "status = 'partial', ocr_quality_score = 69").await;
    manifest(&service, &workspace, 7, "status = 'failed', ocr_quality_score = 0").await;
    for (action, age) in [("human_verified", 1), ("manual_edit", 29), ("manual_edit", 31)] {
        log(&service, id, action, "[]", &format!("now() - interval '{age} days'")).await;
    }
    let expected = json!({
        "totalManifests": 6, "statusDistribution": {"pending": 1, "completed": 2, "partial": 1, "failed": 2},
        "ocrQuality": [
            {"quality": "excellent", "count": 1, "avgScore": 90}, {"quality": "good", "count": 2, "avgScore": 70},
            {"quality": "poor", "count": 2, "avgScore": 35}, {"quality": "unknown", "count": 1, "avgScore": 0}],
        "activityOverTime": [{"date": today, "total": 5, "completed": 2, "failed": 1}],
        "recentCorrectionsCount": 2,
    });
    assert_eq!(person.get(&path).await.1, expected);
}

async fn log(service: &Service, manifest_id: i32, action: &str, diffs: &str, at: &str) {
    let insert = format!(
        "insert into operation_logs (manifest_id, username, action, diffs, created_at)
         values ({manifest_id}, 'ada', '{action}', '{diffs}', {at})"
    );
    service.sql(&insert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recommendations_come_from_what_went_wrong_of_late() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let id = workspace.project_id;
    let path = format!("/projects/{id}/analytics/recommendations");
    assert_eq!(person.get(&path).await.1["recommendations"], json!([]));

    for number in 0..5 {
        let stale = "status = 'pending', created_at = now() - interval '40 days'";
        manifest(&service, &workspace, number, stale).await;
        let failed = "status = 'failed', ocr_quality_score = 60, created_at = now() - interval '29 days'";
        let edited = manifest(&service, &workspace, 10 + number, failed).await;
        manifest(&service, &workspace, 20 + number, "status = 'completed', ocr_quality_score = 95").await;
        // Too long ago to count.
        let old = "status = 'failed', ocr_quality_score = 1, created_at = now() - interval '31 days'";
        manifest(&service, &workspace, 30 + number, old).await;
        let diffs = r#"[{"path": "items.0.total", "before": 1, "after": 2}, {"path": "items.0.total", "before": 2, "after": 3}]"#;
        log(&service, edited, "manual_edit", diffs, "now()").await;
        log(
            &service,
            edited,
            "manual_edit",
            r#"[{"path": "old", "before": 1, "after": 2}]"#,
            "now() - interval '31 days'",
        )
        .await;
    }
    let (_, body) = person.get(&path).await;
    assert!(body["generatedAt"].is_string());
    let expected = json!([
        {"id": "ocr-quality-low", "severity": "critical",
         "titleKey": "analytics.recommendations.ocrQuality.title", "titleVars": {"percent": 50},
         "evidence": [{"labelKey": "analytics.recommendations.ocrQuality.evidence.poorShare",
                       "labelVars": {"poor": 5, "scored": 10}, "value": "50%"}],
         "actionHref": format!("/projects/{id}/settings/extractors"),
         "actionLabelKey": "analytics.recommendations.action.editExtractor"},
        {"id": "model-failure-rate-high", "severity": "critical",
         "titleKey": "analytics.recommendations.modelFailure.title", "titleVars": {"percent": 50},
         "evidence": [{"labelKey": "analytics.recommendations.modelFailure.evidence.failedShare",
                       "labelVars": {"failed": 5, "total": 10}, "value": "50%"}],
         "actionHref": format!("/projects/{id}/settings/models"),
         "actionLabelKey": "analytics.recommendations.action.editModels"},
        {"id": "field-correction-items.0.total", "severity": "info",
         "titleKey": "analytics.recommendations.fieldCorrection.title",
         "titleVars": {"path": "items.0.total", "count": 5},
         "evidence": [{"labelKey": "analytics.recommendations.fieldCorrection.evidence.manifests",
                       "labelVars": {"count": 5}}],
         "actionHref": format!("/projects/{id}/settings/rules?autoGenerateFromCorrections=1"),
         "actionLabelKey": "analytics.recommendations.action.autoDraftRules"},
        {"id": "backlog-stale-manifests", "severity": "info",
         "titleKey": "analytics.recommendations.backlog.title", "titleVars": {"count": 5, "days": 7},
         "evidence": [{"labelKey": "analytics.recommendations.backlog.evidence.count",
                       "labelVars": {"count": 5, "days": 7}}],
         "actionHref": format!("/projects/{id}"),
         "actionLabelKey": "analytics.recommendations.action.viewManifests"},
    ]);
    assert_eq!(body["recommendations"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_project_is_read_page_by_page() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (other, stranger) = service.workspace("bob").await;
    let id = service.manifest(&workspace, 1).await;
    let change = json!({"extractedData": {"total": 2}, "saveSource": "explicit", "humanVerified": true});
    person.send(Method::PATCH, &format!("/manifests/{id}"), change).await;
    log(&service, id, "manual_edit", "[]", "'2026-01-02T03:04:05.678Z'").await;
    let foreign = service.manifest(&other, 2).await;
    log(&service, foreign, "manual_edit", "[]", "now()").await;

    let path = format!("/projects/{}/operation-logs", workspace.project_id);
    let (_, all) = person.get(&path).await;
    assert_eq!(all["meta"], json!({"total": 3, "limit": 50, "offset": 0}));
    let actions: Vec<&Value> = all["data"].as_array().unwrap().iter().map(|log| &log["action"]).collect();
    assert_eq!(actions, ["human_verified", "manual_edit", "manual_edit"]);
    assert_eq!(all["data"][1]["diffs"], json!([{"path": "total", "before": null, "after": 2}]));
    assert_eq!(all["data"][1]["userId"], json!(workspace.user_id));
    insta::assert_json_snapshot!(all["data"][2], {
        ".id" => 0, ".manifestId" => 0, ".manifestFilename" => insta::dynamic_redaction(|name, _| {
            assert!(name.as_str().unwrap().ends_with("-invoice.pdf"));
            "uuid-invoice.pdf"
        }),
    }, @r#"
    {
      "id": 0,
      "manifestId": 0,
      "manifestFilename": "uuid-invoice.pdf",
      "userId": null,
      "username": "ada",
      "action": "manual_edit",
      "diffs": [],
      "metadata": null,
      "createdAt": "2026-01-02T03:04:05.678Z"
    }
    "#);
    let (_, page) = person.get(&format!("{path}?limit=1&offset=1")).await;
    assert_eq!(
        (&page["data"], &page["meta"]),
        (&json!([all["data"][1]]), &json!({"total": 3, "limit": 1, "offset": 1}))
    );
    for (query, meta) in [
        ("limit=0&offset=-1", json!({"total": 3, "limit": 1, "offset": 0})),
        ("limit=1000&offset=7", json!({"total": 3, "limit": 200, "offset": 7})),
    ] {
        assert_eq!(person.get(&format!("{path}?{query}")).await.1["meta"], meta);
    }
    assert_eq!(code(person.get(&format!("{path}?limit=x")).await), refusal(400, "VALIDATION_FAILED"));
    assert_eq!(code(stranger.get(&path).await), refusal(403, "PROJECT_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_a_project_are_for_its_owner() {
    let service = Service::start().await;
    let (workspace, _) = service.workspace("ada").await;
    let (_, other) = service.workspace("bob").await;
    let admin = service.admin().await;
    for report in ["cost-summary", "cost-by-date-range", "analytics", "analytics/recommendations", "operation-logs"] {
        let path = format!("/projects/{}/{report}", workspace.project_id);
        for stranger in [&other, &admin] {
            assert_eq!(code(stranger.get(&path).await), refusal(403, "PROJECT_FORBIDDEN"), "{report}");
        }
        let missing = format!("/projects/2147483647/{report}");
        assert_eq!(code(other.get(&missing).await), refusal(404, "PROJECT_NOT_FOUND"), "{report}");
        let nonsense = format!("/projects/x/{report}");
        assert_eq!(code(other.get(&nonsense).await), refusal(400, "BadRequestException"), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_costs_of_an_extractor_are_those_of_own_projects() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (other, stranger) = service.workspace("bob").await;
    let admin = service.admin().await;
    let (id, project) = (workspace.extractor_id, workspace.project_id);
    paid_manifests(&service, &workspace).await;
    let foreign = format!("extraction_cost_nano = 5, extraction_cost_currency = 'USD', text_extractor_id = '{id}'");
    manifest(&service, &other, 9, &foreign).await;

    let path = format!("/extractors/{id}/cost-summary");
    let expected = json!({
        "extractorId": id, "extractorName": "Extractor", "totalExtractions": 2, "totalCost": 0.02151,
        "averageCostPerExtraction": 0.010755, "currency": "USD",
        "costBreakdown": {
            "byDate": [{"date": "2026-11-24", "currency": "USD", "count": 2, "cost": 0.02151}],
            "byProject": [{"projectId": project, "projectName": "Project", "currency": "USD", "count": 2, "cost": 0.02151}],
        },
    });
    assert_eq!(person.get(&path).await.1, expected);
    let unused = json!({
        "extractorId": id, "extractorName": "Extractor", "totalExtractions": 0, "totalCost": null,
        "averageCostPerExtraction": null, "currency": null, "costBreakdown": {"byDate": [], "byProject": []},
    });
    assert_eq!(admin.get(&path).await.1, unused, "admins see no more than their own");
    assert_eq!(stranger.get(&path).await.1["totalExtractions"], json!(1));

    mixed_manifests(&service, &workspace).await;
    let (_, list) = person.get(&format!("/extractors/cost-summaries?ids={id},{}", other.extractor_id)).await;
    assert_eq!(list.as_array().unwrap().len(), 2);
    let own = list.as_array().unwrap().iter().find(|one| one["extractorId"] == json!(id)).unwrap();
    assert_eq!(
        (&own["totalCost"], &own["currency"], &own["totalExtractions"]),
        (&json!(null), &json!(null), &json!(3))
    );
    let totals = json!([
        {"currency": "EUR", "totalCost": 3.0, "totalExtractions": 1, "averageCostPerExtraction": 3.0},
        {"currency": "USD", "totalCost": 0.02151, "totalExtractions": 2, "averageCostPerExtraction": 0.010755},
    ]);
    assert_eq!(own["totalsByCurrency"], totals);

    let nothing = "00000000-0000-7000-8000-000000000000";
    assert_eq!(person.get("/extractors/cost-summaries?ids=").await.1.as_array().unwrap().len(), 2);
    assert_eq!(person.get(&format!("/extractors/cost-summaries?ids={nothing}")).await.1, json!([]));
    assert_eq!(code(person.get("/extractors/cost-summaries?ids=x").await), refusal(400, "BadRequestException"));
    let missing = format!("/extractors/{nothing}/cost-summary");
    assert_eq!(message(&person, &missing).await, (404, format!("Extractor {nothing} not found")));
    assert_eq!(code(person.get("/extractors/x/cost-summary").await), refusal(404, "NotFoundException"));
}
