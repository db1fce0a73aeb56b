//! Keys of programs. A key is made and revoked by the owner of its project, and acts in it as the owner.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use sluice_access::{Access, KeyScope, MintedKey, ownership};
use sluice_core::{ApiKeyId, ProjectId};
use sluice_db::models::api_keys::{self, ApiKey, NewApiKey};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{self, Action};
use crate::error::{ApiError, Code, Result};
use crate::extract::{Body, Caller, Fields, Input, Path, User};
use crate::figures::parse_moment;
use crate::respond::{Created, List};
use crate::state::AppState;
use crate::wire;

const MAX_NAME: usize = 100;
/// Keys of a project that are not revoked.
const MAX_KEYS: i64 = 100;
/// Revoked ones stay to be seen; longer lists are cut.
const MAX_LISTED: i64 = 500;

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyDto {
    id: Uuid,
    name: String,
    project_id: i32,
    user_id: i32,
    /// What the key begins with, behind `slk_`.
    prefix: String,
    /// Of `read`, `write` and `extract`.
    scopes: Vec<String>,
    #[serde(serialize_with = "wire::optional_time")]
    expires_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "wire::optional_time")]
    revoked_at: Option<DateTime<Utc>>,
    /// To the minute.
    #[serde(serialize_with = "wire::optional_time")]
    last_used_at: Option<DateTime<Utc>>,
    last_used_ip: Option<String>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewApiKeyDto {
    #[serde(flatten)]
    shown: ApiKeyDto,
    /// The key itself. It is told this once and can't be read again.
    key: String,
}

impl From<ApiKey> for ApiKeyDto {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            project_id: key.project_id,
            user_id: key.user_id,
            prefix: key.prefix,
            scopes: key.scopes,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
            last_used_ip: key.last_used_ip,
            created_at: key.created_at,
        }
    }
}

/// A key as it is asked for.
#[derive(Debug)]
pub(crate) struct ApiKeyForm {
    name: String,
    scopes: Vec<String>,
    expires_at: Option<String>,
}

impl Input for ApiKeyForm {
    fn read(fields: &mut Fields) -> Self {
        let are_scopes = |words: &Vec<String>| words.iter().all(|word| KeyScope::WORDS.contains(&word.as_str()));
        let mut scopes = fields.strings("scopes").not_empty().rule("isIn", are_scopes).required();
        scopes.sort();
        scopes.dedup();
        Self {
            name: fields.string("name").min_length(1).max_length(MAX_NAME).required(),
            scopes,
            expires_at: fields.string("expiresAt").optional(),
        }
    }
}

/// POST /projects/:id/api-keys
pub(crate) async fn create_api_key(
    state: Data<AppState>,
    User(user): User,
    Caller(caller): Caller,
    Path(project): Path<ProjectId>,
    Body(form): Body<ApiKeyForm>,
) -> Result<Created<NewApiKeyDto>> {
    let now = state.clock.now();
    let mut connection = state.connection().await?;
    ownership::load_project(&mut connection, &user, Access::Owner, project).await?;
    let expires_at = parse_moment("expiresAt", form.expires_at)?;
    if expires_at.is_some_and(|end| end <= now) {
        return Err(ApiError::bad_request("expiresAt must not have passed"));
    }
    if api_keys::count_of_project(&mut connection, project.0).await? >= MAX_KEYS {
        return Err(ApiError::new(Code::Conflict, format!("A project has {MAX_KEYS} API keys at most; revoke some")));
    }
    drop(connection);
    let minted = MintedKey::mint()?;
    let key = NewApiKey {
        id: ApiKeyId::generate().0,
        user_id: user.user_id.0,
        project_id: project.0,
        name: form.name,
        prefix: minted.prefix.clone(),
        secret_hash: minted.hash.clone(),
        scopes: form.scopes,
        expires_at,
        created_at: now,
    };
    let details = json!({"prefix": key.prefix, "scopes": key.scopes, "expiresAt": key.expires_at.map(wire::iso)});
    let entry = caller.did(Action::KeyCreated).to("api_key", key.id).in_project(project.0).with(details);
    let made = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            api_keys::insert(connection, &key).await
        })
    });
    let shown = made.await?.into();
    Ok(Created(NewApiKeyDto { shown, key: minted.key.expose_secret().to_owned() }))
}

/// GET /projects/:id/api-keys
pub(crate) async fn list_api_keys(
    state: Data<AppState>,
    User(user): User,
    Path(project): Path<ProjectId>,
) -> Result<List<ApiKeyDto>> {
    let mut connection = state.connection().await?;
    ownership::load_project(&mut connection, &user, Access::Owner, project).await?;
    let keys = api_keys::list_by_project(&mut connection, project.0, MAX_LISTED).await?;
    Ok(List(keys.into_iter().map(ApiKeyDto::from).collect()))
}

/// DELETE /api-keys/:id
pub(crate) async fn revoke_api_key(
    state: Data<AppState>,
    User(user): User,
    Caller(caller): Caller,
    Path(id): Path<ApiKeyId>,
) -> Result<Json<ApiKeyDto>> {
    let missing = || ApiError::not_found(format!("API key {id} not found"));
    let mut connection = state.connection().await?;
    let key = api_keys::find(&mut connection, id.0).await?.ok_or_else(missing)?;
    ownership::load_project(&mut connection, &user, Access::Owner, key.project_id.into()).await?;
    drop(connection);
    if key.revoked_at.is_some() {
        return Ok(Json(key.into()));
    }
    let now = state.clock.now();
    let details = json!({"prefix": key.prefix});
    let entry = caller.did(Action::KeyRevoked).to("api_key", id).in_project(key.project_id).with(details);
    let revoked = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &entry).await?;
            api_keys::revoke(connection, id.0, now).await
        })
    });
    Ok(Json(revoked.await?.ok_or_else(missing)?.into()))
}
