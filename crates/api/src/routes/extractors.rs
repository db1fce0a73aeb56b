//! Extractors: how a file becomes text. Admins write them; everybody may read and use them.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sluice_core::ExtractorId;
use sluice_db::models::extractors::{self, Extractor, ExtractorChanges, ExtractorFilter, NewExtractor};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{self, Action};
use crate::connection::{Adapter, EXTRACTORS, MASK};
use crate::error::{ApiError, Result};
use crate::extract::{Admin, Body, Caller, Fields, Input, Path, Query, User};
use crate::respond::{Created, List};
use crate::state::AppState;
use crate::wire;

mod costs;
mod pricing;
mod probe;
mod remote_probe;

pub(crate) use self::costs::{list_extractor_costs, show_extractor_costs};

use self::probe::ExtractorTestDto;

/// An extractor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtractorDto {
    id: Uuid,
    name: String,
    description: Option<String>,
    extractor_type: String,
    config: Value,
    is_active: bool,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    updated_at: DateTime<Utc>,
    usage_count: i64,
}

impl ExtractorDto {
    fn new(extractor: Extractor, usage_count: i64) -> Self {
        let adapter = find_type(&extractor.extractor_type);
        Self {
            id: extractor.id,
            name: extractor.name,
            description: extractor.description,
            // Without its table it is not known what is secret.
            config: adapter.map_or_else(|| json!({}), |adapter| adapter.mask(&extractor.config)),
            extractor_type: extractor.extractor_type,
            is_active: extractor.is_active,
            created_at: extractor.created_at,
            updated_at: extractor.updated_at,
            usage_count,
        }
    }

    async fn load(state: &AppState, extractor: Extractor) -> Result<Self> {
        let uses = extractors::count_uses(&mut *state.connection().await?, &[extractor.id]).await?;
        let usage_count = uses.get(&extractor.id).copied().unwrap_or_default();
        Ok(Self::new(extractor, usage_count))
    }
}

fn find_type(name: &str) -> Option<&'static Adapter> {
    EXTRACTORS.iter().find(|adapter| adapter.name == name)
}

fn load_type(name: &str) -> Result<&'static Adapter> {
    find_type(name).ok_or_else(|| ApiError::bad_request(format!("Unknown extractor type: {name}")))
}

fn missing(id: ExtractorId) -> ApiError {
    ApiError::not_found(format!("Extractor {id} not found"))
}

/// A kind of extractor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtractorTypeDto {
    id: &'static str,
    name: &'static str,
    description: &'static str,
    version: &'static str,
    category: &'static str,
    /// A form for each parameter.
    #[schema(value_type = Object)]
    params_schema: Value,
    supported_formats: &'static [&'static str],
    /// A form for each price.
    #[schema(value_type = Object)]
    pricing_schema: Value,
}

/// GET /extractors/types
pub(crate) async fn list_types(_user: User) -> List<ExtractorTypeDto> {
    let types = EXTRACTORS.iter().map(|adapter| ExtractorTypeDto {
        id: adapter.name,
        name: adapter.title,
        description: adapter.description,
        version: env!("CARGO_PKG_VERSION"),
        category: adapter.category,
        params_schema: adapter.forms(),
        supported_formats: adapter.capabilities,
        pricing_schema: pricing::forms(),
    });
    List(types.collect())
}

/// Settings to begin with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PresetDto {
    id: &'static str,
    name: &'static str,
    description: &'static str,
    extractor_type: &'static str,
    #[schema(value_type = Object)]
    config: Value,
}

/// GET /extractors/presets
pub(crate) async fn list_presets(_user: User) -> List<PresetDto> {
    let free = json!({"mode": "none"});
    List(vec![
        PresetDto {
            id: "local",
            name: "Text layer, else OCR",
            description: "For PDFs of all kinds and for pictures",
            extractor_type: "local",
            config: json!({"ocr": "auto", "languages": "auto", "pricing": free}),
        },
        PresetDto {
            id: "tesseract-eng",
            name: "Tesseract, English",
            description: "For scans in English",
            extractor_type: "tesseract",
            config: json!({"lang": "eng", "psm": 6, "pricing": free}),
        },
        vision_preset("gpt-4o", "GPT-4o", "https://api.openai.com/v1", ("gpt-4o", 2.5, 10.0)),
        vision_preset(
            "claude-3.5-sonnet",
            "Claude 3.5 Sonnet",
            "https://api.anthropic.com/v1",
            ("claude-3-5-sonnet-latest", 3.0, 15.0),
        ),
        vision_preset(
            "qwen-vl",
            "Qwen-VL",
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            ("qwen-vl-max", 0.1, 0.1),
        ),
    ])
}

