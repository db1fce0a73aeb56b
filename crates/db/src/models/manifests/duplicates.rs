//! Manifests of a project that say that they are the same document.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;

/// Another manifest with the same number.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Twin {
    /// Its id.
    #[diesel(sql_type = Integer)]
    pub id: i32,
    /// What its file was called.
    #[diesel(sql_type = Text)]
    pub original_filename: String,
    /// What stands at the path of the seller's name.
    #[diesel(sql_type = Nullable<Text>)]
    pub seller_name: Option<String>,
    /// What stands at the path of the seller's VAT number.
    #[diesel(sql_type = Nullable<Text>)]
    pub seller_vat_id: Option<String>,
}

/// A number and where it is looked for.
#[derive(Debug, Clone, Copy)]
pub struct NumberQuery<'a> {
    /// The project whose manifests are looked at.
    pub project_id: i32,
    /// The manifest that has the number.
    pub manifest_id: i32,
    /// Where numbers are.
    pub number_path: &'a str,
    /// The number.
    pub number: &'a str,
    /// Where names of sellers are.
    pub name_path: Option<&'a str>,
    /// Where VAT numbers of sellers are.
    pub vat_id_path: Option<&'a str>,
}

/// Each group is a look-up in `manifest_values_text`. Of a number that very many have, the oldest are enough to be told.
const TWINS: &str = "
    select m.id, m.original_filename, name.text as seller_name, vat_id.text as seller_vat_id
    from groups g
    join manifest_values number on number.group_id = g.id and number.path = $3 and number.text = $4 and not number.is_cut
    join manifests m on m.id = number.manifest_id
    left join manifest_values name on name.manifest_id = m.id and name.path = $5
    left join manifest_values vat_id on vat_id.manifest_id = m.id and vat_id.path = $6
    where g.project_id = $1 and m.id <> $2
    order by m.id
    limit 100";

/// Lists other manifests of the project with the same number, the oldest first.
///
/// # Errors
/// When the query fails.
pub async fn list_twins(connection: &mut AsyncPgConnection, query: NumberQuery<'_>) -> Result<Vec<Twin>> {
    Ok(load(connection, TWINS, query).await?)
}

/// How Postgres answers [`list_twins`].
///
/// # Errors
/// When the query fails.
pub async fn explain_twins(connection: &mut AsyncPgConnection, query: NumberQuery<'_>) -> Result<Vec<Value>> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Json, column_name = "QUERY PLAN")]
        plan: Value,
    }
    let lines: Vec<Line> = load(connection, &format!("explain (format json) {TWINS}"), query).await?;
    Ok(lines.into_iter().map(|line| line.plan).collect())
}

async fn load<Row>(connection: &mut AsyncPgConnection, statement: &str, query: NumberQuery<'_>) -> QueryResult<Vec<Row>>
where
    Row: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    diesel::sql_query(statement)
        .bind::<Integer, _>(query.project_id)
        .bind::<Integer, _>(query.manifest_id)
        .bind::<Text, _>(query.number_path)
        .bind::<Text, _>(query.number)
        .bind::<Nullable<Text>, _>(query.name_path)
        .bind::<Nullable<Text>, _>(query.vat_id_path)
        .load(connection)
        .await
}
