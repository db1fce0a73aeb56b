mod refusals;
mod scripts;
mod size;

use std::io::{Cursor, Read};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sluice_test_support::builders::Workspace;

use crate::fixture::{Person, Service};

const CSV: &str = "/manifests/export/csv";
const XLSX: &str = "/manifests/export/xlsx";
const METADATA: &str = "project_name,group_name,manifest_id,original_filename,status,created_at,confidence,human_verified,\
                        extraction_cost,extraction_cost_currency";

/// Three manifests of Ada: one with everything in it, one half done, one with nothing.
async fn with_manifests() -> (Service, Workspace, Person) {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    for number in 1..=3 {
        service.manifest(&workspace, number).await;
    }
    service
        .sql("update manifests set created_at = '2026-03-14T09:26:53.589Z'::timestamptz + id * interval '1 hour'")
        .await;
    let first = json!({
        "total": 105.0, "po": "=1+1", "paid": true, "note": "two\nlines, \"quoted\"", "credit": -12.5, "delta": "-12.5",
        "phone": "+49 30", "none": null, "items": [{"n": 1.0}], "big": 9_007_199_254_740_993_i64,
    });
    service
        .sql(&format!(
            "update manifests set status = 'completed', confidence = 0.97, human_verified = true, original_filename = '@Größe, 1.pdf',
                 extraction_cost_nano = 10755000, extraction_cost_currency = 'USD', ocr_quality_score = 70,
                 extracted_data = '{first}' where id = 1"
        ))
        .await;
    service
        .sql(
            "update manifests set status = 'completed', confidence = 0.5, ocr_quality_score = 40,
                 validation_results = '{\"errorCount\": 2}', extracted_data = '{\"late\": \"x\", \"po\": \"PO-7\"}' where id = 2",
        )
        .await;
    (service, workspace, ada)
}

async fn ask(person: &Person, path: &str) -> Response {
    person.request(Method::GET, path).send().await.unwrap()
}

async fn send(person: &Person, path: &str, body: Value) -> Response {
    person.request(Method::POST, path).json(&body).send().await.unwrap()
}

