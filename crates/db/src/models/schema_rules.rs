//! Table `schema_rules`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;
use crate::schema::schema_rules;

/// A rule.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = schema_rules, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct SchemaRule {
    pub id: i32,
    pub schema_id: i32,
    pub field_path: String,
    pub rule_type: String,
    pub rule_operator: String,
    pub rule_config: Value,
    pub error_message: Option<String>,
    pub priority: i32,
    pub enabled: bool,
    pub description: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// A rule to be inserted.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = schema_rules)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct NewSchemaRule {
    pub schema_id: i32,
    pub field_path: String,
    pub rule_type: String,
    pub rule_operator: String,
    pub rule_config: Value,
    pub error_message: Option<String>,
    pub priority: i32,
    pub enabled: bool,
    pub description: Option<String>,
}

/// Inserts rules.
///
/// # Errors
/// `Reference` when a schema does not exist.
pub async fn insert_all(connection: &mut AsyncPgConnection, rules: &[NewSchemaRule]) -> Result<()> {
    diesel::insert_into(schema_rules::table).values(rules).execute(connection).await?;
    Ok(())
}
