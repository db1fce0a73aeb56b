#![cfg(test)]

//! Signing in and ownership on a real Postgres.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use sluice_access::{Access, Authenticator, Config, Error, Origin, Passwords, ownership};
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

/// Where ada signs in from.
fn home() -> Origin {
    from("192.0.2.1")
}

fn from(ip: &str) -> Origin {
    Origin { ip: Some(ip.parse().unwrap()), request_id: None }
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
    let token = authenticator.sign_in("ada", "right", &home()).await.unwrap().token;
    let identity = authenticator.authenticate(&token, None).await.unwrap();
    assert_eq!((identity.username.as_str(), identity.is_admin), ("ada", false));
    clock.advance(8 * 24 * 60);
    assert!(matches!(authenticator.authenticate(&token, None).await, Err(Error::InvalidToken)));

    let token = authenticator.sign_in("ada", "right", &home()).await.unwrap().token;
    let mut connection = database.pool.get().await.unwrap();
    diesel_async::RunQueryDsl::execute(diesel::sql_query("delete from users"), &mut connection).await.unwrap();
    assert!(matches!(authenticator.authenticate(&token, None).await, Err(Error::InvalidToken)));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_lock_for_longer_and_longer_and_a_day_forgives() {
    let (authenticator, clock, _database) = authenticator().await;
    for name in ["ada", "nobody"] {
        assert!(matches!(authenticator.sign_in(name, "wrong", &home()).await, Err(Error::InvalidCredentials)));
    }
    for _ in 0..4 {
        assert!(matches!(authenticator.sign_in("ada", "wrong", &home()).await, Err(Error::InvalidCredentials)));
    }
    // Locked: the right password does not help, and trying does not count.
    for _ in 0..20 {
        assert!(matches!(authenticator.sign_in("ada", "right", &home()).await, Err(Error::Locked { .. })));
    }
    clock.advance(16);
    for _ in 0..5 {
        assert!(matches!(authenticator.sign_in("ada", "wrong", &home()).await, Err(Error::InvalidCredentials)));
        clock.advance(16);
    }
    assert!(matches!(authenticator.sign_in("ada", "right", &home()).await, Err(Error::Locked { .. })), "an hour now");
    clock.advance(60);
    for _ in 0..5 {
        assert!(matches!(authenticator.sign_in("ada", "wrong", &home()).await, Err(Error::InvalidCredentials)));
        clock.advance(61);
    }
    assert!(matches!(authenticator.sign_in("ada", "right", &home()).await, Err(Error::LockedForGood)));
    clock.advance(25 * 60);
    assert!(authenticator.sign_in("ada", "right", &home()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_locks_out_himself_and_nobody_else() {
    let (authenticator, clock, _database) = authenticator().await;
    assert!(authenticator.sign_in("ada", "right", &home()).await.is_ok());
    // What is answered about a name that exists and one that does not is the same, whatever is tried.
    for name in ["ada", "nobody"] {
        let mut answers = Vec::new();
        for _ in 0..7 {
            answers.push(authenticator.sign_in(name, "wrong", &from("203.0.113.9")).await.unwrap_err().to_string());
        }
        let locked = "Account locked until 2027-01-15T08:15:00.000Z".to_owned();
        let mut expected = vec!["Invalid credentials".to_owned(); 5];
        expected.extend([locked.clone(), locked]);
        assert_eq!(answers, expected, "{name}");
    }
    assert!(authenticator.sign_in("ada", "right", &home()).await.is_ok(), "her own network is open");
    // Of version 6 the customer counts, not the address.
    for last in 1..=5 {
        let origin = from(&format!("2001:db8:0:1::{last}"));
        assert!(matches!(authenticator.sign_in("ada", "wrong", &origin).await, Err(Error::InvalidCredentials)));
    }
    let neighbour = authenticator.sign_in("ada", "right", &from("2001:db8:0:1::9")).await;
    assert!(matches!(neighbour, Err(Error::Locked { .. })), "{neighbour:?}");

    // Spread over many networks: 4 each stay below every lock.
    for network in 1..=10 {
        for _ in 0..4 {
            let _refused = authenticator.sign_in("ada", "wrong", &from(&format!("198.51.100.{network}"))).await;
        }
    }
    for name in ["ada", "nobody"] {
        for network in 20..=32 {
            for _ in 0..4 {
                let _refused = authenticator.sign_in(name, "wrong", &from(&format!("198.51.100.{network}"))).await;
            }
        }
        let fresh = authenticator.sign_in(name, "right", &from("198.51.100.200")).await;
        assert!(matches!(fresh, Err(Error::Locked { .. })), "{name}: {fresh:?}");
    }
    assert!(authenticator.sign_in("ada", "right", &home()).await.is_ok(), "a network that is known stays open");
    clock.advance(25 * 60);
    assert!(authenticator.sign_in("ada", "right", &from("198.51.100.200")).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_the_same_moment_are_judged_by_each_other() {
    let (authenticator, _clock, _database) = authenticator().await;
    let guess = |password: &'static str| {
        let authenticator = authenticator.clone();
        async move { authenticator.sign_in("ada", password, &from("203.0.113.9")).await }
    };
    let wrong = futures_util::future::join_all((0..40).map(|_| guess("wrong")));
    let (refused, _) = tokio::join!(wrong, async {});
    assert_eq!(refused.iter().filter(|answer| answer.is_ok()).count(), 0);
    let late = guess("right").await;
    assert!(matches!(late, Err(Error::Locked { .. } | Error::LockedForGood)), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_all_tokens_and_signing_out_everywhere_too() {
    let (authenticator, _clock, _database) = authenticator().await;
    let sign_in = async |password| authenticator.sign_in("ada", password, &home()).await.unwrap();
    let (first, second) = (sign_in("right").await, sign_in("right").await);
    let user = first.user.id.into();
    let wrong = authenticator.change_password(user, ("wrong", "new"), &home()).await;
    assert!(matches!(wrong, Err(Error::WrongPassword)), "{wrong:?}");
    assert!(authenticator.authenticate(&first.token, None).await.is_ok());
    authenticator.change_password(user, ("right", "new"), &home()).await.unwrap();
    for token in [&first.token, &second.token] {
        assert!(matches!(authenticator.authenticate(token, None).await, Err(Error::InvalidToken)));
    }
    let third = sign_in("new").await;
    let identity = authenticator.authenticate(&third.token, None).await.unwrap();
    let standings = [identity.standing].into();
    assert!(authenticator.list_fallen(&standings).await.unwrap().is_empty());
    let actor = sluice_access::Actor::new(&identity, home());
    authenticator.sign_out_everywhere(&actor, user).await.unwrap();
    assert!(matches!(authenticator.authenticate(&third.token, None).await, Err(Error::InvalidToken)));
    assert_eq!(authenticator.list_fallen(&standings).await.unwrap(), standings);
    // A stolen token is not good for guessing.
    for _ in 0..5 {
        let _refused = authenticator.change_password(user, ("wrong", "new"), &from("203.0.113.9")).await;
    }
    let locked = authenticator.change_password(user, ("new", "newer"), &from("203.0.113.9")).await;
    assert!(matches!(locked, Err(Error::Locked { .. })), "{locked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_with_a_hash_of_bcrypt_signs_in_and_gets_one_of_ours() {
    let (authenticator, _clock, database) = authenticator().await;
    let mut connection = database.pool.get().await.unwrap();
    // Of the cost 4, made with another implementation.
    let hash = "$2b$04$abcdefghijklmnopqrstuuUHlL6c7X.LiopPFLJk13494ptuUCrI2";
    users::insert(&mut connection, "bob", hash, "user").await.unwrap();
    assert!(authenticator.sign_in("bob", "wrong", &home()).await.is_err());
    let token = authenticator.sign_in("bob", "Correct-Horse1!", &home()).await.unwrap().token;
    let stored = users::find_by_name(&mut connection, "bob").await.unwrap().unwrap();
    assert!(stored.password_hash.starts_with("$argon2id$"), "{}", stored.password_hash);
    assert!(authenticator.authenticate(&token, None).await.is_ok(), "another hash is not another password");
    assert!(authenticator.sign_in("bob", "Correct-Horse1!", &home()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_does_not_own_what_others_own() {
    let (authenticator, _clock, database) = authenticator().await;
    let mut connection = database.pool.get().await.unwrap();
    let workspace = builders::insert_workspace(&mut connection, "bob", "http://model").await.unwrap();
    let hash = Passwords.hash("right").await.unwrap();
    users::insert(&mut connection, "root", &hash, "admin").await.unwrap();
    let token = authenticator.sign_in("root", "right", &home()).await.unwrap().token;
    let admin = authenticator.authenticate(&token, None).await.unwrap();
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