/// Settings for a model that sees; prices are per million tokens.
fn vision_preset(
    id: &'static str,
    name: &'static str,
    base_url: &str,
    (model, input, output): (&str, f64, f64),
) -> PresetDto {
    let pricing = json!({"mode": "token", "currency": "USD", "inputPricePerMillionTokens": input,
                         "outputPricePerMillionTokens": output});
    PresetDto {
        id,
        name,
        description: "Reads the picture of every page; needs your API key",
        extractor_type: "vision-llm",
        config: json!({"baseUrl": base_url, "model": model, "temperature": 0, "maxTokens": 4096, "pricing": pricing}),
    }
}

/// Which extractors are wanted.
#[derive(Debug)]
pub(crate) struct ExtractorQuery {
    extractor_type: Option<String>,
    is_active: Option<String>,
}

impl Input for ExtractorQuery {
    fn read(fields: &mut Fields) -> Self {
        Self {
            extractor_type: fields.string("extractorType").optional(),
            is_active: fields.string("isActive").one_of(&["true", "false"]).optional(),
        }
    }
}

/// GET /extractors
pub(crate) async fn list_extractors(
    state: Data<AppState>,
    _user: User,
    Query(ExtractorQuery { extractor_type, is_active }): Query<ExtractorQuery>,
) -> Result<List<ExtractorDto>> {
    let filter = ExtractorFilter { extractor_type, is_active: is_active.map(|word| word == "true") };
    let mut connection = state.connection().await?;
    let rows = extractors::list(&mut connection, &filter).await?;
    let ids: Vec<Uuid> = rows.iter().map(|extractor| extractor.id).collect();
    let uses = extractors::count_uses(&mut connection, &ids).await?;
    let list: Vec<ExtractorDto> = rows
        .into_iter()
        .map(|extractor| {
            let usage_count = uses.get(&extractor.id).copied().unwrap_or_default();
            ExtractorDto::new(extractor, usage_count)
        })
        .collect();
    Ok(List(list))
}

/// GET /extractors/:id
pub(crate) async fn show_extractor(
    state: Data<AppState>,
    _user: User,
    Path(id): Path<ExtractorId>,
) -> Result<Json<ExtractorDto>> {
    let extractor = extractors::find(&mut *state.connection().await?, id.0).await?.ok_or_else(|| missing(id))?;
    Ok(Json(ExtractorDto::load(&state, extractor).await?))
}

/// An extractor as it is asked for.
#[derive(Debug)]
pub(crate) struct ExtractorForm {
    name: String,
    description: Option<String>,
    extractor_type: String,
    config: Map<String, Value>,
    is_active: bool,
}

impl Input for ExtractorForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.string("name").min_length(1).required(),
            description: fields.string("description").optional(),
            extractor_type: fields.string("extractorType").required(),
            config: fields.object("config").optional().unwrap_or_default(),
            is_active: fields.boolean("isActive").optional().unwrap_or(true),
        }
    }
}

/// POST /extractors
pub(crate) async fn create_extractor(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Body(form): Body<ExtractorForm>,
) -> Result<Created<ExtractorDto>> {
    let ExtractorForm { name, description, extractor_type, config, is_active } = form;
    let adapter = load_type(&extractor_type)?;
    let config = merge(&state, adapter, &json!({}), config)?;
    let extractor =
        NewExtractor { id: ExtractorId::generate().0, name, description, extractor_type, config, is_active };
    let details = json!({"name": extractor.name, "extractorType": extractor.extractor_type});
    let entry = caller.did(Action::ExtractorCreated).to("extractor", extractor.id).with(details);
    let made = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            extractors::insert(connection, &extractor).await
        })
    });
    Ok(Created(ExtractorDto::new(made.await?, 0)))
}

/// Puts sent settings over stored ones and checks the whole.
fn merge(state: &AppState, adapter: &Adapter, stored: &Value, mut sent: Map<String, Value>) -> Result<Value> {
    let pricing = sent.remove("pricing").filter(|pricing| !pricing.is_null());
    let mut merged = adapter.merge(stored, sent, &state.secrets)?;
    let pricing = pricing.or_else(|| stored.get("pricing").cloned()).unwrap_or_else(|| json!({"mode": "none"}));
    merged.remove("pricing");
    let is_masked = merged.values().any(|value| value == MASK);
    let mut problems = adapter.problems(&merged);
    problems.extend(is_masked.then(|| "A masked secret is no secret".to_owned()));
    problems.extend(pricing::problems(&pricing));
    if let Some(problem) = problems.into_iter().next() {
        return Err(ApiError::bad_request(problem));
    }
    merged.insert("pricing".to_owned(), pricing);
    Ok(Value::Object(merged))
}

