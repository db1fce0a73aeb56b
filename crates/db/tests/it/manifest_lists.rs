use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sluice_db::Connection;
use sluice_db::models::manifests::list::{
    DataFilter, ExtractionState, ManifestFilter, OcrQuality, Sort, SortColumn, SortKey, Window, last_errors, list,
};
use sluice_test_support::{Servers, builders};
use uuid::Uuid;

/// What the rows are, by their number.
const COLUMNS: [&str; 5] = [
    "status = 'pending'",
    "status = 'processing', extraction_cost_nano = 5000000",
    r#"status = 'completed', confidence = 0.9, human_verified = true, ocr_quality_score = 95, extraction_cost_nano = 7000000,
       extracted_data = '{"po": {"no": "PO-10_a"}, "total": 12.5}'"#,
    r#"status = 'completed', confidence = 0.5, ocr_quality_score = 40, extracted_data = '{"po": {"no": "AB-2"}}',
       validation_results = '{"errorCount": 2}'"#,
    "status = 'failed', ocr_quality_score = 0",
];

struct Rows {
    connection: Connection,
    group_id: i32,
    extractor_id: Uuid,
    ids: Vec<i32>,
}

impl Rows {
    async fn insert() -> Self {
        let database = Servers::shared().unwrap().database().await.unwrap();
        let mut connection = database.pool.get().await.unwrap();
        let workspace = builders::insert_workspace(&mut connection, "ada", "http://model").await.unwrap();
        let mut ids = Vec::new();
        for (index, columns) in COLUMNS.iter().enumerate() {
            let (key, sha256) = (format!("key/{index}"), format!("{index:064}"));
            let id = builders::insert_manifest(&mut connection, workspace.group_id, &key, &sha256).await.unwrap();
            run(&mut connection, &format!("update manifests set {columns} where id = {id}")).await;
            ids.push(id);
        }
        let set =
            format!("update manifests set text_extractor_id = '{}' where id = {}", workspace.extractor_id, ids[2]);
        run(&mut connection, &set).await;
        Self { connection, group_id: workspace.group_id, extractor_id: workspace.extractor_id, ids }
    }

    /// The numbers of the rows that match, in the order of the list.
    async fn numbers(&mut self, filter: &ManifestFilter, sort: &Sort) -> Vec<usize> {
        let window = Window { offset: 0, limit: 100 };
        let (rows, total) = list(&mut self.connection, self.group_id, filter, sort, window).await.unwrap();
        assert_eq!(usize::try_from(total).unwrap(), rows.len());
        rows.iter().map(|row| self.ids.iter().position(|id| *id == row.id).unwrap()).collect()
    }
}

async fn run(connection: &mut AsyncPgConnection, sql: &str) {
    diesel::sql_query(sql).execute(connection).await.unwrap();
}

fn by(column: SortColumn, descending: bool) -> Sort {
    Sort { key: SortKey::Column(column), descending }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_keeps_what_it_names() {
    let mut rows = Rows::insert().await;
    let extractor_id = rows.extractor_id;
    let all = ManifestFilter::default;
    let extraction = |state| ManifestFilter { extraction: Some(state), ..all() };
    let data = |pattern: &str| ManifestFilter {
        data: vec![DataFilter { path: vec!["po".to_owned(), "no".to_owned()], pattern: pattern.to_owned() }],
        ..all()
    };
    let cases = [
        (all(), vec![0, 1, 2, 3, 4]),
        (ManifestFilter { status: Some("completed".to_owned()), ..all() }, vec![2, 3]),
        (ManifestFilter { human_verified: Some(true), ..all() }, vec![2]),
        (ManifestFilter { human_verified: Some(false), ..all() }, vec![0, 1, 3, 4]),
        (ManifestFilter { confidence_min: Some(0.9), ..all() }, vec![2]),
        (ManifestFilter { confidence_max: Some(0.9), ..all() }, vec![2, 3]),
        (ManifestFilter { ocr_quality: OcrQuality::Unread, ..all() }, vec![0, 1]),
        (ManifestFilter { ocr_quality: OcrQuality::Between(Some(0), Some(40)), ..all() }, vec![3, 4]),
        (ManifestFilter { cost_min_nano: Some(6_000_000), ..all() }, vec![2]),
        (ManifestFilter { cost_max_nano: Some(6_000_000), ..all() }, vec![1]),
        (ManifestFilter { text_extractor_id: Some(extractor_id), ..all() }, vec![2]),
        (ManifestFilter { text_extractor_id: Some(Uuid::nil()), ..all() }, vec![]),
        (ManifestFilter { extractor_type: Some("local".to_owned()), ..all() }, vec![2]),
        (ManifestFilter { extractor_type: Some("vision".to_owned()), ..all() }, vec![]),
        (extraction(ExtractionState::NotExtracted), vec![0]),
        (extraction(ExtractionState::Extracting), vec![1]),
        (extraction(ExtractionState::Complete), vec![2]),
        (extraction(ExtractionState::Partial), vec![3]),
        (extraction(ExtractionState::Failed), vec![4]),
        (data("%po-%"), vec![2]),
        (data("AB_2"), vec![3]),
        (ManifestFilter { human_verified: Some(false), ..data("%a%") }, vec![3]),
    ];
    for (filter, expected) in cases {
        assert_eq!(rows.numbers(&filter, &by(SortColumn::Id, false)).await, expected, "{filter:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_without_a_value_come_last_in_both_directions() {
    let mut rows = Rows::insert().await;
    let all = ManifestFilter::default();
    assert_eq!(rows.numbers(&all, &by(SortColumn::Confidence, false)).await, [3, 2, 0, 1, 4]);
    assert_eq!(rows.numbers(&all, &by(SortColumn::Confidence, true)).await, [2, 3, 4, 1, 0]);
    let path = SortKey::Data(vec!["po".to_owned(), "no".to_owned()]);
    assert_eq!(rows.numbers(&all, &Sort { key: path.clone(), descending: false }).await, [3, 2, 0, 1, 4]);
    assert_eq!(rows.numbers(&all, &Sort { key: path, descending: true }).await, [2, 3, 4, 1, 0]);
    for column in SortColumn::ALL {
        assert_eq!(rows.numbers(&all, &by(*column, true)).await.len(), 5, "{column:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_knows_how_many_match_in_all() {
    let mut rows = Rows::insert().await;
    let window = Window { offset: 3, limit: 3 };
    let all = ManifestFilter::default();
    let (page, total) = list(&mut rows.connection, rows.group_id, &all, &Sort::default(), window).await.unwrap();
    assert_eq!((page.iter().map(|row| row.id).collect::<Vec<_>>(), total), (vec![rows.ids[1], rows.ids[0]], 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_error_is_that_of_the_latest_job_that_has_one() {
    let mut rows = Rows::insert().await;
    let manifest = rows.ids[4];
    for (error, minute) in [("'first'", 1), ("'second'", 2), ("null", 3)] {
        let insert = format!(
            "insert into jobs (manifest_id, kind, status, error_message, completed_at, created_at)
             values ({manifest}, 'extraction', 'failed', {error}, now(), '2026-01-01T00:0{minute}:00Z')"
        );
        run(&mut rows.connection, &insert).await;
    }
    let errors = last_errors(&mut rows.connection, &rows.ids).await.unwrap();
    assert_eq!(errors, [(manifest, "second".to_owned())]);
}
