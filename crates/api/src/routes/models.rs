//! Models: connections to language models. Admins write them; everybody may read and use them.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sluice_core::ModelId;
use sluice_db::models::models::{self, Model, ModelChanges, ModelFilter, NewModel};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{self, Action, AuditEntry};
use crate::connection::{ADAPTERS, Adapter, MASK};
use crate::error::{ApiError, Code, Result};
use crate::extract::{Admin, Body, Caller, Fields, Input, Path, Query, User};
use crate::respond::{Created, List};
use crate::state::AppState;
use crate::wire;

mod ping;
mod pricing;

use self::ping::ModelTestDto;

/// A model.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModelDto {
    id: Uuid,
    name: String,
    adapter_type: String,
    description: Option<String>,
    category: Option<&'static str>,
    parameters: Value,
    pricing: Value,
    pricing_history: Value,
    is_active: bool,
    /// What the last test found the endpoint to be able to do; absent when it was not tested since it was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, nullable = false)]
    capabilities: Option<Value>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    updated_at: DateTime<Utc>,
}

const CATEGORY: &str = "llm";

impl From<Model> for ModelDto {
    fn from(model: Model) -> Self {
        let adapter = find_adapter(&model.adapter_type);
        Self {
            id: model.id,
            name: model.name,
            description: model.description,
            category: adapter.map(|_| CATEGORY),
            // Without its table it is not known what is secret.
            parameters: adapter.map_or_else(|| json!({}), |adapter| adapter.mask(&model.parameters)),
            pricing: model.pricing,
            pricing_history: model.pricing_history,
            adapter_type: model.adapter_type,
            is_active: model.is_active,
            capabilities: model.capabilities,
            created_at: model.created_at,
            updated_at: model.updated_at,
        }
    }
}

fn find_adapter(name: &str) -> Option<&'static Adapter> {
    ADAPTERS.iter().find(|adapter| adapter.name == name)
}

fn missing(id: ModelId) -> ApiError {
    ApiError::not_found(format!("Model {id} not found"))
}

/// A kind of model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdapterDto {
    r#type: &'static str,
    name: &'static str,
    description: &'static str,
    category: &'static str,
    /// A form for each parameter.
    #[schema(value_type = Object)]
    parameters: Value,
    capabilities: &'static [&'static str],
}

/// GET /models/adapters
pub(crate) async fn list_adapters(_user: User) -> List<AdapterDto> {
    let forms = ADAPTERS.iter().map(|adapter| AdapterDto {
        r#type: adapter.name,
        name: adapter.title,
        description: adapter.description,
        category: CATEGORY,
        parameters: adapter.forms(),
        capabilities: adapter.capabilities,
    });
    List(forms.collect())
}

/// Which models are wanted.
#[derive(Debug)]
pub(crate) struct ModelQuery {
    category: Option<String>,
    adapter_type: Option<String>,
    is_active: Option<String>,
}

impl Input for ModelQuery {
    fn read(fields: &mut Fields) -> Self {
        Self {
            category: fields.string("category").enumeration(&["llm", "ocr"]).optional(),
            adapter_type: fields.string("adapterType").optional(),
            is_active: fields.string("isActive").one_of(&["true", "false"]).optional(),
        }
    }
}

/// GET /models
pub(crate) async fn list_models(
    state: Data<AppState>,
    _user: User,
    Query(ModelQuery { category, adapter_type, is_active }): Query<ModelQuery>,
) -> Result<List<ModelDto>> {
    let of_category = category.map(|category| if category == CATEGORY { adapter_names() } else { Vec::new() });
    let adapter_types = match (of_category, adapter_type) {
        (None, None) => None,
        (Some(names), None) => Some(names),
        (None, Some(name)) => Some(vec![name]),
        (Some(names), Some(name)) => Some(names.into_iter().filter(|one| *one == name).collect()),
    };
    let filter = ModelFilter { adapter_types, is_active: is_active.map(|word| word == "true") };
    let rows = models::list(&mut *state.connection().await?, &filter).await?;
    Ok(List(rows.into_iter().map(ModelDto::from).collect()))
}

fn adapter_names() -> Vec<String> {
    ADAPTERS.iter().map(|adapter| adapter.name.to_owned()).collect()
}

