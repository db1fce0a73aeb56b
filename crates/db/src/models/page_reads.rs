//! Table `page_reads`: what jobs had read anew.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Result;
use crate::prepared::Prepare;
use crate::schema::page_reads;

/// One page that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Insertable)]
#[diesel(table_name = page_reads)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewPageRead {
    pub job_id: i32,
    pub page_number: i32,
    pub is_page: bool,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub usage_estimated: bool,
}

/// What all attempts of a job have read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PagesRead {
    /// Pages that came of it.
    pub pages: u32,
    /// Tokens sent.
    pub input_tokens: u64,
    /// Tokens received.
    pub output_tokens: u64,
    /// Whether some of them were estimated.
    pub is_estimated: bool,
}

/// Notes pages that were read.
///
/// # Errors
/// When the query fails.
pub async fn insert(connection: &mut AsyncPgConnection, reads: &[NewPageRead]) -> Result<()> {
    diesel::insert_into(page_reads::table).values(reads).execute(connection).await?;
    Ok(())
}

/// What a job has read.
///
/// # Errors
/// When the query fails.
pub async fn total(connection: &mut AsyncPgConnection, job_id: i32) -> Result<PagesRead> {
    let (pages, input, output, is_estimated): (i64, i64, i64, Option<bool>) = page_reads::table
        .filter(page_reads::job_id.eq(job_id))
        .select((
            sql::<BigInt>("count(*) filter (where is_page)"),
            sql::<BigInt>("coalesce(sum(input_tokens), 0)::bigint"),
            sql::<BigInt>("coalesce(sum(output_tokens), 0)::bigint"),
            sql::<Nullable<Bool>>("bool_or(usage_estimated)"),
        ))
        .prepared()
        .get_result(connection)
        .await?;
    Ok(PagesRead {
        pages: u32::try_from(pages).unwrap_or(u32::MAX),
        input_tokens: u64::try_from(input).unwrap_or(0),
        output_tokens: u64::try_from(output).unwrap_or(0),
        is_estimated: is_estimated.unwrap_or(false),
    })
}

/// The numbers of the pages that a job has read.
///
/// # Errors
/// When the query fails.
pub async fn list_numbers(connection: &mut AsyncPgConnection, job_id: i32) -> Result<Vec<i32>> {
    Ok(page_reads::table
        .filter(page_reads::job_id.eq(job_id))
        .filter(page_reads::is_page)
        .select(page_reads::page_number)
        .load(connection)
        .await?)
}
