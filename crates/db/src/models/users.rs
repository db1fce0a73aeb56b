//! Table `users`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::schema::users;

/// A user.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct User {
    pub id: i32,
    pub username: String,
    pub password_hash: String,
    pub role: String,
    pub failed_login_attempts: i32,
    pub last_failed_login_at: Option<DateTime<Utc>>,
    pub locked_until: Option<DateTime<Utc>>,
    pub last_login_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub token_version: i32,
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<User>> {
    Ok(users::table.find(id).select(User::as_select()).first(connection).await.optional()?)
}

/// Finds a user by name.
///
/// # Errors
/// When the query fails.
pub async fn find_by_name(connection: &mut AsyncPgConnection, username: &str) -> Result<Option<User>> {
    Ok(users::table
        .filter(users::username.eq(username))
        .select(User::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// Inserts a user.
///
/// # Errors
/// `Duplicate` when the name is taken, `Check` when it is not allowed.
pub async fn insert(connection: &mut AsyncPgConnection, username: &str, hash: &str, role: &str) -> Result<User> {
    Ok(diesel::insert_into(users::table)
        .values((users::username.eq(username), users::password_hash.eq(hash), users::role.eq(role)))
        .returning(User::as_returning())
        .get_result(connection)
        .await?)
}

/// Sets another password and ends all tokens; `false` when the hash is not the one that was known, or the user is gone.
///
/// # Errors
/// When the query fails.
pub async fn change_password(
    connection: &mut AsyncPgConnection,
    id: i32,
    (known_hash, hash): (&str, &str),
) -> Result<bool> {
    let changed = diesel::update(users::table.find(id))
        .filter(users::password_hash.eq(known_hash))
        .set((users::password_hash.eq(hash), users::token_version.eq(users::token_version + 1)))
        .execute(connection)
        .await?;
    Ok(changed > 0)
}

/// Writes the same password under another hash; nothing else changes. Does nothing when the password was changed meanwhile.
///
/// # Errors
/// When the query fails.
pub async fn replace_hash(connection: &mut AsyncPgConnection, id: i32, (known_hash, hash): (&str, &str)) -> Result<()> {
    diesel::update(users::table.find(id))
        .filter(users::password_hash.eq(known_hash))
        .set(users::password_hash.eq(hash))
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends all tokens of a user; `false` when there is no such user.
///
/// # Errors
/// When the query fails.
pub async fn end_tokens(connection: &mut AsyncPgConnection, id: i32) -> Result<bool> {
    let ended = diesel::update(users::table.find(id)).set(users::token_version.eq(users::token_version + 1));
    Ok(ended.execute(connection).await? > 0)
}

/// Of some users, those who are there, with the versions that their tokens must have.
///
/// # Errors
/// When the query fails.
pub async fn list_token_versions(connection: &mut AsyncPgConnection, ids: &[i32]) -> Result<Vec<(i32, i32)>> {
    Ok(users::table.filter(users::id.eq_any(ids)).select((users::id, users::token_version)).load(connection).await?)
}

/// Lists all users by name, at most `limit`.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, limit: i64) -> Result<Vec<User>> {
    Ok(users::table.order(users::username).limit(limit).select(User::as_select()).load(connection).await?)
}

/// Deletes a user with all projects that the user owns; `false` when there is no such user.
///
/// # Errors
/// When the query fails.
pub async fn delete(connection: &mut AsyncPgConnection, id: i32) -> Result<bool> {
    Ok(diesel::delete(users::table.find(id)).execute(connection).await? > 0)
}

/// Forgets wrong passwords and the lock that they made; `None` when there is no such user.
///
/// # Errors
/// When the query fails.
pub async fn unlock(connection: &mut AsyncPgConnection, id: i32) -> Result<Option<User>> {
    Ok(diesel::update(users::table.find(id))
        .set((
            users::failed_login_attempts.eq(0),
            users::last_failed_login_at.eq(None::<DateTime<Utc>>),
            users::locked_until.eq(None::<DateTime<Utc>>),
        ))
        .returning(User::as_returning())
        .get_result(connection)
        .await
        .optional()?)
}

/// Notes that somebody signed in, and forgets wrong passwords.
///
/// # Errors
/// When the query fails.
pub async fn record_sign_in(connection: &mut AsyncPgConnection, id: i32, now: DateTime<Utc>) -> Result<()> {
    diesel::update(users::table.find(id))
        .set((
            users::failed_login_attempts.eq(0),
            users::last_failed_login_at.eq(None::<DateTime<Utc>>),
            users::locked_until.eq(None::<DateTime<Utc>>),
            users::last_login_at.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes a wrong password; that a name is nobody's is no error.
///
/// # Errors
/// When the query fails.
pub async fn record_failure(
    connection: &mut AsyncPgConnection,
    username: &str,
    failures: i32,
    now: DateTime<Utc>,
    locked_until: Option<DateTime<Utc>>,
) -> Result<()> {
    diesel::update(users::table.filter(users::username.eq(username)))
        .set((
            users::failed_login_attempts.eq(failures),
            users::last_failed_login_at.eq(now),
            users::locked_until.eq(locked_until),
        ))
        .execute(connection)
        .await?;
    Ok(())
}
