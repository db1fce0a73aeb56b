//! Rules of a schema. They are told to the model; nothing else enforces them.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sluice_access::{Access, Identity, ownership};
use sluice_core::{SchemaId, SchemaRuleId};
use sluice_db::models::schema_rules::{self, NewSchemaRule, SchemaRule, SchemaRuleChanges};
use sluice_extraction::rule::{ANYWHERE, CORRECTION, OPERATORS, TYPES};
use utoipa::ToSchema;

use crate::error::{ApiError, Result};
use crate::extract::{Body, Fields, Input, Path, User};
use crate::respond::{Created, List};
use crate::state::AppState;
use crate::wire;

/// A rule of a schema.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SchemaRuleDto {
    id: i32,
    schema_id: i32,
    field_path: String,
    rule_type: String,
    rule_operator: String,
    rule_config: Value,
    error_message: Option<String>,
    priority: i32,
    enabled: bool,
    description: Option<String>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
}

impl From<SchemaRule> for SchemaRuleDto {
    fn from(rule: SchemaRule) -> Self {
        Self {
            id: rule.id,
            schema_id: rule.schema_id,
            field_path: rule.field_path,
            rule_type: rule.rule_type,
            rule_operator: rule.rule_operator,
            rule_config: rule.rule_config,
            error_message: rule.error_message,
            priority: rule.priority,
            enabled: rule.enabled,
            description: rule.description,
            created_at: rule.created_at,
        }
    }
}

/// A rule as it is asked for.
#[derive(Debug)]
pub(crate) struct RuleForm(NewSchemaRule);

/// Reads a rule whose schema is known from elsewhere.
pub(crate) fn read_rule(fields: &mut Fields, schema_id: i32) -> NewSchemaRule {
    NewSchemaRule {
        schema_id,
        field_path: fields.string("fieldPath").required(),
        rule_type: fields.string("ruleType").one_of(&TYPES).required(),
        rule_operator: fields.string("ruleOperator").one_of(&OPERATORS).required(),
        rule_config: Value::Object(fields.object("ruleConfig").optional().unwrap_or_default()),
        error_message: fields.string("errorMessage").optional(),
        priority: fields.integer("priority").within(0, 10).optional().unwrap_or(0),
        enabled: fields.boolean("enabled").optional().unwrap_or(true),
        description: fields.string("description").optional(),
    }
}

impl Input for RuleForm {
    fn read(fields: &mut Fields) -> Self {
        let schema_id = fields.integer("schemaId").required();
        Self(read_rule(fields, schema_id))
    }
}

/// Changes of a rule.
#[derive(Debug)]
pub(crate) struct RuleChangesForm {
    schema_id: Option<i32>,
    changes: SchemaRuleChanges,
}

impl Input for RuleChangesForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            schema_id: fields.integer("schemaId").optional(),
            changes: SchemaRuleChanges {
                field_path: fields.string("fieldPath").optional(),
                rule_type: fields.string("ruleType").one_of(&TYPES).optional(),
                rule_operator: fields.string("ruleOperator").one_of(&OPERATORS).optional(),
                rule_config: fields.object("ruleConfig").optional().map(Value::Object),
                error_message: fields.string("errorMessage").nullable(),
                priority: fields.integer("priority").within(0, 10).optional(),
                enabled: fields.boolean("enabled").optional(),
                description: fields.string("description").nullable(),
            },
        }
    }
}

/// The path that is stored: a correction of what OCR misread may be for all fields, other rules are for one.
pub(crate) fn complete_path(path: String, operator: &str) -> Result<String> {
    if !path.trim().is_empty() {
        Ok(path)
    } else if operator == CORRECTION {
        Ok(ANYWHERE.to_owned())
    } else {
        Err(ApiError::bad_request("fieldPath is required"))
    }
}

fn missing(id: SchemaRuleId) -> ApiError {
    ApiError::not_found(format!("Schema rule {id} not found"))
}

fn refuse(id: SchemaRuleId) -> impl FnOnce(sluice_db::Error) -> ApiError {
    move |error| if matches!(error, sluice_db::Error::NotFound) { missing(id) } else { error.into() }
}

fn check_schema_id(sent: i32, schema: SchemaId) -> Result<()> {
    if sent == schema.0 { Ok(()) } else { Err(ApiError::bad_request("Schema ID mismatch")) }
}

async fn check_access(state: &AppState, identity: &Identity, schema: SchemaId) -> Result<()> {
    ownership::load_schema(&mut *state.connection().await?, identity, Access::OwnerOrAdmin, schema).await?;
    Ok(())
}

/// GET /schemas/:schemaId/rules
pub(crate) async fn list_schema_rules(
    state: Data<AppState>,
    User(identity): User,
    Path(schema): Path<SchemaId>,
) -> Result<List<SchemaRuleDto>> {
    check_access(&state, &identity, schema).await?;
    let rows = schema_rules::list(&mut *state.connection().await?, schema.0).await?;
    Ok(List(rows.into_iter().map(SchemaRuleDto::from).collect()))
}

/// POST /schemas/:schemaId/rules
pub(crate) async fn create_schema_rule(
    state: Data<AppState>,
    User(identity): User,
    Path(schema): Path<SchemaId>,
    Body(RuleForm(mut rule)): Body<RuleForm>,
) -> Result<Created<SchemaRuleDto>> {
    check_access(&state, &identity, schema).await?;
    check_schema_id(rule.schema_id, schema)?;
    rule.field_path = complete_path(rule.field_path, &rule.rule_operator)?;
    Ok(Created(schema_rules::insert(&mut *state.connection().await?, &rule).await?.into()))
}

/// PATCH /schemas/:schemaId/rules/:ruleId
pub(crate) async fn update_schema_rule(
    state: Data<AppState>,
    User(identity): User,
    Path((schema, id)): Path<(SchemaId, SchemaRuleId)>,
    Body(RuleChangesForm { schema_id, mut changes }): Body<RuleChangesForm>,
) -> Result<Json<SchemaRuleDto>> {
    check_access(&state, &identity, schema).await?;
    if let Some(schema_id) = schema_id {
        check_schema_id(schema_id, schema)?;
    }
    let mut connection = state.connection().await?;
    let stored = schema_rules::find(&mut connection, schema.0, id.0).await?.ok_or_else(|| missing(id))?;
    if changes.field_path.is_some() || changes.rule_operator.is_some() {
        let operator = changes.rule_operator.as_deref().unwrap_or(&stored.rule_operator);
        changes.field_path = Some(complete_path(changes.field_path.unwrap_or(stored.field_path), operator)?);
    }
    let updated = schema_rules::update(&mut connection, schema.0, id.0, &changes).await;
    Ok(Json(updated.map_err(refuse(id))?.into()))
}

/// DELETE /schemas/:schemaId/rules/:ruleId
pub(crate) async fn delete_schema_rule(
    state: Data<AppState>,
    User(identity): User,
    Path((schema, id)): Path<(SchemaId, SchemaRuleId)>,
) -> Result<Json<SchemaRuleDto>> {
    check_access(&state, &identity, schema).await?;
    let deleted = schema_rules::delete(&mut *state.connection().await?, schema.0, id.0).await;
    Ok(Json(deleted.map_err(refuse(id))?.into()))
}
