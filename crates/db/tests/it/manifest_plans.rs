//! How Postgres runs lists of a large group: never by reading the table from end to end, and never by sorting what an index
//! has in order. The plan is looked at, not the time it takes.

use std::collections::BTreeSet;

use diesel_async::RunQueryDsl;
use serde_json::Value;
use sluice_db::Connection;
use sluice_db::models::manifests::duplicates::{NumberQuery, explain_twins, list_twins};
use sluice_db::models::manifests::list::{
    DataFilter, DataOrder, DataTest, ExtractionState, ManifestFilter, Sort, SortColumn, SortKey, Window, explain,
};
use sluice_test_support::{Servers, builders};

/// As many manifests as make reading all of them dear, some of them in another group.
const MANIFESTS: u32 = 12_000;

struct Large {
    connection: Connection,
    project_id: i32,
    group_id: i32,
}

/// What stands in a plan.
#[derive(Debug, Default)]
struct Plan {
    nodes: BTreeSet<String>,
    indexes: BTreeSet<String>,
    /// Tables that are read from end to end.
    scanned: BTreeSet<String>,
}

impl Large {
    async fn insert() -> Self {
        let database = Servers::shared().unwrap().database().await.unwrap();
        let mut connection = database.pool.get().await.unwrap();
        let workspace = builders::insert_workspace(&mut connection, "ada", "http://model").await.unwrap();
        let group_id = workspace.group_id;
        for statement in [
            format!("insert into groups (name, project_id) values ('other', {})", workspace.project_id),
            format!(
                "insert into manifests (group_id, storage_key, filename, original_filename, file_size_bytes, file_type,
                   content_type, content_sha256, status, confidence, extraction_cost_nano, ocr_quality_score, extracted_data,
                   validation_results, created_at)
                 select case when n % 12 = 0 then (select max(id) from groups) else {group_id} end, 'key/' || n, 'file' || n,
                   'invoice ' || n, 1000 + n, 'pdf', 'application/pdf', lpad(n::text, 64, '0'),
                   (array['pending', 'processing', 'completed', 'completed', 'failed'])[1 + n % 5],
                   case when n % 3 > 0 then (n % 100) / 100.0 end, n * 1000, n % 101,
                   jsonb_build_object('total', n * 37 % 10000 / 100.0, 'seller', jsonb_build_object('name', 'Acme ' || n % 500),
                     'date', (date '2020-01-01' + n % 2000)::text, 'paid', n % 2 = 0, 'note', repeat('word ', n % 60)),
                   jsonb_build_object('errorCount', n % 3), timestamptz '2026-01-01' + n * 7919 % 100003 * interval '1 second'
                 from generate_series(1, {MANIFESTS}) n"
            ),
            // Commits are written later here; what is not written yet, a vacuum does not call visible to all.
            "checkpoint".to_owned(),
            "vacuum analyze manifests".to_owned(),
            "vacuum analyze manifest_values".to_owned(),
        ] {
            diesel::sql_query(statement).execute(&mut connection).await.unwrap();
        }
        Self { connection, project_id: workspace.project_id, group_id }
    }

    /// The plan of the count, then those of the runs.
    async fn plans(&mut self, filter: &ManifestFilter, sort: &Sort) -> Vec<Plan> {
        let window = Window { offset: 0, limit: 50 };
        let plans = explain(&mut self.connection, self.group_id, filter, sort, window).await.unwrap();
        plans.iter().map(Plan::read).collect()
    }
}

impl Plan {
    fn read(explained: &Value) -> Self {
        let mut plan = Self::default();
        plan.add(&explained[0]["Plan"]);
        assert!(!plan.nodes.is_empty(), "{explained}");
        plan
    }

    fn add(&mut self, node: &Value) {
        let text = |key: &str| node[key].as_str().map(str::to_owned);
        let kind = text("Node Type").unwrap();
        if kind == "Seq Scan" {
            self.scanned.extend(text("Relation Name"));
        }
        self.nodes.insert(kind);
        self.indexes.extend(text("Index Name"));
        for child in node["Plans"].as_array().into_iter().flatten() {
            self.add(child);
        }
    }

    fn has(&self, index: &str) -> bool {
        self.indexes.contains(index)
    }

    fn check(&self, what: &str) {
        for table in ["manifests", "manifest_values"] {
            assert!(!self.scanned.contains(table), "{what} reads all of {table}: {self:?}");
        }
    }
}

