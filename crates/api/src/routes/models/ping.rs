//! Asks a model for a word, to see whether it answers.

use std::time::Instant;

use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Value, json};
use sluice_db::models::models::Model;
use sluice_service::ErrorChain;
use utoipa::ToSchema;

use crate::state::AppState;

/// More of an upstream's complaint is not shown.
const MAX_COMPLAINT_CHARS: usize = 300;

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
        Err(message) => ModelTestDto { ok: false, message, model: None, latency_ms },
    }
}

/// Answers the name by which the model calls itself, or what went wrong.
async fn ask(state: &AppState, model: &Model) -> Result<Option<String>, String> {
    let text = |key: &str| model.parameters.get(key).and_then(Value::as_str).unwrap_or_default();
    let key = state.secrets.open(text("apiKey")).map_err(|error| format!("The API key can't be read: {error}"))?;
    let url = format!("{}/chat/completions", text("baseUrl").trim_end_matches('/'));
    let body = json!({
        "model": text("modelName"), "max_tokens": 4, "temperature": 0,
        "messages": [{"role": "user", "content": "ping"}],
    });
    let request = state.http.post(url).bearer_auth(key.expose_secret()).json(&body);
    let response = request.send().await.map_err(|error| describe(&error))?;
    let status = response.status();
    let text = response.text().await.map_err(|error| describe(&error))?;
    if !status.is_success() {
        let complaint: String = complaint(&text).chars().take(MAX_COMPLAINT_CHARS).collect();
        return Err(format!("The endpoint answered {status}: {complaint}"));
    }
    let answer: Value = serde_json::from_str(&text).map_err(|_source| "The endpoint answered no JSON".to_owned())?;
    if answer.get("choices").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Err("The endpoint's answer has no choices".to_owned());
    }
    Ok(answer.get("model").and_then(Value::as_str).map(str::to_owned))
}

fn describe(error: &reqwest::Error) -> String {
    tracing::debug!(error = %ErrorChain(error), "a model did not answer its test");
    let what = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "can't be reached"
    } else if error.is_builder() {
        "has no usable URL"
    } else {
        "broke off"
    };
    format!("The endpoint {what}")
}

/// The message of an error in OpenAI's form, else the text itself.
fn complaint(text: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(text).ok();
    let message = parsed.as_ref().and_then(|body| body.get("error")?.get("message")?.as_str());
    message.unwrap_or(text).trim().to_owned()
}
