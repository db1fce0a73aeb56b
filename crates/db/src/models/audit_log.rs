//! Table `audit_log`: who did what that matters to security. Appended to, read, and in the end forgotten; never changed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::schema::audit_log;

/// An entry.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = audit_log, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct AuditRow {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub user_id: Option<i32>,
    pub username: String,
    pub api_key_prefix: Option<String>,
    pub action: String,
    pub subject_kind: Option<String>,
    pub subject_id: Option<String>,
    pub project_id: Option<i32>,
    pub ip: Option<String>,
    pub request_id: Option<String>,
    pub details: Value,
}

/// An entry to be appended.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = audit_log)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewAuditRow {
    pub user_id: Option<i32>,
    pub username: String,
    pub api_key_prefix: Option<String>,
    pub action: String,
    pub subject_kind: Option<String>,
    pub subject_id: Option<String>,
    pub project_id: Option<i32>,
    pub ip: Option<String>,
    pub request_id: Option<String>,
    pub details: Value,
}

/// Which entries; what is `None` does not limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// What was done.
    pub action: Option<String>,
    /// Who did it, by key.
    pub user_id: Option<i32>,
    /// Who did it, by name.
    pub username: Option<String>,
    /// The project that it was done in.
    pub project_id: Option<i32>,
    /// The first moment.
    pub since: Option<DateTime<Utc>>,
    /// The first moment behind it.
    pub until: Option<DateTime<Utc>>,
    /// Entries before the one with this key.
    pub before: Option<i64>,
}

/// Appends an entry.
///
/// # Errors
/// When the query fails.
pub async fn insert(connection: &mut AsyncPgConnection, row: &NewAuditRow) -> Result<()> {
    diesel::insert_into(audit_log::table).values(row).execute(connection).await?;
    Ok(())
}

/// Lists entries, the newest first.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, filter: &AuditFilter, limit: i64) -> Result<Vec<AuditRow>> {
    let mut query =
        audit_log::table.order(audit_log::id.desc()).limit(limit).select(AuditRow::as_select()).into_boxed();
    if let Some(action) = &filter.action {
        query = query.filter(audit_log::action.eq(action));
    }
    if let Some(user_id) = filter.user_id {
        query = query.filter(audit_log::user_id.eq(user_id));
    }
    if let Some(username) = &filter.username {
        query = query.filter(audit_log::username.eq(username));
    }
    if let Some(project_id) = filter.project_id {
        query = query.filter(audit_log::project_id.eq(project_id));
    }
    if let Some(since) = filter.since {
        query = query.filter(audit_log::at.ge(since));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit_log::at.lt(until));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit_log::id.lt(before));
    }
    Ok(query.load(connection).await?)
}

/// Deletes some of the entries from before a time; answers how many. The only way to delete any; it works inside a
/// transaction alone.
///
/// # Errors
/// When a query fails.
pub async fn forget_old(connection: &mut AsyncPgConnection, before: DateTime<Utc>, limit: i64) -> Result<usize> {
    // Ends with the transaction.
    diesel::sql_query("set local sluice.audit_retention = 'on'").execute(connection).await?;
    let old = audit_log::table.filter(audit_log::at.lt(before)).order(audit_log::at).limit(limit);
    let old: Vec<i64> = old.select(audit_log::id).load(connection).await?;
    Ok(diesel::delete(audit_log::table.filter(audit_log::id.eq_any(old))).execute(connection).await?)
}