fn data(path: &str, test: DataTest) -> ManifestFilter {
    ManifestFilter { data: vec![DataFilter { path: path.to_owned(), test }], ..ManifestFilter::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_is_that_of_an_index() {
    let mut large = Large::insert().await;
    let all = ManifestFilter::default();
    let columns = SortColumn::ALL.iter().map(|column| {
        let index = match column {
            SortColumn::Id => "manifests_group_id",
            SortColumn::Filename => "manifests_group_original_filename",
            SortColumn::Status => "manifests_group_status",
            SortColumn::Confidence => "manifests_group_confidence",
            SortColumn::HumanVerified => "manifests_group_verified",
            SortColumn::CreatedAt => "manifests_group_created_at",
            SortColumn::UpdatedAt => "manifests_group_updated_at",
            SortColumn::ExtractionCost => "manifests_group_cost",
            SortColumn::OcrQualityScore => "manifests_group_ocr_quality",
            SortColumn::OcrProcessedAt => "manifests_group_ocr_processed_at",
            SortColumn::TextExtractorId => "manifests_group_text_extractor",
            SortColumn::FileSize => "manifests_group_file_size",
            SortColumn::FileType => "manifests_group_file_type",
        };
        (SortKey::Column(*column), index)
    });
    let by_data = |path: &str, order| SortKey::Data(path.to_owned(), order);
    let values = [
        (by_data("total", DataOrder::Number), "manifest_values_number"),
        (by_data("date", DataOrder::Moment), "manifest_values_moment"),
        (by_data("paid", DataOrder::Truth), "manifest_values_truth"),
        (by_data("seller.name", DataOrder::Text), "manifest_values_text"),
    ];
    for (key, index) in columns.chain(values) {
        for descending in [false, true] {
            let sort = Sort { key: key.clone(), descending };
            let plans = large.plans(&all, &sort).await;
            let what = format!("{sort:?}");
            assert!(plans[1].has(index), "{what}: {:?}", plans[1]);
            assert!(!plans[1].nodes.contains("Sort"), "{what}: {:?}", plans[1]);
            plans.iter().for_each(|plan| plan.check(&what));
            assert!(plans[0].nodes.contains("Index Only Scan"), "{what}: {:?}", plans[0]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_by_columns_are_answered_from_an_index_alone() {
    let mut large = Large::insert().await;
    let all = ManifestFilter::default;
    for filter in [
        ManifestFilter { status: Some("failed".to_owned()), ..all() },
        ManifestFilter { human_verified: Some(false), confidence_min: Some(0.3), ..all() },
        ManifestFilter { extraction: Some(ExtractionState::Complete), cost_max_nano: Some(9_000_000), ..all() },
        ManifestFilter { extraction: Some(ExtractionState::Partial), ..all() },
    ] {
        let what = format!("{filter:?}");
        for plan in large.plans(&filter, &Sort::default()).await {
            plan.check(&what);
            assert!(plan.nodes.contains("Index Only Scan"), "{what}: {plan:?}");
        }
    }
    // Few or none have it: the rows themselves may be looked at, found by their extractor.
    let by_type = ManifestFilter { extractor_type: Some("local".to_owned()), ..all() };
    for plan in large.plans(&by_type, &Sort::default()).await {
        plan.check("the type of the extractor");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_by_values_begin_with_the_values() {
    let mut large = Large::insert().await;
    let day = chrono::NaiveDate::from_ymd_opt(2021, 3, 14).unwrap();
    let noon = day.and_hms_opt(12, 0, 0).unwrap().and_utc();
    for (filter, index) in [
        (data("total", DataTest::Number("37.0".to_owned())), "manifest_values_number"),
        (data("date", DataTest::Day(day)), "manifest_values_moment"),
        (data("date", DataTest::Moment(noon)), "manifest_values_moment"),
        (data("seller.name", DataTest::Matches("%acme 77%".to_owned())), "manifest_values_text"),
        (data("note", DataTest::Matches("%rare%".to_owned())), "manifest_values_text"),
    ] {
        let what = format!("{filter:?}");
        for plan in large.plans(&filter, &Sort::default()).await {
            plan.check(&what);
            assert!(plan.has(index), "{what}: {plan:?}");
        }
    }
    // Half of all have this value: from where Postgres begins is its choice, but not with the table.
    let paid = data("paid", DataTest::Truth(true));
    for plan in large.plans(&paid, &Sort::default()).await {
        plan.check("paid");
    }
    let both = ManifestFilter { status: Some("completed".to_owned()), ..paid };
    let by_total = Sort { key: SortKey::Data("total".to_owned(), DataOrder::Number), descending: true };
    for plan in large.plans(&both, &by_total).await {
        plan.check("two filters and an order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_looked_up_in_all_groups_of_a_project() {
    let mut large = Large::insert().await;
    // The same total and the same seller, in two groups: files 24 and 10024. This is how Postgres divides.
    let query = NumberQuery {
        project_id: large.project_id,
        manifest_id: 0,
        number_path: "total",
        number: "8.8800000000000000",
        name_path: Some("seller.name"),
        vat_id_path: None,
    };
    let plan = Plan::read(&explain_twins(&mut large.connection, query).await.unwrap()[0]);
    plan.check("a number");
    assert!(plan.has("manifest_values_text"), "{plan:?}");
    let twins = list_twins(&mut large.connection, query).await.unwrap();
    let found: Vec<(&str, Option<&str>)> =
        twins.iter().map(|twin| (twin.original_filename.as_str(), twin.seller_name.as_deref())).collect();
    assert_eq!(found, [("invoice 24", Some("Acme 24")), ("invoice 10024", Some("Acme 24"))]);
    let of_first = NumberQuery { manifest_id: twins[0].id, ..query };
    assert_eq!(list_twins(&mut large.connection, of_first).await.unwrap(), twins[1..]);
    let elsewhere = NumberQuery { project_id: -1, ..query };
    assert_eq!(list_twins(&mut large.connection, elsewhere).await.unwrap(), []);
}