/// GET /models/:id
pub(crate) async fn show_model(state: Data<AppState>, _user: User, Path(id): Path<ModelId>) -> Result<Json<ModelDto>> {
    let model = models::find(&mut *state.connection().await?, id.0).await?;
    Ok(Json(ModelDto::from(model.ok_or_else(|| missing(id))?)))
}

/// A model as it is asked for.
#[derive(Debug)]
pub(crate) struct ModelForm {
    name: String,
    adapter_type: String,
    parameters: Map<String, Value>,
    description: Option<String>,
    is_active: bool,
}

impl Input for ModelForm {
    fn read(fields: &mut Fields) -> Self {
        let form = Self {
            name: fields.string("name").min_length(1).required(),
            adapter_type: fields
                .string("adapterType")
                .rule("AdapterTypeConstraint", |name| find_adapter(name).is_some())
                .required(),
            parameters: fields.object("parameters").required(),
            description: fields.string("description").optional(),
            is_active: fields.boolean("isActive").optional().unwrap_or(true),
        };
        let sent = &form.parameters;
        let adapter = find_adapter(&form.adapter_type);
        if adapter.is_some_and(|adapter| !adapter.problems(sent).is_empty() || is_masked(adapter, sent)) {
            fields.fail("parameters", "AdapterParametersConstraint");
        }
        form
    }
}

/// POST /models
pub(crate) async fn create_model(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Body(form): Body<ModelForm>,
) -> Result<Created<ModelDto>> {
    let ModelForm { name, adapter_type, parameters, description, is_active } = form;
    let adapter = find_adapter(&adapter_type).ok_or_else(|| unknown_adapter(&adapter_type))?;
    let parameters = Value::Object(adapter.merge(&json!({}), parameters, &state.secrets)?);
    let pricing = pricing::guess(&name, state.clock.now());
    let model = NewModel { id: ModelId::generate().0, name, adapter_type, description, parameters, pricing, is_active };
    let entry = caller.did(Action::ModelCreated).to("model", model.id).with(json!({"name": model.name}));
    let made = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            models::insert(connection, &model).await
        })
    });
    Ok(Created(made.await?.into()))
}

/// Whether a secret is the mask, where none is stored that it could stand for.
fn is_masked(adapter: &Adapter, parameters: &Map<String, Value>) -> bool {
    let mut secrets = adapter.parameters.iter().filter(|parameter| parameter.secret);
    secrets.any(|parameter| parameters.get(parameter.key).is_some_and(|value| value == MASK))
}

fn unknown_adapter(name: &str) -> ApiError {
    ApiError::bad_request(format!("Unknown adapter type: {name}"))
}

/// What is to be changed of a model.
#[derive(Debug)]
pub(crate) struct ModelChangesForm {
    name: Option<String>,
    adapter_type: Option<String>,
    parameters: Option<Map<String, Value>>,
    description: Option<Option<String>>,
    is_active: Option<bool>,
    pricing: Option<Map<String, Value>>,
}

impl Input for ModelChangesForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.string("name").min_length(1).optional(),
            adapter_type: fields
                .string("adapterType")
                .rule("AdapterTypeConstraint", |name| find_adapter(name).is_some())
                .optional(),
            parameters: fields.object("parameters").optional(),
            description: fields.string("description").nullable(),
            is_active: fields.boolean("isActive").optional(),
            pricing: fields.optional_child("pricing", pricing::read),
        }
    }
}

/// PATCH /models/:id
pub(crate) async fn update_model(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Path(id): Path<ModelId>,
    Body(form): Body<ModelChangesForm>,
) -> Result<Json<ModelDto>> {
    let ModelChangesForm { name, adapter_type, parameters, description, is_active, pricing } = form;
    if adapter_type.is_some() && parameters.is_none() {
        return Err(ApiError::bad_request("Changing adapterType requires parameters"));
    }
    let (secrets, now) = (state.secrets.clone(), state.clock.now());
    let entry = caller.did(Action::ModelUpdated).to("model", id);
    let change = move |stored: &Model| {
        let is_other = adapter_type.as_deref().is_some_and(|name| name != stored.adapter_type);
        let adapter_name = adapter_type.as_deref().unwrap_or(&stored.adapter_type);
        let adapter = find_adapter(adapter_name).ok_or_else(|| unknown_adapter(adapter_name))?;
        let parameters = match parameters {
            None => None,
            Some(sent) => {
                let base = if is_other { &Value::Null } else { &stored.parameters };
                let merged = adapter.merge(base, sent, &secrets)?;
                if let Some(problem) = adapter.problems(&merged).into_iter().next() {
                    return Err(ApiError::bad_request(problem));
                }
                Some(Value::Object(merged))
            }
        };
        // What was found out was found out of another connection.
        let capabilities = parameters.is_some().then_some(None);
        let mut changes = ModelChanges {
            name,
            adapter_type,
            description,
            parameters,
            is_active,
            capabilities,
            ..ModelChanges::default()
        };
        if let Some(pricing) = pricing {
            pricing::change(stored, pricing, now, &mut changes);
        }
        Ok(changes)
    };
    Ok(Json(ModelDto::from(update(&state, id, entry, change).await?)))
}

