//! A database with one of everything.

use chrono::DateTime;
use diesel_async::RunQueryDsl;
use sluice_db::Pool;
use sluice_db::models::jobs::cancel::{self, Endable};
use sluice_db::models::jobs::request::{Requested, Wish, request};
use sluice_db::models::jobs::{self, Job};
use sluice_db::models::manifests;
use sluice_test_support::Servers;
use sluice_test_support::builders::{self, Workspace};
use sluice_test_support::postgres::Database;

/// A database with a workspace and a manifest in it.
pub(crate) struct Fixture {
    pub(crate) pool: Pool,
    pub(crate) url: String,
    pub(crate) workspace: Workspace,
    pub(crate) manifest_id: i32,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let Database { pool, url } = Servers::shared().unwrap().database().await.unwrap();
        let mut connection = pool.get().await.unwrap();
        let workspace = builders::insert_workspace(&mut connection, "ada", "http://model").await.unwrap();
        let sha256 = "0".repeat(64);
        let manifest_id = builders::insert_manifest(&mut connection, workspace.group_id, "key", &sha256).await.unwrap();
        Self { pool, url, workspace, manifest_id }
    }

    pub(crate) async fn request(&self, manifest_ids: &[i32], wish: Wish) -> Vec<Requested> {
        let ids = manifest_ids.to_vec();
        self.pool
            .transaction(move |connection| Box::pin(async move { request(connection, &ids, &wish).await }))
            .await
            .unwrap()
    }

    pub(crate) async fn requested(&self, wish: Wish) -> Requested {
        self.request(&[self.manifest_id], wish).await.remove(0)
    }

    pub(crate) async fn made(&self, wish: Wish) -> Job {
        let requested = self.requested(wish).await;
        assert!(requested.is_new);
        self.job(requested.job_id).await
    }

    pub(crate) async fn job(&self, id: i32) -> Job {
        jobs::find(&mut self.pool.get().await.unwrap(), id).await.unwrap().unwrap()
    }

    pub(crate) async fn add_manifest(&self, group_id: i32, number: u32) -> i32 {
        let mut connection = self.pool.get().await.unwrap();
        let (key, sha256) = (format!("key/{number}"), format!("{number:064}"));
        builders::insert_manifest(&mut connection, group_id, &key, &sha256).await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &str) {
        let mut connection = self.pool.get().await.unwrap();
        diesel::sql_query(sql).execute(&mut connection).await.unwrap();
    }

    /// How Postgres would run a query.
    pub(crate) async fn plan(&self, query: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
            text: String,
        }
        let mut connection = self.pool.get().await.unwrap();
        let lines: Vec<Line> = diesel::sql_query(format!("explain {query}")).load(&mut connection).await.unwrap();
        lines.into_iter().map(|line| line.text + "\n").collect()
    }

    pub(crate) async fn manifest_status(&self) -> String {
        let mut connection = self.pool.get().await.unwrap();
        manifests::find(&mut connection, self.manifest_id).await.unwrap().unwrap().status
    }

    pub(crate) async fn end(&self, id: i32, endable: Endable) -> Option<(Job, String)> {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        self.pool
            .transaction(move |connection| Box::pin(cancel::end(connection, id, "Canceled: enough", endable, now)))
            .await
            .unwrap()
    }
}
