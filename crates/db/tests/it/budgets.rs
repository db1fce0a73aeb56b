//! Nobody spends more than the budget, however many try at once.

use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use sluice_db::models::budgets::{self, Month, Parked, Reservation, Wish};
use sluice_db::models::jobs::request;
use sluice_db::models::runs::{self, Attempt};
use sluice_db::{Config, Pool};
use sluice_service::Env;
use tokio::task::JoinSet;

use crate::fixture::Fixture;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn month() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 1, 1).unwrap()
}

fn wish(job_id: i32, amount_nano: i64) -> Wish<'static> {
    Wish { job_id, month: month(), currency: "USD", amount_nano, expires_at: now() + Duration::hours(1) }
}

async fn fixture(budget_nano: Option<i64>) -> (Fixture, i32) {
    let fixture = Fixture::new().await;
    if let Some(budget) = budget_nano {
        let set = "update projects set budget_currency = 'USD', budget_period = 'month', budget_nano";
        fixture.run(&format!("{set} = {budget}")).await;
    }
    let job = fixture.made(request::Wish { kind: "extraction".to_owned(), ..request::Wish::default() }).await;
    (fixture, job.id)
}

async fn reserve(fixture: &Fixture, job_id: i32, amount_nano: i64) -> Option<Reservation> {
    budgets::reserve(&mut fixture.pool.get().await.unwrap(), &wish(job_id, amount_nano)).await.unwrap()
}

