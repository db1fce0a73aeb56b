#![cfg(test)]

//! Signing in and ownership on a real Postgres.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use sluice_access::{Access, Authenticator, Config, Error, Passwords, ownership};
use sluice_core::ports::Clock;
use sluice_core::{GroupId, ManifestId, ProjectId};
use sluice_db::models::users;
use sluice_service::Env;
use sluice_test_support::postgres::Database;
use sluice_test_support::{Servers, builders};

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
struct StoppedClock(Arc<Mutex<DateTime<Utc>>>);

impl StoppedClock {
    fn advance(&self, minutes: i64) {
        *self.0.lock().unwrap() += chrono::Duration::minutes(minutes);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

async fn authenticator() -> (Authenticator, StoppedClock, Database) {
    let database = Servers::shared().unwrap().database().await.unwrap();
    let mut env = Env::from_pairs([("SLUICE_JWT_SECRET", "0123456789abcdef0123456789abcdef")]);
    let config = Config::read(&mut env);
    env.finish().unwrap();
    let clock = StoppedClock(Arc::new(Mutex::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap())));
    let hash = Passwords.hash("right").await.unwrap();
    users::insert(&mut database.pool.get().await.unwrap(), "ada", &hash, "user").await.unwrap();
    (Authenticator::new(&config, database.pool.clone(), Arc::new(clock.clone())), clock, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_void_when_it_expires_or_its_user_is_gone() {
    let (authenticator, clock, database) = authenticator().await;
    let token = authenticator.sign_in("ada", "right").await.unwrap().token;
    let identity = authenticator.authenticate(&token).await.unwrap();
    assert_eq!((identity.username.as_str(), identity.is_admin), ("ada", false));
    clock.advance(8 * 24 * 60);
    assert!(matches!(authenticator.authenticate(&token).await, Err(Error::InvalidToken)));

    let token = authenticator.sign_in("ada", "right").await.unwrap().token;
    let mut connection = database.pool.get().await.unwrap();
    diesel_async::RunQueryDsl::execute(diesel::sql_query("delete from users"), &mut connection).await.unwrap();
    assert!(matches!(authenticator.authenticate(&token).await, Err(Error::InvalidToken)));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_lock_for_longer_and_longer_and_a_day_forgives() {
    let (authenticator, clock, _database) = authenticator().await;
    for name in ["ada", "nobody"] {
        assert!(matches!(authenticator.sign_in(name, "wrong").await, Err(Error::InvalidCredentials)));
    }
    for _ in 0..4 {
        assert!(matches!(authenticator.sign_in("ada", "wrong").await, Err(Error::InvalidCredentials)));
    }
    // Locked: the right password does not help, and trying does not count.
    for _ in 0..20 {
        assert!(matches!(authenticator.sign_in("ada", "right").await, Err(Error::Locked { .. })));
    }
    clock.advance(16);
    for _ in 0..5 {
        assert!(matches!(authenticator.sign_in("ada", "wrong").await, Err(Error::InvalidCredentials)));
        clock.advance(16);
    }
    assert!(matches!(authenticator.sign_in("ada", "right").await, Err(Error::Locked { .. })), "an hour now");
    clock.advance(60);
    for _ in 0..5 {
        assert!(matches!(authenticator.sign_in("ada", "wrong").await, Err(Error::InvalidCredentials)));
        clock.advance(61);
    }
    assert!(matches!(authenticator.sign_in("ada", "right").await, Err(Error::LockedForGood)));
    clock.advance(25 * 60);
    assert!(authenticator.sign_in("ada", "right").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_does_not_own_what_others_own() {
    let (authenticator, _clock, database) = authenticator().await;
    let mut connection = database.pool.get().await.unwrap();
    let workspace = builders::insert_workspace(&mut connection, "bob", "http://model").await.unwrap();
    let hash = Passwords.hash("right").await.unwrap();
    users::insert(&mut connection, "root", &hash, "admin").await.unwrap();
    let token = authenticator.sign_in("root", "right").await.unwrap().token;
    let admin = authenticator.authenticate(&token).await.unwrap();
    let project = ProjectId(workspace.project_id);
    let denied = ownership::load_project(&mut connection, &admin, Access::Owner, project).await;
    assert!(matches!(denied, Err(Error::ForeignProject { .. })), "{denied:?}");
    assert!(ownership::load_project(&mut connection, &admin, Access::OwnerOrAdmin, project).await.is_ok());
    let denied = ownership::load_group(&mut connection, &admin, GroupId(workspace.group_id)).await;
    assert!(matches!(denied, Err(Error::ForeignProject { .. })), "{denied:?}");
    let missing = ownership::check_manifest(&mut connection, &admin, ManifestId(1)).await;
    assert!(matches!(missing, Err(Error::NoManifest(_))), "{missing:?}");
}

#[test]
fn a_short_secret_is_a_problem() {
    let mut env = Env::from_pairs([("SLUICE_JWT_SECRET", "short")]);
    let _config = Config::read(&mut env);
    assert_eq!(env.finish().unwrap_err().0.len(), 1);
}
