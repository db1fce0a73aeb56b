use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sluice_db::Connection;
use sluice_db::models::manifests::list::{
    DataFilter, DataOrder, DataTest, ExtractionState, ManifestFilter, OcrQuality, Sort, SortColumn, SortKey, Window,
    count, last_errors, list, list_ids,
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

fn containing(path: &str, test: DataTest) -> ManifestFilter {
    ManifestFilter { data: vec![DataFilter { path: path.to_owned(), test }], ..ManifestFilter::default() }
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
    let data = |pattern: &str| containing("po.no", DataTest::Matches(pattern.to_owned()));
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
    let path = SortKey::Data("po.no".to_owned(), DataOrder::Text);
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

/// What values models and people write, at the path `v`; of the last one there are 700 characters, and `needle` at their end.
const VALUES: [&str; 16] = [
    "1",
    "1.0",
    r#""1.00""#,
    "12.5",
    r#""twelve""#,
    "true",
    r#""Yes""#,
    r#""no""#,
    r#""2026-02-30""#,
    r#""2026-03-14""#,
    r#""2026-03-14T12:00:00Z""#,
    r#""2026-03-14T14:00:00+02:00""#,
    r#""2026-03-14T99:00:00Z""#,
    r#"{"deep": {"x": "Rope 20 m"}}"#,
    r#"[{"x": "Rope"}, 1e-7, null]"#,
    "null",
];

/// A group of a manifest for each of [`VALUES`], and one with a long text.
async fn insert_values() -> (Connection, i32, Vec<i32>) {
    let database = Servers::shared().unwrap().database().await.unwrap();
    let mut connection = database.pool.get().await.unwrap();
    let group_id = builders::insert_workspace(&mut connection, "ada", "http://model").await.unwrap().group_id;
    let long = format!("\"{}needle\"", "lorem ipsum ".repeat(58));
    let mut ids = Vec::new();
    for (index, value) in VALUES.into_iter().chain([long.as_str()]).enumerate() {
        let (key, sha256) = (format!("key/{index}"), format!("{index:064}"));
        let id = builders::insert_manifest(&mut connection, group_id, &key, &sha256).await.unwrap();
        let data = format!(r#"{{"v": {value}, "other": "1 needle", "not a name": 1}}"#);
        run(&mut connection, &format!("update manifests set extracted_data = '{data}' where id = {id}")).await;
        ids.push(id);
    }
    (connection, group_id, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_compared_as_what_they_read_as() {
    let (mut connection, group_id, ids) = insert_values().await;
    let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 14).unwrap();
    let noon = day.and_hms_opt(12, 0, 0).unwrap().and_utc();
    let matches = |pattern: &str| DataTest::Matches(pattern.to_owned());
    let cases = [
        ("v", DataTest::Number("1".to_owned()), vec![0, 1, 2]),
        ("v", DataTest::Number("1e0".to_owned()), vec![0, 1, 2]),
        ("v", DataTest::Number("12.50".to_owned()), vec![3]),
        ("v", DataTest::Number("-99999e99".to_owned()), vec![]),
        ("v", DataTest::Truth(true), vec![0, 5, 6]),
        ("v", DataTest::Truth(false), vec![7]),
        ("v", DataTest::Day(day), vec![9, 10, 11]),
        ("v", DataTest::Day(chrono::NaiveDate::MAX), vec![]),
        ("v", DataTest::Moment(noon), vec![10, 11]),
        ("v", matches("%2026-02%"), vec![8]),
        ("v", matches("%ROPE%"), vec![13, 14]),
        ("v.deep.x", matches("rope%"), vec![13]),
        ("v.deep", matches("%rope%"), vec![13]),
        ("v", matches("%needle"), vec![16]),
        ("v", matches("lorem%"), vec![16]),
        ("v", matches("%absent%"), vec![]),
        ("other", matches("%needle%"), (0..17).collect()),
        ("missing", matches("%"), vec![]),
    ];
    for (path, test, expected) in cases {
        let filter = containing(path, test);
        let by_id = by(SortColumn::Id, false);
        let all = Window { offset: 0, limit: 100 };
        let found = list_ids(&mut connection, group_id, &filter, &by_id, all).await.unwrap();
        let expected: Vec<i32> = expected.into_iter().map(|index: usize| ids[index]).collect();
        assert_eq!(found, expected, "{filter:?}");
        let total = count(&mut connection, group_id, &filter).await.unwrap();
        assert_eq!(usize::try_from(total).unwrap(), expected.len(), "{filter:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reads_as_the_type_comes_first_then_by_text_then_what_has_none() {
    let (mut connection, group_id, ids) = insert_values().await;
    let all = ManifestFilter::default();
    for (order, ascending, descending) in [
        (
            DataOrder::Number,
            vec![0, 1, 2, 3, 8, 9, 10, 11, 12, 6, 14, 16, 7, 5, 4, 13, 15],
            vec![3, 2, 1, 0, 13, 4, 5, 7, 16, 14, 6, 12, 11, 10, 9, 8, 15],
        ),
        (
            DataOrder::Truth,
            vec![7, 0, 6, 5, 1, 2, 3, 8, 9, 10, 11, 12, 14, 16, 4, 13, 15],
            vec![5, 6, 0, 7, 13, 4, 16, 14, 12, 11, 10, 9, 8, 3, 2, 1, 15],
        ),
        (
            DataOrder::Moment,
            vec![9, 10, 11, 0, 1, 2, 3, 8, 12, 6, 14, 16, 7, 5, 4, 13, 15],
            vec![11, 10, 9, 13, 4, 5, 7, 16, 14, 6, 12, 8, 3, 2, 1, 0, 15],
        ),
        (
            DataOrder::Text,
            vec![0, 1, 2, 3, 8, 9, 10, 11, 12, 6, 14, 16, 7, 5, 4, 13, 15],
            vec![13, 4, 5, 7, 16, 14, 6, 12, 11, 10, 9, 8, 3, 2, 1, 0, 15],
        ),
    ] {
        for (expected, is_descending) in [(ascending, false), (descending, true)] {
            let sort = Sort { key: SortKey::Data("v".to_owned(), order), descending: is_descending };
            let whole = Window { offset: 0, limit: 100 };
            let found = list_ids(&mut connection, group_id, &all, &sort, whole).await.unwrap();
            let places = |ids_: &[i32]| -> Vec<usize> {
                ids_.iter().map(|id| ids.iter().position(|known| known == id).unwrap()).collect()
            };
            assert_eq!(places(&found), expected, "{order:?} {is_descending}");
            // Pages of every size put the runs together without a gap.
            for size in [1, 3, 5, 16] {
                let mut pages = Vec::new();
                for offset in (0..17).step_by(size) {
                    let window = Window { offset, limit: i64::try_from(size).unwrap() };
                    pages.extend(list_ids(&mut connection, group_id, &all, &sort, window).await.unwrap());
                }
                assert_eq!(pages, found, "{order:?} {is_descending} {size}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_follow_their_manifest() {
    let (mut connection, group_id, ids) = insert_values().await;
    let rows = async |connection: &mut Connection| {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let query = diesel::sql_query("select count(*) as count from manifest_values");
        let Row { count } = query.get_result(connection).await.unwrap();
        count
    };
    // The value and `other` of each, two deeper ones, and none for null.
    assert_eq!(rows(&mut connection).await, 17 * 2 + 2 - 1);
    let set = |data: &str| format!("update manifests set extracted_data = {data} where id = {}", ids[0]);
    run(&mut connection, &set(r#"'{"v": 7}'"#)).await;
    let seven = containing("v", DataTest::Number("7".to_owned()));
    assert_eq!(count(&mut connection, group_id, &seven).await.unwrap(), 1);
    assert_eq!(rows(&mut connection).await, 34);
    run(&mut connection, &set("null")).await;
    assert_eq!(rows(&mut connection).await, 33);
    run(&mut connection, &set("'[1, 2]'")).await;
    assert_eq!(rows(&mut connection).await, 33);
    run(&mut connection, "delete from groups").await;
    assert_eq!(rows(&mut connection).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_event_number_is_no_change() {
    let mut rows = Rows::insert().await;
    let load = async |connection: &mut Connection, id| {
        sluice_db::models::manifests::find(connection, id).await.unwrap().unwrap()
    };
    let id = rows.ids[0];
    let before = load(&mut rows.connection, id).await;
    sluice_db::models::manifests::raise_event_number(&mut rows.connection, id, 7).await.unwrap();
    let after = load(&mut rows.connection, id).await;
    assert_eq!((after.last_event_number, after.updated_at), (7, before.updated_at));
    run(&mut rows.connection, &format!("update manifests set department = 'Sales' where id = {id}")).await;
    assert!(load(&mut rows.connection, id).await.updated_at > before.updated_at);
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
