//! Schemas and rules that a model writes.

use actix_web::web::Data;
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_access::{Access, Identity, ownership};
use sluice_core::SchemaId;
use sluice_db::models::schemas::Schema;
use sluice_extraction::generate::rules::{self, GeneratedRule};
use sluice_extraction::generate::schema;
use sluice_llm::Format;
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Body, Fields, Input, Path, User};
use crate::generator::{Generator, reading};
use crate::respond::Created;
use crate::state::AppState;

/// What a schema is to be made of.
#[derive(Debug)]
pub(crate) struct SchemaWish {
    description: String,
    model_id: String,
    with_hints: bool,
}

impl Input for SchemaWish {
    fn read(fields: &mut Fields) -> Self {
        Self {
            description: fields.string("description").min_length(1).required(),
            model_id: fields.string("modelId").min_length(1).required(),
            with_hints: fields.boolean("includeExtractionHints").optional().unwrap_or(false),
        }
    }
}

/// A schema that a model wrote.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GeneratedSchemaDto {
    json_schema: Value,
}

/// POST /schemas/generate
pub(crate) async fn generate_schema(
    state: Data<AppState>,
    _user: User,
    Body(wish): Body<SchemaWish>,
) -> Result<Created<GeneratedSchemaDto>> {
    let generator = Generator::load(&state, &wish.model_id).await?;
    let prompt = schema::prompt(&wish.description, wish.with_hints);
    let json_schema = generator.ask(prompt, Format::Object, reading(schema::read)).await?;
    Ok(Created(GeneratedSchemaDto { json_schema }))
}

/// What rules are to be made of.
#[derive(Debug)]
pub(crate) struct RulesWish {
    description: String,
    model_id: String,
    context: Option<String>,
}

impl Input for RulesWish {
    fn read(fields: &mut Fields) -> Self {
        Self {
            description: fields.string("description").min_length(1).required(),
            model_id: fields.string("modelId").min_length(1).required(),
            context: fields.string("context").optional(),
        }
    }
}

/// The same with a schema that is not stored.
#[derive(Debug)]
pub(crate) struct RulesWishWithSchema {
    wish: RulesWish,
    json_schema: Map<String, Value>,
}

impl Input for RulesWishWithSchema {
    fn read(fields: &mut Fields) -> Self {
        Self { wish: RulesWish::read(fields), json_schema: fields.object("jsonSchema").required() }
    }
}

/// Rules that a model wrote.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GeneratedRulesDto {
    rules: Vec<GeneratedRuleDto>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GeneratedRuleDto {
    field_path: String,
    rule_type: String,
    rule_operator: String,
    rule_config: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<String>,
}

impl From<GeneratedRule> for GeneratedRuleDto {
    fn from(rule: GeneratedRule) -> Self {
        Self {
            field_path: rule.field_path,
            rule_type: rule.rule_type,
            rule_operator: rule.rule_operator,
            rule_config: rule.rule_config,
            error_message: rule.error_message,
            priority: rule.priority,
            enabled: rule.enabled,
            description: rule.description,
        }
    }
}

/// POST /schemas/generate-rules
pub(crate) async fn generate_rules(
    state: Data<AppState>,
    _user: User,
    Body(form): Body<RulesWishWithSchema>,
) -> Result<Created<GeneratedRulesDto>> {
    write_rules(&state, &form.wish, &Value::Object(form.json_schema)).await
}

/// POST /schemas/:id/generate-rules
pub(crate) async fn generate_rules_of_schema(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<SchemaId>,
    Body(wish): Body<RulesWish>,
) -> Result<Created<GeneratedRulesDto>> {
    let schema = load_schema(&state, &identity, id).await?;
    write_rules(&state, &wish, &schema.json_schema).await
}

async fn write_rules(state: &AppState, wish: &RulesWish, json_schema: &Value) -> Result<Created<GeneratedRulesDto>> {
    let generator = Generator::load(state, &wish.model_id).await?;
    let prompt = rules::prompt(&wish.description, wish.context.as_deref(), json_schema);
    let read = reading(|content, finish_reason| rules::read(content, finish_reason, json_schema));
    let rules = generator.ask(prompt, Format::Object, read).await?;
    Ok(Created(GeneratedRulesDto { rules: rules.into_iter().map(GeneratedRuleDto::from).collect() }))
}

pub(super) async fn load_schema(state: &AppState, identity: &Identity, id: SchemaId) -> Result<Schema> {
    let mut connection = state.connection().await?;
    Ok(ownership::load_schema(&mut connection, identity, Access::OwnerOrAdmin, id).await?)
}
