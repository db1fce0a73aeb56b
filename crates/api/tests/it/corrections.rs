//! What people corrected, over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Person, Service, code, refusal};

/// Edits of one manifest in the order in which they are given, with pauses of a day.
async fn edit(service: &Service, manifest_id: i32, edits: &[Value]) {
    for (day, diffs) in edits.iter().enumerate() {
        let insert = format!(
            "insert into operation_logs (manifest_id, username, action, diffs, created_at)
             values ({manifest_id}, 'ada', 'manual_edit', '{diffs}', '2026-01-0{}T00:00:00Z')",
            day + 1
        );
        service.sql(&insert).await;
    }
}

fn change(path: &str, before: &str, after: &str) -> Value {
    json!({"path": path, "before": before, "after": after})
}

struct World {
    service: Service,
    person: Person,
    schema: String,
    manifest_id: i32,
}

impl World {
    /// Three edits of one manifest, one of another, and one in somebody else's project.
    async fn start() -> Self {
        let service = Service::start().await;
        let (workspace, person) = service.workspace("ada").await;
        let (other, _) = service.workspace("bob").await;
        let manifest_id = service.manifest(&workspace, 1).await;
        let edits = [
            json!([change("items.0.code", "A1O", "A10")]),
            json!([change("items.1.code", "A1O", "A10"), change("number", "l7", "17")]),
            json!([change("items.0.code", "", "B")]),
        ];
        edit(&service, manifest_id, &edits).await;
        let second = service.manifest(&workspace, 2).await;
        edit(&service, second, &[json!([change("number", "O", "0")])]).await;
        let foreign = service.manifest(&other, 3).await;
        edit(&service, foreign, &[json!([change("secret", "x", "y")])]).await;
        let schema = format!("/schemas/{}", workspace.schema_id);
        Self { service, person, schema, manifest_id }
    }

