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

/// What is to be changed; `None` stays as it is.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = schema_rules)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct SchemaRuleChanges {
    pub field_path: Option<String>,
    pub rule_type: Option<String>,
    pub rule_operator: Option<String>,
    pub rule_config: Option<Value>,
    pub error_message: Option<Option<String>>,
    pub priority: Option<i32>,
    pub enabled: Option<bool>,
    pub description: Option<Option<String>>,
}

impl SchemaRuleChanges {
    /// Whether nothing is to be changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let Self { field_path, rule_type, rule_operator, rule_config, error_message, priority, enabled, description } =
            self;
        field_path.is_none()
            && rule_type.is_none()
            && rule_operator.is_none()
            && rule_config.is_none()
            && error_message.is_none()
            && priority.is_none()
            && enabled.is_none()
            && description.is_none()
    }
}

/// People write rules by hand; a schema with more has gone wrong.
const MOST: i64 = 1_000;

/// Lists the rules of a schema, the most urgent first, of equals the newest.
///
/// # Errors
/// When the query fails.
pub async fn list(connection: &mut AsyncPgConnection, schema_id: i32) -> Result<Vec<SchemaRule>> {
    Ok(schema_rules::table
        .filter(schema_rules::schema_id.eq(schema_id))
        .order((schema_rules::priority.desc(), schema_rules::created_at.desc(), schema_rules::id.desc()))
        .limit(MOST)
        .select(SchemaRule::as_select())
        .load(connection)
        .await?)
}

/// Inserts a rule.
///
/// # Errors
/// `Reference` when the schema does not exist.
pub async fn insert(connection: &mut AsyncPgConnection, rule: &NewSchemaRule) -> Result<SchemaRule> {
    Ok(diesel::insert_into(schema_rules::table)
        .values(rule)
        .returning(SchemaRule::as_returning())
        .get_result(connection)
        .await?)
}

/// Finds a rule of a schema.
///
/// # Errors
/// When the query fails.
pub async fn find(connection: &mut AsyncPgConnection, schema_id: i32, id: i32) -> Result<Option<SchemaRule>> {
    Ok(schema_rules::table
        .filter(schema_rules::id.eq(id).and(schema_rules::schema_id.eq(schema_id)))
        .select(SchemaRule::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// Changes a rule of a schema.
///
/// # Errors
/// `NotFound`.
pub async fn update(
    connection: &mut AsyncPgConnection,
    schema_id: i32,
    id: i32,
    changes: &SchemaRuleChanges,
) -> Result<SchemaRule> {
    let rule = schema_rules::table.filter(schema_rules::id.eq(id).and(schema_rules::schema_id.eq(schema_id)));
    // A statement that sets nothing is none.
    if changes.is_empty() {
        return Ok(rule.select(SchemaRule::as_select()).first(connection).await?);
    }
    Ok(diesel::update(rule).set(changes).returning(SchemaRule::as_returning()).get_result(connection).await?)
}

/// Deletes a rule of a schema.
///
/// # Errors
/// `NotFound`.
pub async fn delete(connection: &mut AsyncPgConnection, schema_id: i32, id: i32) -> Result<SchemaRule> {
    let rule = schema_rules::table.filter(schema_rules::id.eq(id).and(schema_rules::schema_id.eq(schema_id)));
    Ok(diesel::delete(rule).returning(SchemaRule::as_returning()).get_result(connection).await?)
}
