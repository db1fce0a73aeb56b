//! Prompts: texts that replace the built-in instruction of a run. Everybody may read and use them, admins write them.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sluice_core::PromptId;
use sluice_db::models::models::{self, ModelFilter};
use sluice_db::models::prompts::{self, NewPrompt, Prompt, PromptChanges};
use sluice_extraction::generate::{self, instructions};
use sluice_llm::Format;
use utoipa::ToSchema;

use crate::audit::{self, Action};
use crate::connection::ADAPTERS;
use crate::error::{ApiError, Code, Result};
use crate::extract::{Admin, Body, Caller, Fields, Input, Path, User};
use crate::generator::{Generator, reading};
use crate::respond::{Created, List};
use crate::state::AppState;
use crate::wire;

const TYPES: [&str; 2] = ["system", "re_extract"];

/// A prompt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PromptDto {
    id: i32,
    name: String,
    #[serde(rename = "type")]
    type_: String,
    content: String,
    variables: Option<Vec<String>>,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::time")]
    updated_at: DateTime<Utc>,
}

impl From<Prompt> for PromptDto {
    fn from(prompt: Prompt) -> Self {
        Self {
            id: prompt.id,
            name: prompt.name,
            type_: prompt.type_,
            content: prompt.content,
            variables: prompt.variables.and_then(|variables| serde_json::from_value(variables).ok()),
            created_at: prompt.created_at,
            updated_at: prompt.updated_at,
        }
    }
}

/// A prompt as it is asked for.
#[derive(Debug)]
pub(crate) struct PromptForm {
    name: String,
    type_: String,
    content: String,
    variables: Option<Vec<String>>,
}

impl Input for PromptForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.string("name").min_length(1).required(),
            type_: fields.string("type").enumeration(&TYPES).required(),
            content: fields.string("content").min_length(1).required(),
            variables: fields.strings("variables").rule("arrayUnique", |names| are_unique(names)).optional(),
        }
    }
}

/// Changes of a prompt.
#[derive(Debug)]
pub(crate) struct PromptChangesForm(PromptChanges);

impl Input for PromptChangesForm {
    fn read(fields: &mut Fields) -> Self {
        let variables = fields.strings("variables").rule("arrayUnique", |names| are_unique(names)).nullable();
        Self(PromptChanges {
            name: fields.string("name").min_length(1).optional(),
            type_: fields.string("type").enumeration(&TYPES).optional(),
            content: fields.string("content").min_length(1).optional(),
            variables: variables.map(|variables| variables.map(|names| json!(names))),
        })
    }
}

fn are_unique(names: &[String]) -> bool {
    names.iter().enumerate().all(|(index, name)| !names.iter().take(index).any(|earlier| earlier == name))
}

fn missing(id: PromptId) -> ApiError {
    ApiError::new(Code::PromptNotFound, format!("Prompt {id} not found"))
}

/// An error of the database, of which the commonest is that the prompt is not there.
fn refuse(id: PromptId) -> impl FnOnce(sluice_db::Error) -> ApiError {
    move |error| if matches!(error, sluice_db::Error::NotFound) { missing(id) } else { error.into() }
}

/// POST /prompts
pub(crate) async fn create_prompt(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Body(form): Body<PromptForm>,
) -> Result<Created<PromptDto>> {
    let PromptForm { name, type_, content, variables } = form;
    let prompt = NewPrompt { name, type_, content, variables: variables.map(|names| json!(names)) };
    let made = state.pool.transaction(move |connection| {
        Box::pin(async move {
            let made = prompts::insert(connection, &prompt).await?;
            audit::record(connection, &caller.did(Action::PromptCreated).to("prompt", made.id)).await?;
            Ok(made)
        })
    });
    Ok(Created(made.await?.into()))
}

/// GET /prompts
pub(crate) async fn list_prompts(state: Data<AppState>, _user: User) -> Result<List<PromptDto>> {
    let rows = prompts::list(&mut *state.connection().await?).await?;
    Ok(List(rows.into_iter().map(PromptDto::from).collect()))
}

/// GET /prompts/:id
pub(crate) async fn show_prompt(
    state: Data<AppState>,
    _user: User,
    Path(id): Path<PromptId>,
) -> Result<Json<PromptDto>> {
    let prompt = prompts::find(&mut *state.connection().await?, id.0).await?;
    Ok(Json(prompt.ok_or_else(|| missing(id))?.into()))
}

/// PATCH /prompts/:id
pub(crate) async fn update_prompt(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Path(id): Path<PromptId>,
    Body(PromptChangesForm(changes)): Body<PromptChangesForm>,
) -> Result<Json<PromptDto>> {
    let updated = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &caller.did(Action::PromptUpdated).to("prompt", id)).await?;
            prompts::update(connection, id.0, &changes).await
        })
    });
    Ok(Json(updated.await.map_err(refuse(id))?.into()))
}

/// DELETE /prompts/:id
pub(crate) async fn delete_prompt(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Path(id): Path<PromptId>,
) -> Result<Json<PromptDto>> {
    let deleted = state.pool.transaction(move |connection| {
        Box::pin(async move {
            audit::record(connection, &caller.did(Action::PromptDeleted).to("prompt", id)).await?;
            prompts::delete(connection, id.0).await
        })
    });
    Ok(Json(deleted.await.map_err(refuse(id))?.into()))
}

/// A rough description of what is to be extracted.
#[derive(Debug)]
pub(crate) struct RoughPrompt(String);

impl Input for RoughPrompt {
    fn read(fields: &mut Fields) -> Self {
        Self(fields.string("description").min_length(5).required())
    }
}

/// A better one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OptimizedPromptDto {
    prompt: String,
}

/// POST /extraction/optimize-prompt
pub(crate) async fn optimize_prompt(
    state: Data<AppState>,
    _user: User,
    Body(RoughPrompt(description)): Body<RoughPrompt>,
) -> Result<Created<OptimizedPromptDto>> {
    let adapters = ADAPTERS.iter().map(|adapter| adapter.name.to_owned()).collect();
    let filter = ModelFilter { adapter_types: Some(adapters), is_active: Some(true) };
    let newest = models::list(&mut *state.connection().await?, &filter).await?.into_iter().next();
    let model = newest.ok_or_else(|| ApiError::bad_request("No active LLM model found"))?;
    let prompt = instructions::optimise_prompt(&description);
    let asked = Generator::of(&state, &model)?.ask(prompt, Format::Text, reading(generate::read_text)).await;
    let prompt = asked.map_err(|error| match error.code() {
        Code::Internal => ApiError::fault("Failed to optimize prompt").with_source(error),
        _ => error,
    })?;
    Ok(Created(OptimizedPromptDto { prompt }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_variables_that_are_no_list_of_names_are_none() {
        assert_eq!(serde_json::from_value::<Vec<String>>(json!(1)).ok(), None);
        assert!(are_unique(&["a".to_owned(), "b".to_owned()]));
        assert!(!are_unique(&["a".to_owned(), "b".to_owned(), "a".to_owned()]));
    }
}
