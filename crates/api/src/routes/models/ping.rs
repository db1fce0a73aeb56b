//! Asks a model for a word, to see whether it answers, and finds out what its endpoint can do.

use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use serde::Serialize;
use sluice_db::models::models::{self, Model};
use sluice_llm::{Capabilities, Endpoint, Error, Found};
use sluice_service::ErrorChain;
use utoipa::ToSchema;

use crate::error::{ApiError, Code};
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
    /// What the endpoint can do; what could not be found out is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, nullable = false)]
    capabilities: Option<Capabilities>,
}

/// Tests a model and keeps what was found, so that workers begin with it.
pub(super) async fn ping(state: &AppState, model: &Model) -> crate::error::Result<ModelTestDto> {
    let started = Instant::now();
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    match ask(state, model).await {
        Ok(found) => {
            keep(state, model, &found.capabilities).await?;
            Ok(ModelTestDto {
                ok: true,
                message: "The model answered".to_owned(),
                model: found.model,
                latency_ms: millis(found.latency),
                capabilities: Some(found.capabilities),
            })
        }
        Err(error) => {
            tracing::debug!(error = %ErrorChain(&error), "a model did not answer its test");
            Ok(ModelTestDto {
                ok: false,
                message: describe(&error),
                model: None,
                latency_ms: millis(started.elapsed()),
                capabilities: None,
            })
        }
    }
}

async fn ask(state: &AppState, model: &Model) -> sluice_llm::Result<Found> {
    let endpoint = Endpoint::read(&model.name, &model.parameters, &state.secrets)?;
    state.models.probe(&endpoint).await
}

async fn keep(state: &AppState, model: &Model, capabilities: &Capabilities) -> crate::error::Result<()> {
    let capabilities =
        serde_json::to_value(capabilities).map_err(|error| ApiError::new(Code::Internal, "").with_source(error))?;
    // Only of what was tested: somebody may have changed the model meanwhile.
    models::keep_capabilities(&mut *state.connection().await?, model, &capabilities).await?;
    Ok(())
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
