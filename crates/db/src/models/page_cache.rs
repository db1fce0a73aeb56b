//! Table `page_cache`: pages that were read, by content and settings.

use chrono::{DateTime, Utc};
use diesel::dsl::sum;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::prepared::Prepare;
use crate::schema::page_cache;

/// What the pages of a file are kept under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey {
    /// The SHA-256 of the file.
    pub file_sha256: String,
    /// The SHA-256 of the extractor's type and settings.
    pub settings_sha256: String,
}

/// The known pages of a file, by number; they count as used now.
///
/// # Errors
/// When the query fails.
pub async fn load(connection: &mut AsyncPgConnection, key: &PageKey, now: DateTime<Utc>) -> Result<Vec<(i32, Value)>> {
    let rows = page_cache::table
        .filter(page_cache::file_sha256.eq(&key.file_sha256))
        .filter(page_cache::settings_sha256.eq(&key.settings_sha256));
    let mut pages: Vec<(i32, Value)> = diesel::update(rows)
        .set(page_cache::last_used_at.eq(now))
        .returning((page_cache::page_number, page_cache::page))
        .prepared()
        .get_results(connection)
        .await?;
    pages.sort_by_key(|(number, _)| *number);
    Ok(pages)
}

/// One page of a file; its pages count as used now.
///
/// # Errors
/// When the query fails.
pub async fn find(
    connection: &mut AsyncPgConnection,
    key: &PageKey,
    number: i32,
    now: DateTime<Utc>,
) -> Result<Option<Value>> {
    Ok(diesel::update(page_cache::table.find((&key.file_sha256, &key.settings_sha256, number)))
        .set(page_cache::last_used_at.eq(now))
        .returning(page_cache::page)
        .prepared()
        .get_result(connection)
        .await
        .optional()?)
}

/// The extents of the known pages of a file, in their order: their JSON without what is large.
///
/// # Errors
/// When the query fails.
pub async fn list_extents(connection: &mut AsyncPgConnection, key: &PageKey) -> Result<Vec<Value>> {
    #[derive(QueryableByName)]
    struct Extent {
        #[diesel(sql_type = Jsonb)]
        extent: Value,
    }
    let rows: Vec<Extent> = diesel::sql_query(
        "select page - '{words,text,markdown,elements}'::text[] as extent from page_cache
         where file_sha256 = $1 and settings_sha256 = $2 order by page_number",
    )
    .bind::<Text, _>(&key.file_sha256)
    .bind::<Text, _>(&key.settings_sha256)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.extent).collect())
}

/// Keeps a page; one that is known already is replaced.
///
/// # Errors
/// When the query fails.
pub async fn keep(connection: &mut AsyncPgConnection, key: &PageKey, number: i32, page: &Value) -> Result<()> {
    let size_bytes = i32::try_from(page.to_string().len()).unwrap_or(i32::MAX);
    diesel::insert_into(page_cache::table)
        .values((
            page_cache::file_sha256.eq(&key.file_sha256),
            page_cache::settings_sha256.eq(&key.settings_sha256),
            page_cache::page_number.eq(number),
            page_cache::page.eq(page),
            page_cache::size_bytes.eq(size_bytes),
        ))
        .on_conflict((page_cache::file_sha256, page_cache::settings_sha256, page_cache::page_number))
        .do_update()
        .set((page_cache::page.eq(page), page_cache::size_bytes.eq(size_bytes)))
        .prepared()
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets pages that nobody has used since.
///
/// # Errors
/// When the query fails.
pub async fn forget_unused(connection: &mut AsyncPgConnection, since: DateTime<Utc>) -> Result<usize> {
    Ok(diesel::delete(page_cache::table.filter(page_cache::last_used_at.lt(since))).execute(connection).await?)
}

/// Forgets the pages that were unused for longest until the others are together no larger than this; answers how many went.
///
/// # Errors
/// When a query fails.
pub async fn trim(connection: &mut AsyncPgConnection, max_bytes: i64) -> Result<usize> {
    // Looked at first, because most of the time nothing is to be done and the other query sorts all rows.
    let size: Option<i64> = page_cache::table.select(sum(page_cache::size_bytes)).get_result(connection).await?;
    if size.unwrap_or(0) <= max_bytes {
        return Ok(0);
    }
    let forgotten = diesel::sql_query(
        "delete from page_cache where ctid in (
           select row from (
             select ctid as row, sum(size_bytes) over (
               order by last_used_at desc, file_sha256, settings_sha256, page_number
               rows unbounded preceding) as up_to_here
             from page_cache) ranked
           where up_to_here > $1)",
    );
    Ok(forgotten.bind::<BigInt, _>(max_bytes).execute(connection).await?)
}
