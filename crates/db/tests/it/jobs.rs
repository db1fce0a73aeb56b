use chrono::DateTime;
use diesel_async::RunQueryDsl;
use sluice_db::Pool;
use sluice_db::models::jobs::cancel::{self, Endable};
use sluice_db::models::jobs::list::{self, JobScope};
use sluice_db::models::jobs::request::{Requested, request};
use sluice_db::models::jobs::{Job, NewJob};
use sluice_db::models::manifests;
use sluice_test_support::Servers;
use sluice_test_support::builders::{self, Workspace};

struct Fixture {
    pool: Pool,
    workspace: Workspace,
    manifest_id: i32,
}

impl Fixture {
    async fn new() -> Self {
        let pool = Servers::shared().unwrap().database().await.unwrap().pool;
        let mut connection = pool.get().await.unwrap();
        let workspace = builders::insert_workspace(&mut connection, "ada", "http://model").await.unwrap();
        let sha256 = "0".repeat(64);
        let manifest_id = builders::insert_manifest(&mut connection, workspace.group_id, "key", &sha256).await.unwrap();
        Self { pool, workspace, manifest_id }
    }

    fn new_job(&self) -> NewJob {
        NewJob {
            manifest_id: self.manifest_id,
            kind: "extraction".to_owned(),
            user_id: Some(self.workspace.user_id),
            request_id: None,
            schema_id: Some(self.workspace.schema_id),
            schema_version: Some("v1".to_owned()),
            llm_model_id: Some(self.workspace.model_id),
            text_extractor_id: Some(self.workspace.extractor_id),
            prompt_id: None,
            field_name: None,
            previous_manifest_status: None,
        }
    }

    async fn request(&self, job: NewJob) -> Requested {
        self.pool.transaction(move |connection| Box::pin(request(connection, job))).await.unwrap()
    }

    async fn made(&self, job: NewJob) -> Job {
        match self.request(job).await {
            Requested::Made(job) => job,
            Requested::Open(job) => panic!("open: {job:?}"),
        }
    }

    async fn run(&self, sql: &str) {
        let mut connection = self.pool.get().await.unwrap();
        diesel::sql_query(sql).execute(&mut connection).await.unwrap();
    }

    async fn manifest_status(&self) -> String {
        let mut connection = self.pool.get().await.unwrap();
        manifests::find(&mut connection, self.manifest_id).await.unwrap().unwrap().status
    }

    async fn end(&self, id: i32, endable: Endable) -> Option<(Job, String)> {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        self.pool
            .transaction(move |connection| Box::pin(cancel::end(connection, id, "Canceled: enough", endable, now)))
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clicks_at_once_make_one_job_and_another_wish_another() {
    let fixture = Fixture::new().await;
    let (one, other) = tokio::join!(fixture.request(fixture.new_job()), fixture.request(fixture.new_job()));
    let made = [&one, &other].into_iter().filter(|requested| matches!(requested, Requested::Made(_))).count();
    assert_eq!(made, 1, "{one:?} {other:?}");
    let different = fixture.made(NewJob { field_name: Some("total".to_owned()), ..fixture.new_job() }).await;
    assert_eq!(different.field_name.as_deref(), Some("total"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_job_gives_its_manifest_the_status_back() {
    let fixture = Fixture::new().await;
    fixture.run("update manifests set status = 'completed'").await;
    let job = fixture.made(fixture.new_job()).await;
    fixture.run("update manifests set status = 'processing'").await;
    fixture.run("update jobs set status = 'processing'").await;
    assert_eq!(fixture.end(job.id, Endable::Pending).await, None);
    let (canceled, status) = fixture.end(job.id, Endable::Open).await.unwrap();
    assert_eq!((canceled.status.as_str(), canceled.error_message.as_deref()), ("canceled", Some("Canceled: enough")));
    assert_eq!((status.as_str(), fixture.manifest_status().await.as_str()), ("completed", "completed"));
    assert_eq!(fixture.end(job.id, Endable::Open).await, None, "it has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_another_job_works_on_stays_in_processing() {
    let fixture = Fixture::new().await;
    fixture.made(fixture.new_job()).await;
    fixture.run("update manifests set status = 'processing'").await;
    fixture.run("update jobs set status = 'processing'").await;
    let second = fixture.made(NewJob { field_name: Some("total".to_owned()), ..fixture.new_job() }).await;
    assert_eq!(second.previous_manifest_status.as_deref(), Some("pending"), "what the first would give back");
    let (_, status) = fixture.end(second.id, Endable::Pending).await.unwrap();
    assert_eq!(status, "processing");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_the_jobs_of_their_scope() {
    let fixture = Fixture::new().await;
    let job = fixture.made(fixture.new_job()).await;
    let mut connection = fixture.pool.get().await.unwrap();
    let owner = fixture.workspace.user_id;
    for (scope, expected) in [
        (JobScope::All, 1),
        (JobScope::OwnedBy(owner), 1),
        (JobScope::OwnedBy(owner + 1), 0),
        (JobScope::Manifest(fixture.manifest_id), 1),
        (JobScope::Manifest(fixture.manifest_id + 1), 0),
    ] {
        assert_eq!(list::list_recent(&mut connection, scope, 10).await.unwrap().len(), expected, "{scope:?}");
    }
    let history = list::list_of_manifest(&mut connection, fixture.manifest_id, None, 10).await.unwrap();
    assert_eq!(history.iter().map(|row| row.model_name.as_deref()).collect::<Vec<_>>(), [Some("Model")]);
    assert_eq!(list::list_of_manifest(&mut connection, fixture.manifest_id, Some("ocr"), 10).await.unwrap(), []);
    let detail = list::find_in_detail(&mut connection, fixture.manifest_id, job.id).await.unwrap().unwrap();
    assert_eq!((detail.named.job.id, detail.prompt_content), (job.id, None));
    assert_eq!(list::find_in_detail(&mut connection, fixture.manifest_id + 1, job.id).await.unwrap(), None);
    let counts = list::count_by_status(&mut connection, owner).await.unwrap();
    assert_eq!(counts, [("pending".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_wish_to_cancel_is_kept_and_ended_jobs_hear_none() {
    let fixture = Fixture::new().await;
    let job = fixture.made(fixture.new_job()).await;
    let mut connection = fixture.pool.get().await.unwrap();
    let at = |seconds: i64| DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap();
    cancel::ask(&mut connection, job.id, Some("first"), at(0)).await.unwrap().unwrap();
    let again = cancel::ask(&mut connection, job.id, Some("second"), at(60)).await.unwrap().unwrap();
    assert_eq!((again.cancel_requested_at, again.cancel_reason.as_deref()), (Some(at(0)), Some("second")));
    fixture.end(job.id, Endable::Open).await.unwrap();
    assert_eq!(cancel::ask(&mut connection, job.id, None, at(90)).await.unwrap(), None);
}
