//! Tables `sign_in_failures` and `sign_in_networks`: wrong passwords, and where people have signed in from.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::schema::{sign_in_failures, sign_in_networks, users};

/// Wrong passwords for a name from a network.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = sign_in_failures, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Failures {
    pub username: String,
    pub network: String,
    pub failures: i32,
    pub last_failed_at: DateTime<Utc>,
    pub locked_until: Option<DateTime<Utc>>,
}

/// Lets only one at a time count for a name; the others wait until its transaction ends.
///
/// # Errors
/// When the query fails.
pub async fn take_turn(connection: &mut AsyncPgConnection, username: &str) -> Result<()> {
    diesel::sql_query("select pg_advisory_xact_lock(hashtextextended('sign-in:' || $1, 0))")
        .bind::<Text, _>(username)
        .execute(connection)
        .await?;
    Ok(())
}

/// Lists the wrong passwords for a name of all networks since a time.
///
/// # Errors
/// When the query fails.
pub async fn list_failures(
    connection: &mut AsyncPgConnection,
    username: &str,
    since: DateTime<Utc>,
) -> Result<Vec<Failures>> {
    Ok(sign_in_failures::table
        .filter(sign_in_failures::username.eq(username).and(sign_in_failures::last_failed_at.gt(since)))
        .order(sign_in_failures::last_failed_at)
        .select(Failures::as_select())
        .load(connection)
        .await?)
}

/// Writes how many there are now.
///
/// # Errors
/// When the query fails.
pub async fn store_failures(connection: &mut AsyncPgConnection, failures: &Failures) -> Result<()> {
    diesel::insert_into(sign_in_failures::table)
        .values(failures)
        .on_conflict((sign_in_failures::username, sign_in_failures::network))
        .do_update()
        .set((
            sign_in_failures::failures.eq(excluded(sign_in_failures::failures)),
            sign_in_failures::last_failed_at.eq(excluded(sign_in_failures::last_failed_at)),
            sign_in_failures::locked_until.eq(excluded(sign_in_failures::locked_until)),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets wrong passwords for a name: those of one network, or all.
///
/// # Errors
/// When the query fails.
pub async fn forget_failures(
    connection: &mut AsyncPgConnection,
    username: &str,
    network: Option<&str>,
) -> Result<usize> {
    let mut query =
        diesel::delete(sign_in_failures::table.filter(sign_in_failures::username.eq(username))).into_boxed();
    if let Some(network) = network {
        query = query.filter(sign_in_failures::network.eq(network));
    }
    Ok(query.execute(connection).await?)
}

/// Whether somebody of this name has signed in from a network since a time. A name that nobody has is asked for alike.
///
/// # Errors
/// When the query fails.
pub async fn is_known_network(
    connection: &mut AsyncPgConnection,
    username: &str,
    network: &str,
    since: DateTime<Utc>,
) -> Result<bool> {
    let known = sign_in_networks::table
        .inner_join(users::table)
        .filter(users::username.eq(username).and(sign_in_networks::network.eq(network)))
        .filter(sign_in_networks::last_signed_in_at.gt(since));
    Ok(diesel::select(diesel::dsl::exists(known)).get_result(connection).await?)
}

/// Notes where somebody has signed in from.
///
/// # Errors
/// `Reference` when the user is gone.
pub async fn note_network(
    connection: &mut AsyncPgConnection,
    user_id: i32,
    network: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(sign_in_networks::table)
        .values((
            sign_in_networks::user_id.eq(user_id),
            sign_in_networks::network.eq(network),
            sign_in_networks::last_signed_in_at.eq(now),
        ))
        .on_conflict((sign_in_networks::user_id, sign_in_networks::network))
        .do_update()
        .set(sign_in_networks::last_signed_in_at.eq(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes what decides nothing any more: failures and networks from before these times.
///
/// # Errors
/// When a query fails.
pub async fn forget_old(
    connection: &mut AsyncPgConnection,
    failures_before: DateTime<Utc>,
    networks_before: DateTime<Utc>,
) -> Result<usize> {
    let old = sign_in_failures::table.filter(sign_in_failures::last_failed_at.lt(failures_before));
    let failures = diesel::delete(old).execute(connection).await?;
    let old = sign_in_networks::table.filter(sign_in_networks::last_signed_in_at.lt(networks_before));
    Ok(failures + diesel::delete(old).execute(connection).await?)
}
