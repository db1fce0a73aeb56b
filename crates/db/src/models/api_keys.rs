//! Table `api_keys`: keys of programs. A secret is never read back; only its hash is, to compare.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::error::Result;
use crate::schema::{api_keys, projects, users};

/// A key, without its hash.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ApiKey {
    pub id: Uuid,
    pub user_id: i32,
    pub project_id: i32,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub last_used_ip: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// A key as it is checked.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(Pg))]
pub struct KeyToCheck {
    /// The key.
    #[diesel(embed)]
    pub key: ApiKey,
    /// The hash of the whole key.
    pub secret_hash: Vec<u8>,
    /// Its user's name.
    #[diesel(select_expression = users::username)]
    pub username: String,
    /// The owner of its project.
    #[diesel(select_expression = projects::user_id)]
    pub owner_id: i32,
}

/// A key to be inserted.
#[derive(Clone, Insertable)]
#[diesel(table_name = api_keys)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewApiKey {
    pub id: Uuid,
    pub user_id: i32,
    pub project_id: i32,
    pub name: String,
    pub prefix: String,
    pub secret_hash: Vec<u8>,
    pub scopes: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// Inserts a key.
///
/// # Errors
/// `Reference` when user or project are gone.
pub async fn insert(connection: &mut AsyncPgConnection, key: &NewApiKey) -> Result<ApiKey> {
    Ok(diesel::insert_into(api_keys::table)
        .values(key)
        .returning(ApiKey::as_returning())
        .get_result(connection)
        .await?)
}

/// Finds a key by the part of it that is shown.
///
/// # Errors
/// When the query fails.
pub async fn find_by_prefix(connection: &mut AsyncPgConnection, prefix: &str) -> Result<Option<KeyToCheck>> {
    Ok(api_keys::table
        .inner_join(users::table)
        .inner_join(projects::table)
        .filter(api_keys::prefix.eq(prefix))
        .select(KeyToCheck::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// Finds a row by its key.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<ApiKey>> {
    Ok(api_keys::table.find(id).select(ApiKey::as_select()).first(connection).await.optional()?)
}

/// Lists the keys of a project, the newest first, at most `limit`.
///
/// # Errors
/// When the query fails.
pub async fn list_by_project(connection: &mut AsyncPgConnection, project_id: i32, limit: i64) -> Result<Vec<ApiKey>> {
    Ok(api_keys::table
        .filter(api_keys::project_id.eq(project_id))
        .order((api_keys::created_at.desc(), api_keys::id.desc()))
        .limit(limit)
        .select(ApiKey::as_select())
        .load(connection)
        .await?)
}

/// Counts the keys of a project that are not revoked.
///
/// # Errors
/// When the query fails.
pub async fn count_of_project(connection: &mut AsyncPgConnection, project_id: i32) -> Result<i64> {
    Ok(api_keys::table
        .filter(api_keys::project_id.eq(project_id).and(api_keys::revoked_at.is_null()))
        .count()
        .get_result(connection)
        .await?)
}

/// Revokes a key, once; `None` when it is gone. Revoking again changes nothing.
///
/// # Errors
/// When the query fails.
pub async fn revoke(connection: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> Result<Option<ApiKey>> {
    diesel::update(api_keys::table.find(id))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(now))
        .execute(connection)
        .await?;
    find(connection, id).await
}

/// Notes that a key was used, unless that was noted since a time.
///
/// # Errors
/// When the query fails.
pub async fn note_use(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    (now, noted_since): (DateTime<Utc>, DateTime<Utc>),
    ip: Option<&str>,
) -> Result<()> {
    let is_due = api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(noted_since));
    diesel::update(api_keys::table.find(id))
        .filter(is_due)
        .set((api_keys::last_used_at.eq(now), ip.map(|ip| api_keys::last_used_ip.eq(ip))))
        .execute(connection)
        .await?;
    Ok(())
}

/// Of some keys, those that are still good.
///
/// # Errors
/// When the query fails.
pub async fn list_good(connection: &mut AsyncPgConnection, ids: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Uuid>> {
    Ok(api_keys::table
        .filter(api_keys::id.eq_any(ids).and(api_keys::revoked_at.is_null()))
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .select(api_keys::id)
        .load(connection)
        .await?)
}

impl std::fmt::Debug for KeyToCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyToCheck").field("key", &self.key).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApiKey").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