async fn usd(fixture: &Fixture) -> Month {
    let ids = [fixture.workspace.project_id];
    let months = budgets::list_months(&mut fixture.pool.get().await.unwrap(), &ids, month()).await.unwrap();
    months.get(&(ids[0], "USD".to_owned())).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_at_once_reserve_no_more_than_there_is() {
    let (mut fixture, job) = fixture(Some(100_000)).await;
    // All of them wait for a connection at the same time, and the last one for long.
    let mut env = Env::from_pairs([("SLUICE_DB_URL", fixture.url.as_str()), ("SLUICE_DB_POOL_TIMEOUT", "2m")]);
    fixture.pool = Pool::new(&Config::read(&mut env)).unwrap();
    let fixture = Arc::new(fixture);
    let mut tasks = JoinSet::new();
    for _ in 0..1_000 {
        let fixture = fixture.clone();
        tasks.spawn(async move { reserve(&fixture, job, 300).await });
    }
    let held: Vec<Reservation> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(held.len(), 333, "as many as fit, and not one more");
    assert_eq!(usd(&fixture).await, Month { spent_nano: 0, reserved_nano: 99_900 });
    // They cost less than they might have; what is left is for others, and again not a unit more.
    let mut settling = JoinSet::new();
    for held in held {
        let fixture = fixture.clone();
        settling.spawn(async move {
            budgets::settle(&mut fixture.pool.get().await.unwrap(), &held, 200).await.unwrap();
            reserve(&fixture, job, 300).await
        });
    }
    let again = settling.join_all().await.into_iter().flatten().count();
    let again = i64::try_from(again).unwrap();
    let after = usd(&fixture).await;
    assert_eq!(after, Month { spent_nano: 66_600, reserved_nano: again * 300 });
    assert!(after.spent_nano + after.reserved_nano <= 100_000 && again > 0, "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_budget_there_is_room_and_what_was_spent_counts_for_a_later_one() {
    let (fixture, job) = fixture(None).await;
    let held = reserve(&fixture, job, 1_000).await.unwrap();
    budgets::settle(&mut fixture.pool.get().await.unwrap(), &held, 700).await.unwrap();
    let set = "update projects set budget_currency = 'USD', budget_period = 'month', budget_nano";
    fixture.run(&format!("{set} = 1000")).await;
    assert_eq!(reserve(&fixture, job, 301).await, None);
    assert!(reserve(&fixture, job, 300).await.is_some());
    // Another currency is no way around.
    let euros = Wish { currency: "EUR", ..wish(job, 1) };
    assert_eq!(budgets::reserve(&mut fixture.pool.get().await.unwrap(), &euros).await.unwrap(), None);
    // Nor is a first call that is larger than all of it.
    fixture.run("delete from budget_months").await;
    assert_eq!(reserve(&fixture, job, 1_001).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reserved_is_given_up_with_its_job_its_worker_or_its_time() {
    let (fixture, job) = fixture(Some(1_000)).await;
    let mut connection = fixture.pool.get().await.unwrap();
    for _ in 0..2 {
        reserve(&fixture, job, 500).await.unwrap();
    }
    budgets::release_of_job(&mut connection, job).await.unwrap();
    assert_eq!(usd(&fixture).await, Month::default());

    let late = reserve(&fixture, job, 500).await.unwrap();
    budgets::release_lost(&mut connection, now()).await.unwrap();
    assert_eq!(usd(&fixture).await.reserved_nano, 500, "the call is under way");
    budgets::release_lost(&mut connection, now() + Duration::hours(2)).await.unwrap();
    assert_eq!(usd(&fixture).await, Month::default());
    // The worker was not dead after all, and what it has paid counts.
    budgets::settle(&mut connection, &late, 400).await.unwrap();
    assert_eq!(usd(&fixture).await, Month { spent_nano: 400, reserved_nano: 0 });

    reserve(&fixture, job, 500).await.unwrap();
    fixture.run("delete from jobs").await;
    budgets::release_lost(&mut connection, now()).await.unwrap();
    assert_eq!(usd(&fixture).await.reserved_nano, 0, "the job is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_for_room_and_says_why() {
    let (fixture, job) = fixture(Some(1_000)).await;
    let mut connection = fixture.pool.get().await.unwrap();
    let row = runs::begin(&mut connection, job, now()).await.unwrap().unwrap();
    let attempt = Attempt { job_id: job, manifest_id: row.manifest_id, number: row.attempt_count };
    runs::start_manifest(&mut connection, attempt).await.unwrap();
    let blocker = reserve(&fixture, job, 800).await.unwrap();
    let parked = Parked { amount_nano: 300, message: "no money".to_owned(), stage: "LLM_EXTRACT".to_owned() };
    assert!(budgets::park(&mut connection, attempt, &parked, now()).await.unwrap());
    assert!(!budgets::park(&mut connection, attempt, &parked, now()).await.unwrap(), "once");
    let row = fixture.job(job).await;
    assert_eq!((row.status.as_str(), row.attempt_count, row.parked_count), ("pending", 1, 1));
    assert_eq!((row.error_message.as_deref(), row.error_code.as_deref()), (Some("no money"), Some("budget")));
    assert_eq!(fixture.manifest_status().await, "pending");
    assert_eq!(budgets::list_parked(&mut connection, fixture.workspace.project_id).await.unwrap(), [job]);
    let reasons = budgets::list_reasons(&mut connection, &[fixture.manifest_id]).await.unwrap();
    assert_eq!(reasons, [(fixture.manifest_id, "no money".to_owned())]);
    // The sweeper leaves it alone: it is not lost.
    let untouched = runs::list_untouched(&mut connection, row.updated_at + Duration::minutes(5), 9).await.unwrap();
    assert_eq!(untouched, []);

    let still = budgets::find_still_parked(&mut connection, job, month()).await.unwrap().unwrap();
    assert_eq!((still.limit_nano, still.reserved_nano, still.parked_at), (1_000, 800, Some(now())));
    budgets::settle(&mut connection, &blocker, 700).await.unwrap();
    assert_eq!(budgets::find_still_parked(&mut connection, job, month()).await.unwrap(), None);
    assert!(runs::begin(&mut connection, job, now()).await.unwrap().is_some());
    assert_eq!(budgets::list_parked(&mut connection, fixture.workspace.project_id).await.unwrap(), [0; 0]);
}