/// New prices.
#[derive(Debug)]
pub(crate) struct PricingForm(Map<String, Value>);

impl Input for PricingForm {
    fn read(fields: &mut Fields) -> Self {
        Self(fields.child("pricing", pricing::read))
    }
}

/// PATCH /models/:id/pricing
pub(crate) async fn update_pricing(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Path(id): Path<ModelId>,
    Body(PricingForm(pricing)): Body<PricingForm>,
) -> Result<Json<ModelDto>> {
    let now = state.clock.now();
    let entry = caller.did(Action::ModelUpdated).to("model", id);
    let change = move |stored: &Model| {
        let mut changes = ModelChanges::default();
        pricing::change(stored, pricing, now, &mut changes);
        Ok(changes)
    };
    Ok(Json(ModelDto::from(update(&state, id, entry, change).await?)))
}

/// Changes a model by what is stored; nobody else changes it in between.
async fn update<F>(state: &AppState, id: ModelId, entry: AuditEntry, change: F) -> Result<Model>
where
    F: FnOnce(&Model) -> Result<ModelChanges> + Send + 'static,
{
    let changed = state.pool.transaction(move |connection| {
        Box::pin(async move {
            let stored = models::load_for_update(connection, id.0).await?;
            match change(&stored) {
                Ok(changes) => {
                    audit::record(connection, &entry.with(changed_fields(&changes))).await?;
                    Ok(Ok(models::update(connection, id.0, &changes).await?))
                }
                Err(error) => Ok(Err(error)),
            }
        })
    });
    match changed.await {
        Ok(result) => result,
        Err(sluice_db::Error::NotFound) => Err(missing(id)),
        Err(error) => Err(error.into()),
    }
}

/// What changes, by name; the address is told too, because it decides who gets to see documents.
fn changed_fields(changes: &ModelChanges) -> Value {
    let parameters = changes.parameters.as_ref();
    let fields = [
        ("name", changes.name.is_some()),
        ("adapterType", changes.adapter_type.is_some()),
        ("description", changes.description.is_some()),
        ("parameters", parameters.is_some()),
        ("isActive", changes.is_active.is_some()),
        ("pricing", changes.pricing.is_some()),
    ];
    let changed: Vec<&str> = fields.iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| *name).collect();
    json!({"changed": changed, "server": parameters.and_then(audit::server_of)})
}

/// DELETE /models/:id
pub(crate) async fn delete_model(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Path(id): Path<ModelId>,
) -> Result<Json<ModelDto>> {
    let model = models::find(&mut *state.connection().await?, id.0).await?.ok_or_else(|| missing(id))?;
    let entry = caller.did(Action::ModelDeleted).to("model", id).with(json!({"name": model.name}));
    let deleted = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            models::delete(connection, id.0).await
        })
    });
    match deleted.await {
        Ok(_) => Ok(Json(ModelDto::from(model))),
        Err(sluice_db::Error::Reference { .. }) => {
            Err(ApiError::new(Code::Conflict, format!("Model {id} is used by a project")))
        }
        Err(error) => Err(error.into()),
    }
}

/// POST /models/:id/test
pub(crate) async fn test_model(
    state: Data<AppState>,
    _user: User,
    Path(id): Path<ModelId>,
) -> Result<Created<ModelTestDto>> {
    let model = models::find(&mut *state.connection().await?, id.0).await?.ok_or_else(|| missing(id))?;
    Ok(Created(ping::ping(&state, &model).await?))
}