    async fn get(&self, rest: &str) -> Value {
        let (status, body) = self.person.get(&format!("{}/{rest}", self.schema)).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn analyze(&self, body: Value) -> Value {
        let (status, body) = self.person.post(&format!("{}/correction-analysis", self.schema), body).await;
        assert_eq!(status, 201, "{body}");
        body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_a_project_are_analyzed() {
    let world = World::start().await;
    let expected = json!({
        "totalLogs": 4, "totalDiffs": 5,
        "dateRange": {"from": "2026-01-01T00:00:00.000Z", "to": "2026-01-03T00:00:00.000Z"},
        "topCorrectedFields": [
            {"path": "items.0.code", "count": 2, "examples": [
                {"before": "", "after": "B", "count": 1}, {"before": "A1O", "after": "A10", "count": 1}]},
            {"path": "number", "count": 2, "examples": [
                {"before": "O", "after": "0", "count": 1}, {"before": "l7", "after": "17", "count": 1}]},
            {"path": "items.1.code", "count": 1, "examples": [{"before": "A1O", "after": "A10", "count": 1}]},
        ],
        "ocrConfusions": [
            {"from": "O", "to": "0", "count": 3, "contexts": ["items.*.code", "number"]},
            {"from": "l", "to": "1", "count": 1, "contexts": ["number"]},
        ],
        "summary": {"manifestsWithCorrections": 2, "uniqueFieldsCorrected": 3, "avgDiffsPerLog": 1.3},
    });
    assert_eq!(world.analyze(json!({})).await, expected);
    let recent = world.analyze(json!({"since": "2026-01-02"})).await;
    assert_eq!((&recent["totalLogs"], &recent["totalDiffs"]), (&json!(2), &json!(3)));
    let newest = world.analyze(json!({"limit": 1})).await;
    assert_eq!(newest["dateRange"]["from"], json!("2026-01-03T00:00:00.000Z"));
    let path = format!("{}/correction-analysis", world.schema);
    for (body, expected) in [
        (json!({"limit": 0}), "VALIDATION_FAILED"),
        (json!({"limit": 2001}), "VALIDATION_FAILED"),
        (json!({"more": 1}), "VALIDATION_FAILED"),
        (json!({"since": "x"}), "BadRequestException"),
    ] {
        assert_eq!(code(world.person.post(&path, body).await), refusal(400, expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_a_project_are_counted() {
    let world = World::start().await;
    let expected = |corrections: i64, fields: i64, manifests: i64, is_new: bool| {
        json!({"totalCorrections": corrections, "uniqueFieldsCorrected": fields, "manifestsAffected": manifests,
               "hasNewPatterns": is_new})
    };
    assert_eq!(world.get("correction-summary").await, expected(4, 3, 2, false));
    assert_eq!(world.get("correction-summary?since=2026-01-03").await, expected(1, 1, 1, false));
    assert_eq!(world.get("correction-summary?since=2027-01-01").await, expected(0, 0, 0, false));
    let (_, refused) = world.person.get(&format!("{}/correction-summary?since=x", world.schema)).await;
    assert_eq!(refused["error"]["message"], json!("since must be a valid date"));

    // One that is made over HTTP is newer than the schema.
    let change = json!({"extractedData": {"total": 2}, "saveSource": "explicit"});
    world.person.send(Method::PATCH, &format!("/manifests/{}", world.manifest_id), change).await;
    assert_eq!(world.get("correction-summary").await, expected(5, 4, 2, true));
    world.service.sql("update operation_logs set diffs = '{}'").await;
    assert_eq!(world.get("correction-summary").await, expected(5, 0, 2, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_suggest_rules_and_hints() {
    let world = World::start().await;
    let suggestion = json!({
        "fieldPath": "items.*.code", "correctionCount": 3,
        "patterns": [{"before": "A1O", "after": "A10", "count": 2}],
        "suggestedRule": "Check `items.*.code`: people corrected it 3 times, most often \"A1O\" to \"A10\".",
    });
    assert_eq!(world.get("correction-suggestions").await, json!([suggestion]));
    assert_eq!(world.get("correction-suggestions?threshold=2").await.as_array().unwrap().len(), 2);
    let hints = json!({
        "knownConfusions": [{"from": "O", "to": "0", "context": "items.*.code, number"}],
        "fieldHints": [{"field": "items.*.code", "hint": "people corrected it 3 times, most often \"A1O\" to \"A10\"."}],
    });
    assert_eq!(world.get("generate-domain-hints?threshold=3").await, hints);
    assert_eq!(world.get("generate-domain-hints?threshold=9").await, json!({}));
    for route in ["correction-suggestions", "generate-domain-hints"] {
        let path = format!("{}/{route}?threshold=0", world.schema);
        assert_eq!(code(world.person.get(&path).await), refusal(400, "VALIDATION_FAILED"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn corrections_are_for_owners_and_admins() {
    let world = World::start().await;
    let (_, stranger) = world.service.workspace("eve").await;
    let admin = world.service.admin().await;
    let routes = [
        (Method::POST, "correction-analysis"),
        (Method::GET, "correction-summary"),
        (Method::GET, "correction-suggestions"),
        (Method::GET, "generate-domain-hints"),
    ];
    for (method, route) in routes {
        let path = format!("{}/{route}", world.schema);
        let refused = stranger.send(method.clone(), &path, json!({})).await;
        assert_eq!(code(refused), refusal(403, "PROJECT_FORBIDDEN"), "{route}");
        assert!(admin.send(method.clone(), &path, json!({})).await.0.is_success(), "{route}");
        let missing = format!("/schemas/2147483647/{route}");
        let refused = stranger.send(method.clone(), &missing, json!({})).await;
        assert_eq!(code(refused), refusal(404, "SchemaNotFoundException"), "{route}");
        let refused = stranger.send(method, &format!("/schemas/x/{route}"), json!({})).await;
        assert_eq!(code(refused), refusal(400, "BadRequestException"), "{route}");
    }
}
