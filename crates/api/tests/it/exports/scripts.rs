use reqwest::StatusCode;
use serde_json::json;
use sluice_test_support::builders::Workspace;

use super::{CSV, XLSX, ask, columns, csv, header, ids, send, sheet};
use crate::fixture::{Person, Service, code, read, refusal};

/// Ada has two manifests, one of which has items.
async fn with_items() -> (Service, Workspace, Person) {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    for number in 1..=2 {
        service.manifest(&workspace, number).await;
    }
    service
        .sql("update manifests set created_at = '2026-03-14T09:26:53.589Z'::timestamptz + id * interval '1 hour', extraction_cost_nano = 5000000")
        .await;
    service.sql("update manifests set extracted_data = '{\"items\": [{\"n\": 1}, {\"n\": 2}]}' where id = 1").await;
    (service, workspace, ada)
}

async fn script(service: &Service, project_id: i32, name: &str, priority: i32, body: &str) {
    let source = format!("function exportRows(extractedData, ctx) {{ {body} }}").replace('\'', "''");
    let insert = format!(
        "insert into export_scripts (name, project_id, script, enabled, priority)
         values ('{name}', {project_id}, '{source}', {}, {priority})",
        name != "off"
    );
    service.sql(&insert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_script_makes_is_what_the_next_is_given() {
    let (service, workspace, ada) = with_items().await;
    let project = workspace.project_id;
    script(
        &service,
        project,
        "later",
        0,
        "return [{...extractedData, cost: ctx.manifest.extractionCost, as: ctx.format}]",
    )
    .await;
    script(
        &service,
        project,
        "first",
        9,
        "return (extractedData.items || []).map((item, i) => ({line: i, n: item.n}))",
    )
    .await;
    script(&service, project, "off", 99, "throw new Error('never')").await;
    let text = csv(&ada, CSV).await;
    // The second manifest has no items, so the first script leaves it out.
    assert_eq!(ids(&text), [1, 1]);
    assert_eq!(columns(&text), ["line", "n", "cost", "as"]);
    assert!(text.contains(",0,1,0.005,csv\n") && text.ends_with(",1,2,0.005,csv"), "{text}");
    let workbook = send(&ada, XLSX, json!({"manifestIds": [1, 2]})).await.bytes().await.unwrap();
    let rows = sheet(&workbook, 1);
    assert_eq!(rows.lines().count(), 3);
    assert!(rows.contains("<t>xlsx</t>"), "{rows}");
    let meta = sheet(&workbook, 3);
    assert!(meta.contains("<t>manifests</t></is></c><c r=\"B4\"><v>1</v>"), "{meta}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_project_has_its_own_chain() {
    let (service, workspace, ada) = with_items().await;
    let project = workspace.project_id;
    service
        .sql(&format!("insert into projects (name, user_id, llm_model_id) select 'Other', user_id, llm_model_id from projects where id = {project}"))
        .await;
    service.sql("insert into groups (name, project_id) select 'Other', max(id) from projects").await;
    service.sql("update manifests set group_id = (select max(id) from groups) where id = 2").await;
    script(&service, project, "one", 0, "return [{from: ctx.project.name}, {from: ctx.manifest.groupName}]").await;
    let text = csv(&ada, CSV).await;
    assert_eq!((ids(&text), columns(&text)), (vec![2, 1, 1], vec!["from".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_script_fails_before_the_first_byte() {
    let (service, workspace, ada) = with_items().await;
    // The newest manifest passes, the last one does not.
    let body = "if (ctx.manifest.id === 1) { throw new Error('no total') } return [{a: 1}]";
    script(&service, workspace.project_id, "strict", 0, body).await;
    for path in [CSV, XLSX] {
        for response in [ask(&ada, path).await, send(&ada, path, json!({"manifestIds": [1, 2]})).await] {
            assert_eq!(response.status(), StatusCode::BAD_REQUEST);
            assert_eq!(
                (header(&response, "content-disposition"), header(&response, "content-type")),
                ("", "application/json; charset=utf-8")
            );
            let refused = read(response).await;
            let message = refused.1["error"]["message"].as_str().unwrap().to_owned();
            assert!(
                message.starts_with("Export script 1 (strict) failed: ") && message.contains("no total"),
                "{message}"
            );
            assert_eq!(code(refused), refusal(400, "ScriptExecutionException"));
        }
        assert_eq!(ids(&csv(&ada, &format!("{CSV}?filter[items]=zzz")).await), Vec::<i32>::new());
    }
    for (body, told) in [("return {}", "array"), ("return [1]", "object"), ("for (;;) {}", "")] {
        service.sql("delete from export_scripts").await;
        script(&service, workspace.project_id, "wrong", 0, body).await;
        let (status, body) = read(ask(&ada, CSV).await).await;
        let message = body["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            status == StatusCode::BAD_REQUEST && message.contains("(wrong) failed: ") && message.contains(told),
            "{message}"
        );
    }
}
