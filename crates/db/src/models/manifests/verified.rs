//! Manifests that a person has verified.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::prepared::Prepare;

/// A verified manifest as an example for others.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Verified {
    /// The manifest.
    #[diesel(sql_type = Integer)]
    pub id: i32,
    /// Its data.
    #[diesel(sql_type = Jsonb)]
    pub extracted_data: Value,
    /// The beginning of its first page.
    #[diesel(sql_type = Nullable<Text>)]
    pub text: Option<String>,
}

/// The newest verified manifests of a project that were checked by a schema as it is now.
///
/// # Errors
/// When the query fails.
pub async fn list_verified(
    connection: &mut AsyncPgConnection,
    project_id: i32,
    schema_id: i32,
    limit: i64,
) -> Result<Vec<Verified>> {
    Ok(diesel::sql_query(
        "select m.id, m.extracted_data, left(m.ocr_result #>> '{pages,0,markdown}', 500) as text
         from manifests m join groups g on g.id = m.group_id
         where g.project_id = $1 and m.human_verified and m.extracted_data is not null
           and m.validation_results ->> 'schemaId' = $2::text
         order by m.updated_at desc limit $3",
    )
    .bind::<Integer, _>(project_id)
    .bind::<Integer, _>(schema_id)
    .bind::<BigInt, _>(limit)
    .prepared()
    .load(connection)
    .await?)
}
