use chrono::DateTime;
use sluice_db::models::jobs::cancel::{self, Endable};
use sluice_db::models::jobs::list::{self, JobFilter, JobScope, Window};
use sluice_db::models::jobs::request::{self as requests, Wish, request};
use sluice_db::models::manifests;
use sluice_test_support::builders;

use crate::fixture::Fixture;

fn wish() -> Wish {
    Wish { kind: "extraction".to_owned(), ..Wish::default() }
}

fn of_field(name: &str) -> Wish {
    Wish { field_name: Some(name.to_owned()), ..wish() }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clicks_at_once_make_one_job_and_another_wish_another() {
    let fixture = Fixture::new().await;
    let (one, other) = tokio::join!(fixture.requested(wish()), fixture.requested(wish()));
    assert_eq!(one.job_id, other.job_id);
    assert!(one.is_new != other.is_new, "{one:?} {other:?}");
    let different = fixture.made(of_field("total")).await;
    assert_eq!(different.field_name.as_deref(), Some("total"));
    let reading = fixture.made(Wish { kind: "ocr".to_owned(), ..wish() }).await;
    assert_eq!((reading.schema_id, reading.llm_model_id), (None, None));
    assert_eq!(reading.text_extractor_id, Some(fixture.workspace.extractor_id));
    // Who is to be canceled does not stand for a new wish.
    fixture.run("update jobs set cancel_requested_at = now()").await;
    assert!(fixture.requested(wish()).await.is_new);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_wishes_are_answered_in_their_order_each_from_its_own_project() {
    let fixture = Fixture::new().await;
    let other = builders::insert_workspace(&mut fixture.pool.get().await.unwrap(), "eve", "http://x").await.unwrap();
    let foreign = fixture.add_manifest(other.group_id, 1).await;
    let second = fixture.add_manifest(fixture.workspace.group_id, 2).await;
    let open = fixture.made(wish()).await;
    fixture.run(&format!("update manifests set last_event_number = 7 where id = {second}")).await;
    let requested = fixture.request(&[foreign, 999, second, fixture.manifest_id], wish()).await;
    let shown: Vec<_> = requested.iter().map(|one| (one.manifest_id, one.is_new, one.last_event_number)).collect();
    assert_eq!(shown, [(foreign, true, 0), (second, true, 7), (fixture.manifest_id, false, 0)]);
    assert_eq!(requested[2].job_id, open.id);
    assert!(requested[0].job_id < requested[1].job_id, "they run in the order that was asked for");
    let job = fixture.job(requested[0].job_id).await;
    assert_eq!((job.llm_model_id, job.text_extractor_id), (Some(other.model_id), Some(other.extractor_id)));
    assert_eq!((job.schema_id, job.schema_version.as_deref()), (Some(other.schema_id), Some("v1")));
    // What is named wins, and the prompt must exist.
    let named = Wish {
        llm_model_id: Some(other.model_id),
        text_extractor_id: Some(other.extractor_id),
        user_id: Some(other.user_id),
        request_id: Some("r".to_owned()),
        ..wish()
    };
    let job = fixture.made(named).await;
    assert_eq!((job.llm_model_id, job.text_extractor_id), (Some(other.model_id), Some(other.extractor_id)));
    assert_eq!((job.user_id, job.request_id.as_deref()), (Some(other.user_id), Some("r")));
    let mut connection = fixture.pool.get().await.unwrap();
    let ids = [fixture.manifest_id];
    let refused = request(&mut connection, &ids, &Wish { prompt_id: Some(99), ..wish() }).await;
    assert!(matches!(refused, Err(sluice_db::Error::Reference { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_jobs_are_found_by_manifest_group_and_project() {
    let fixture = Fixture::new().await;
    let job = fixture.made(wish()).await;
    let ended = fixture.made(of_field("total")).await;
    fixture.end(ended.id, Endable::Open).await.unwrap();
    let mut connection = fixture.pool.get().await.unwrap();
    let workspace = &fixture.workspace;
    let open = requests::list_open(&mut connection, fixture.manifest_id).await.unwrap();
    assert_eq!(open.iter().map(|open| open.id).collect::<Vec<_>>(), [job.id]);
    assert_eq!(requests::list_open_of_group(&mut connection, workspace.group_id).await.unwrap(), [job.id]);
    assert_eq!(requests::list_open_of_group(&mut connection, workspace.group_id + 1).await.unwrap(), [0; 0]);
    assert_eq!(requests::list_open_of_project(&mut connection, workspace.project_id).await.unwrap(), [job.id]);
    assert_eq!(requests::list_open_of_project(&mut connection, workspace.project_id + 1).await.unwrap(), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_lead_to_their_owners_and_their_numbers_only_rise() {
    let fixture = Fixture::new().await;
    let second = fixture.add_manifest(fixture.workspace.group_id, 2).await;
    let mut connection = fixture.pool.get().await.unwrap();
    let ids = [fixture.manifest_id, second, 999];
    let belongings = manifests::list_belongings(&mut connection, &ids).await.unwrap();
    let mut found: Vec<_> =
        belongings.iter().map(|found| (found.manifest_id, found.project_id, found.owner_id)).collect();
    found.sort_unstable();
    let (project, owner) = (fixture.workspace.project_id, fixture.workspace.user_id);
    assert_eq!(found, [(fixture.manifest_id, project, owner), (second, project, owner)]);
    let numbers = [(fixture.manifest_id, 5), (second, 7)];
    manifests::raise_event_numbers(&mut connection, &numbers).await.unwrap();
    manifests::raise_event_numbers(&mut connection, &[(fixture.manifest_id, 6), (second, 3)]).await.unwrap();
    for (id, expected) in [(fixture.manifest_id, 6), (second, 7)] {
        assert_eq!(manifests::find(&mut connection, id).await.unwrap().unwrap().last_event_number, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_pages_through_everybodys_jobs() {
    let fixture = Fixture::new().await;
    let other = builders::insert_workspace(&mut fixture.pool.get().await.unwrap(), "eve", "http://x").await.unwrap();
    let foreign = fixture.add_manifest(other.group_id, 1).await;
    let first = fixture.made(wish()).await;
    let second = fixture.made(of_field("total")).await;
    let third = fixture.request(&[foreign], wish()).await.remove(0);
    fixture.end(first.id, Endable::Open).await.unwrap();
    let mut connection = fixture.pool.get().await.unwrap();
    let all = JobFilter::default();
    let of_project = JobFilter { project_id: Some(fixture.workspace.project_id), ..JobFilter::default() };
    let open = JobFilter { statuses: vec!["pending"], ..of_project.clone() };
    let among = JobFilter { ids: Some(vec![first.id, third.job_id]), ..JobFilter::default() };
    for (filter, offset, expected, total) in [
        (&all, 0, vec![third.job_id, second.id], 3),
        (&all, 2, vec![first.id], 3),
        (&of_project, 0, vec![second.id, first.id], 2),
        (&open, 0, vec![second.id], 1),
        (&among, 0, vec![third.job_id, first.id], 2),
    ] {
        let (page, count) = list::list_all(&mut connection, filter, Window { offset, limit: 2 }).await.unwrap();
        assert_eq!((page.iter().map(|job| job.id).collect(), count), (expected, total), "{filter:?} {offset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_one_persons_or_projects_jobs_read_their_index() {
    let fixture = Fixture::new().await;
    let other = builders::insert_workspace(&mut fixture.pool.get().await.unwrap(), "eve", "http://x").await.unwrap();
    let foreign = fixture.add_manifest(other.group_id, 1).await;
    for (manifest, count, open) in [(foreign, 20_000, 300), (fixture.manifest_id, 500, 5)] {
        fixture
            .run(&format!(
                "insert into jobs (manifest_id, kind, status, created_at, completed_at)
                 select {manifest}, 'extraction', case when n <= {open} then 'pending' else 'completed' end,
                        now() - n * interval '1 minute', case when n > {open} then now() end
                 from generate_series(1, {count}) n"
            ))
            .await;
    }
    fixture.run("vacuum analyze jobs").await;
    let (owner, project) = (fixture.workspace.user_id, fixture.workspace.project_id);
    for (query, index) in [
        (
            format!("select * from jobs where owner_id = {owner} order by created_at desc, id desc limit 50"),
            "jobs_owner_created_at",
        ),
        (
            format!("select * from jobs where project_id = {project} order by created_at desc, id desc limit 25"),
            "jobs_project_created_at",
        ),
        ("select * from jobs order by created_at desc, id desc limit 25".to_owned(), "jobs_created_at"),
        (format!("select status, count(*) from jobs where owner_id = {owner} group by status"), "jobs_owner_status"),
        (
            format!("select id from jobs where project_id = {project} and jobs.status in ('pending', 'processing')"),
            "jobs_project_open",
        ),
    ] {
        let plan = fixture.plan(&query).await;
        assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{query}\n{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_job_gives_its_manifest_the_status_back() {
    let fixture = Fixture::new().await;
    fixture.run("update manifests set status = 'completed'").await;
    let job = fixture.made(wish()).await;
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
    fixture.made(wish()).await;
    fixture.run("update manifests set status = 'processing'").await;
    fixture.run("update jobs set status = 'processing'").await;
    let second = fixture.made(of_field("total")).await;
    assert_eq!(second.previous_manifest_status.as_deref(), Some("pending"), "what the first would give back");
    let (_, status) = fixture.end(second.id, Endable::Pending).await.unwrap();
    assert_eq!(status, "processing");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_the_jobs_of_their_scope() {
    let fixture = Fixture::new().await;
    let job = fixture.made(wish()).await;
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
    let job = fixture.made(wish()).await;
    let mut connection = fixture.pool.get().await.unwrap();
    let at = |seconds: i64| DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap();
    cancel::ask(&mut connection, job.id, Some("first"), at(0)).await.unwrap().unwrap();
    let again = cancel::ask(&mut connection, job.id, Some("second"), at(60)).await.unwrap().unwrap();
    assert_eq!((again.cancel_requested_at, again.cancel_reason.as_deref()), (Some(at(0)), Some("second")));
    fixture.end(job.id, Endable::Open).await.unwrap();
    assert_eq!(cancel::ask(&mut connection, job.id, None, at(90)).await.unwrap(), None);
}