/// What is to be changed of an extractor.
#[derive(Debug)]
pub(crate) struct ExtractorChangesForm {
    name: Option<String>,
    description: Option<Option<String>>,
    extractor_type: Option<String>,
    config: Option<Map<String, Value>>,
    is_active: Option<bool>,
}

impl Input for ExtractorChangesForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.string("name").min_length(1).optional(),
            description: fields.string("description").nullable(),
            extractor_type: fields.string("extractorType").optional(),
            config: fields.object("config").optional(),
            is_active: fields.boolean("isActive").optional(),
        }
    }
}

/// PATCH /extractors/:id
pub(crate) async fn update_extractor(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Path(id): Path<ExtractorId>,
    Body(form): Body<ExtractorChangesForm>,
) -> Result<Json<ExtractorDto>> {
    let ExtractorChangesForm { name, description, extractor_type, config, is_active } = form;
    let shared = state.clone();
    let changed = state.pool.transaction(move |connection| {
        Box::pin(async move {
            let stored = extractors::load_for_update(connection, id.0).await?;
            let sent = Sent { extractor_type, config };
            match sent.over(&shared, &stored) {
                Ok((extractor_type, config)) => {
                    let changes = ExtractorChanges { name, description, extractor_type, config, is_active };
                    let entry = caller.did(Action::ExtractorUpdated).to("extractor", id);
                    audit::record(connection, &entry.with(changed_fields(&changes))).await?;
                    Ok(Ok(extractors::update(connection, id.0, &changes).await?))
                }
                Err(error) => Ok(Err(error)),
            }
        })
    });
    let extractor = match changed.await {
        Ok(result) => result?,
        Err(sluice_db::Error::NotFound) => return Err(missing(id)),
        Err(error) => return Err(error.into()),
    };
    Ok(Json(ExtractorDto::load(&state, extractor).await?))
}

/// What changes, by name; the address is told too, because it decides who gets to see documents.
fn changed_fields(changes: &ExtractorChanges) -> Value {
    let config = changes.config.as_ref();
    let fields = [
        ("name", changes.name.is_some()),
        ("description", changes.description.is_some()),
        ("extractorType", changes.extractor_type.is_some()),
        ("config", config.is_some()),
        ("isActive", changes.is_active.is_some()),
    ];
    let changed: Vec<&str> = fields.iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| *name).collect();
    json!({"changed": changed, "server": config.and_then(audit::server_of)})
}

/// What a client wants to change of type and settings.
struct Sent {
    extractor_type: Option<String>,
    config: Option<Map<String, Value>>,
}

impl Sent {
    fn over(self, state: &AppState, stored: &Extractor) -> Result<(Option<String>, Option<Value>)> {
        let Some(extractor_type) = self.extractor_type.filter(|name| *name != stored.extractor_type) else {
            let config = match self.config {
                None => None,
                Some(sent) => Some(merge(state, load_type(&stored.extractor_type)?, &stored.config, sent)?),
            };
            return Ok((None, config));
        };
        let adapter = load_type(&extractor_type)?;
        let sent = self.config.ok_or_else(|| ApiError::bad_request("Changing extractorType requires config"))?;
        // Nothing of another type's settings means anything here.
        let config = merge(state, adapter, &json!({}), sent)?;
        Ok((Some(extractor_type), Some(config)))
    }
}

/// DELETE /extractors/:id
pub(crate) async fn delete_extractor(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Path(id): Path<ExtractorId>,
) -> Result<Json<ExtractorDto>> {
    let extractor = extractors::find(&mut *state.connection().await?, id.0).await?.ok_or_else(|| missing(id))?;
    let body = ExtractorDto::load(&state, extractor).await?;
    let entry = caller.did(Action::ExtractorDeleted).to("extractor", id);
    let deleted = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            extractors::delete(connection, id.0).await
        })
    });
    deleted.await?;
    Ok(Json(body))
}

/// POST /extractors/:id/test
pub(crate) async fn test_extractor(
    state: Data<AppState>,
    _admin: Admin,
    Path(id): Path<ExtractorId>,
) -> Result<Created<ExtractorTestDto>> {
    let extractor = extractors::find(&mut *state.connection().await?, id.0).await?.ok_or_else(|| missing(id))?;
    Ok(Created(probe::probe(&state, &extractor).await))
}