async fn csv(person: &Person, path: &str) -> String {
    let response = ask(person, path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

/// The ids that a CSV has, in its order.
fn ids(csv: &str) -> Vec<i32> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    reader.records().map(|record| record.unwrap()[2].parse().unwrap()).collect()
}

/// The columns of the data.
fn columns(csv: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    reader.headers().unwrap().iter().skip(10).map(str::to_owned).collect()
}

/// The rows of a sheet as they stand in the file, one a line.
fn sheet(workbook: &[u8], number: usize) -> String {
    let rows = part(workbook, &format!("xl/worksheets/sheet{number}.xml"));
    let rows = rows.split_once("<sheetData>").unwrap().1.split_once("</sheetData>").unwrap().0;
    rows.replace("</row>", "</row>\n")
}

fn part(workbook: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(workbook)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_is_as_it_was() {
    let (_service, workspace, ada) = with_manifests().await;
    let response =
        ask(&ada, &format!("{CSV}?groupId={}&humanVerified=true&sortBy=filename&order=asc", workspace.group_id)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "content-type"), "text/csv; charset=utf-8");
    let disposition = header(&response, "content-disposition").to_owned();
    let name = disposition.strip_prefix("attachment; filename=\"manifests-group-1-verified-").unwrap();
    let time = name.strip_suffix(".csv\"").unwrap();
    assert!(time.len() == 19 && time.split('-').all(|part| part.parse::<u32>().is_ok()), "{disposition}");
    // The order of keys is that of jsonb: by length, then by letter.
    let expected = format!(
        "{METADATA},po,big,none,note,paid,delta,items,phone,total,credit\n\
         Project,Group,1,\"'@Größe, 1.pdf\",completed,2026-03-14T10:26:53.589Z,0.97,true,0.010755000,USD,\
         '=1+1,9007199254740993,,\"two\nlines, \"\"quoted\"\"\",true,-12.5,\"[{{\"\"n\"\":1}}]\",'+49 30,105,-12.5"
    );
    assert_eq!(response.text().await.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_newest_first_and_columns_as_first_seen() {
    let (_service, workspace, ada) = with_manifests().await;
    let text = csv(&ada, CSV).await;
    assert_eq!(ids(&text), [3, 2, 1]);
    assert_eq!(
        columns(&text),
        ["po", "late", "big", "none", "note", "paid", "delta", "items", "phone", "total", "credit"]
    );
    assert!(
        text.contains("\nProject,Group,2,invoice.pdf,completed,2026-03-14T11:26:53.589Z,0.5,false,,,PO-7,x,,,,,,,,,\n"),
        "{text}"
    );
    assert!(
        text.contains("\nProject,Group,3,invoice.pdf,pending,2026-03-14T12:26:53.589Z,,false,,,,,,,,,,,,,\n"),
        "{text}"
    );
    let nothing = csv(&ada, &format!("{CSV}?status=failed&projectId={}", workspace.project_id)).await;
    assert_eq!(nothing, format!("{METADATA},extractedDataJson"));
    let empty = csv(&ada, &format!("{CSV}?status=pending")).await;
    assert!(
        empty.ends_with(",extractedDataJson\nProject,Group,3,invoice.pdf,pending,2026-03-14T12:26:53.589Z,,false,,,{}"),
        "{empty}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_names_the_columns_of_one_project() {
    let (service, workspace, ada) = with_manifests().await;
    let set = "update schemas set json_schema = json_schema::jsonb || '{\"x-table-columns\": [\"po\", \"items[].n\", \"a.b\", \"=x\"]}'";
    service.sql(set).await;
    service.sql("update manifests set extracted_data = '{\"a\": {\"b\": 7}}' where id = 3").await;
    let named = ["po", "items[].n", "a.b", "'=x"];
    let (project, group) = (workspace.project_id, workspace.group_id);
    for query in [format!("projectId={project}"), format!("groupId={group}"), format!("status=failed&groupId={group}")]
    {
        assert_eq!(columns(&csv(&ada, &format!("{CSV}?{query}")).await), named, "{query}");
    }
    let text = csv(&ada, &format!("{CSV}?groupId={group}&status=pending")).await;
    assert!(text.ends_with(",false,,,,,7,"), "{text}");
    let text = send(&ada, CSV, json!({"manifestIds": [1, 3]})).await.text().await.unwrap();
    assert_eq!(columns(&text), named);
    // Not without one project.
    assert_eq!(columns(&csv(&ada, CSV).await)[0], "a");
    service.sql(&format!("insert into projects (name, user_id, llm_model_id) select 'Other', user_id, llm_model_id from projects where id = {project}")).await;
    service.sql("insert into groups (name, project_id) select 'Other', max(id) from projects").await;
    service.sql("update manifests set group_id = (select max(id) from groups) where id = 2").await;
    let text = send(&ada, CSV, json!({"manifestIds": [1, 2]})).await.text().await.unwrap();
    assert_eq!(columns(&text)[..2], ["po", "late"]);
    // A foreign project's schema is not shown.
    let (_, eve) = service.workspace("eve").await;
    assert_eq!(columns(&csv(&eve, &format!("{CSV}?projectId={project}")).await), ["extractedDataJson"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_those_of_the_list() {
    let (service, workspace, ada) = with_manifests().await;
    service.sql("update manifests set extracted_data = null, validation_results = null where id = 2").await;
    service.sql(&format!("update manifests set text_extractor_id = '{}' where id = 1", workspace.extractor_id)).await;
    let (project, group) = (workspace.project_id, workspace.group_id);
    for (query, expected) in [
        ("status=completed", vec![2, 1]),
        ("humanVerified=false", vec![3, 2]),
        ("confidenceMin=0.5&confidenceMax=0.9", vec![2]),
        ("ocrQualityMin=0&ocrQualityMax=0", vec![3]),
        ("ocrQualityMin=41", vec![1]),
        ("costMin=0.01&costMax=0.0108", vec![1]),
        ("extractorType=local", vec![1]),
        // Data is not demanded.
        ("extractionStatus=Complete", vec![2, 1]),
        ("extractionStatus=partial", vec![]),
        ("extractionStatus=not_extracted", vec![3]),
        // A part of the text, whatever the type.
        ("filter[total]=05", vec![1]),
        ("filter%5Btotal%5D=05&filter[po]=1", vec![1]),
        ("filter[note]=LINES", vec![1]),
        ("filter[status]=pending", vec![3]),
        ("filter[po]=", vec![3, 2, 1]),
    ] {
        assert_eq!(ids(&csv(&ada, &format!("{CSV}?{query}")).await), expected, "{query}");
    }
    let extractor = format!("{CSV}?textExtractorId={}", workspace.extractor_id);
    assert_eq!(ids(&csv(&ada, &extractor).await), [1]);
    assert_eq!(ids(&csv(&ada, &format!("{CSV}?projectId={project}&groupId={group}")).await), [3, 2, 1]);
    assert_eq!(ids(&csv(&ada, &format!("{CSV}?projectId={project}&groupId=999")).await), Vec::<i32>::new());
    service.sql("update manifests set validation_results = '{\"errorCount\": 1}' where id = 2").await;
    assert_eq!(ids(&csv(&ada, &format!("{CSV}?extractionStatus=partial")).await), [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_foreign_or_missing_is_left_out() {
    let (service, workspace, ada) = with_manifests().await;
    let (eves, eve) = service.workspace("eve").await;
    let foreign = service.manifest(&eves, 9).await;
    for path in [CSV, "/manifests/export-bulk"] {
        let list =
            if path == CSV { json!([2, foreign, 1, 777, 2]) } else { json!(["2", foreign.to_string(), "1", "777"]) };
        let response = send(&ada, path, json!({"manifestIds": list})).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        assert!(header(&response, "content-disposition").starts_with("attachment; filename=\"manifests-selected-20"));
        assert_eq!(ids(&response.text().await.unwrap()), [2, 1]);
    }
    assert_eq!(ids(&csv(&eve, CSV).await), [foreign]);
    assert_eq!(ids(&csv(&eve, &format!("{CSV}?groupId={}", workspace.group_id)).await), Vec::<i32>::new());
    // An admin has no more than others here.
    let root = service.admin().await;
    assert_eq!(ids(&csv(&root, CSV).await), Vec::<i32>::new());
    let text = send(&root, CSV, json!({"manifestIds": [1]})).await.text().await.unwrap();
    assert_eq!(text, format!("{METADATA},extractedDataJson"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_has_three_sheets() {
    let (_service, workspace, ada) = with_manifests().await;
    let response = ask(&ada, &format!("{XLSX}?projectId={}&status=completed", workspace.project_id)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    assert_eq!(header(&response, "content-type"), content_type);
    let disposition = header(&response, "content-disposition").to_owned();
    let date = disposition.strip_prefix("attachment; filename=\"manifests-export-filtered-").unwrap();
    assert_eq!(date.strip_suffix(".xlsx\"").unwrap().len(), 10, "{disposition}");
    let size: usize = header(&response, "content-length").parse().unwrap();
    let workbook = response.bytes().await.unwrap();
    assert_eq!(workbook.len(), size);
    let names = part(&workbook, "xl/workbook.xml");
    for name in ["<sheet name=\"Manifests\"", "<sheet name=\"Items\"", "<sheet name=\"Meta\""] {
        assert!(names.contains(name), "{names}");
    }
    insta::assert_snapshot!("manifests_sheet", sheet(&workbook, 1));
    insta::assert_snapshot!("items_sheet", sheet(&workbook, 2));
    let meta = sheet(&workbook, 3);
    let (before, rest) = meta.split_once("<v>4").unwrap();
    let (_, after) = rest.split_once("</v>").unwrap();
    insta::assert_snapshot!("meta_sheet", format!("{before}<v>[now]</v>{after}"));
    let response = send(&ada, XLSX, json!({"manifestIds": [3, 1]})).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert!(header(&response, "content-disposition").contains("manifests-export-selected-20"));
    let meta = sheet(&response.bytes().await.unwrap(), 3);
    assert!(
        meta.contains("<t>selected</t>") && meta.contains("<t>manifestIds</t>") && meta.contains("<t>[3,1]</t>"),
        "{meta}"
    );
}
