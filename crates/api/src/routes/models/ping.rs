//! Asks a model for a word, to see whether it answers.

use std::time::Instant;

use actix_web::http::StatusCode;
use serde::Serialize;
use sluice_db::models::models::Model;
use sluice_llm::{Endpoint, Error};
use sluice_service::ErrorChain;
use utoipa::ToSchema;

use crate::state::AppState;

/// Whether a model answered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModelTestDto {
    ok: bool,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    latency_ms: u64,
}

pub(super) async fn ping(state: &AppState, model: &Model) -> ModelTestDto {
    let started = Instant::now();
    let result = ask(state, model).await;
    let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(name) => ModelTestDto { ok: true, message: "The model answered".to_owned(), model: name, latency_ms },
        Err(error) => {
            tracing::debug!(error = %ErrorChain(&error), "a model did not answer its test");
            ModelTestDto { ok: false, message: describe(&error), model: None, latency_ms }
        }
    }
}

/// Answers the name by which the model calls itself.
async fn ask(state: &AppState, model: &Model) -> sluice_llm::Result<Option<String>> {
    let endpoint = Endpoint::read(&model.name, &model.parameters, &state.secrets)?;
    state.models.ping(&endpoint).await
}

fn describe(error: &Error) -> String {
    let what = match error {
        Error::Refused { status, reason, .. } => {
            let status = StatusCode::from_u16(*status).map_or_else(|_| status.to_string(), |status| status.to_string());
            return format!("The endpoint answered {status}: {reason}");
        }
        Error::Incomplete { .. } | Error::Key { .. } => return error.to_string(),
        Error::TimedOut => "did not answer in time",
        Error::Unreachable(_) => "can't be reached",
        Error::NoChoices => "did not answer as a model does",
        _ => "broke off",
    };
    format!("The endpoint {what}")
}
