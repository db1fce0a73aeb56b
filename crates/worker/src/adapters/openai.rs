//! Any OpenAI-compatible endpoint, through async-openai with answers read as plain JSON: unknown words, missing usage and
//! extra fields break nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::{HttpRequestFactory, ReqwestService};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sluice_core::ErrorKind;
use sluice_extraction::cost::Usage;
use sluice_extraction::fingerprint;
use sluice_extraction::prompt::Prompt;
use tokio::sync::watch;

use crate::config::LlmConfig;
use crate::error::StageError;

/// A model's connection.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) base_url: String,
    pub(crate) api_key: SecretString,
    pub(crate) model: String,
    pub(crate) temperature: f64,
    pub(crate) max_tokens: u32,
    /// Whether to begin with `json_schema`; what an endpoint refuses is not asked for again.
    pub(crate) structured_output: bool,
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) prompt: &'a Prompt,
    /// An answer that was wrong, and what was wrong with it.
    pub(crate) correction: Option<(&'a str, &'a str)>,
    /// The form of the answer.
    pub(crate) form: &'a Value,
    /// Whether the form is closed, so that endpoints can be strict about it.
    pub(crate) is_strict: bool,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) content: String,
    pub(crate) finish_reason: String,
    pub(crate) usage: Usage,
}

/// How the form of an answer is asked for, from the strictest down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Schema,
    Object,
    Plain,
}

impl Mode {
    const fn weaker(self) -> Option<Self> {
        match self {
            Self::Schema => Some(Self::Object),
            Self::Object => Some(Self::Plain),
            Self::Plain => None,
        }
    }
}

/// Asks models. Clones share connections and what was learnt of endpoints.
#[derive(Debug, Clone)]
pub(crate) struct OpenAi {
    http: reqwest::Client,
    config: LlmConfig,
    modes: Arc<Mutex<HashMap<(String, String), Mode>>>,
}

impl OpenAi {
    pub(crate) fn new(config: LlmConfig) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            // A redirect could lead a document and a key to where nobody meant them to go.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, config, modes: Arc::default() })
    }

    /// How often an attempt may ask.
    pub(crate) const fn calls(&self) -> i32 {
        self.config.calls
    }

    /// What an answer is kept under: the same question to the same model.
    pub(crate) fn fingerprint(endpoint: &Endpoint, question: &Question<'_>) -> String {
        let body = body_of(endpoint, question, Mode::Schema);
        fingerprint::of_json(&json!({"baseUrl": endpoint.base_url, "body": body}))
    }

    /// Asks, and tells how many bytes have arrived.
    pub(crate) async fn ask(
        &self,
        endpoint: &Endpoint,
        question: &Question<'_>,
        received: &watch::Sender<usize>,
    ) -> Result<Answer, StageError> {
        let key = (endpoint.base_url.clone(), endpoint.model.clone());
        let first = if endpoint.structured_output { Mode::Schema } else { Mode::Object };
        let mut mode = self.modes().get(&key).copied().unwrap_or(first);
        loop {
            let body = body_of(endpoint, question, mode);
            match self.call(endpoint, body, received).await {
                // Endpoints that don't know a response format answer 400: ask in a weaker one, and remember.
                Err(Refusal { is_form: true, error }) => match mode.weaker() {
                    Some(weaker) => {
                        tracing::info!(?mode, ?weaker, error = %error, "the endpoint refuses the form of the answer");
                        mode = weaker;
                    }
                    None => return Err(error),
                },
                Err(Refusal { error, .. }) => return Err(error),
                Ok(answer) => {
                    self.modes().insert(key, mode);
                    return Ok(answer);
                }
            }
        }
    }

    fn modes(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Mode>> {
        self.modes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call(&self, endpoint: &Endpoint, body: Value, received: &watch::Sender<usize>) -> Result<Answer, Refusal> {
        let retry_after = RetryAfter::default();
        let config = OpenAIConfig::new()
            .with_api_base(endpoint.base_url.trim_end_matches('/'))
            .with_api_key(endpoint.api_key.expose_secret());
        let service = Once { service: ReqwestService::new(self.http.clone()), retry_after: retry_after.clone() };
        let client = async_openai::Client::with_config(config).with_http_service(service);
        let sent = body.to_string();
        let work = async {
            let mut stream = loop {
                match client.chat().create_stream_byot::<Value, Value>(body.clone()).await {
                    Ok(stream) => break stream,
                    // A local server answers so until its weights are in memory: that is no failure.
                    Err(error) if is_loading(&error) => tokio::time::sleep(LOADING_PAUSE).await,
                    Err(error) => return Err(refuse(error, &retry_after)),
                }
            };
            let mut answer = Partial::default();
            loop {
                let next = if answer.content.is_empty() {
                    Ok(stream.next().await)
                } else {
                    tokio::time::timeout(self.config.idle_timeout, stream.next()).await
                };
                match next {
                    Ok(Some(Ok(chunk))) => {
                        answer.take(&chunk)?;
                        received.send_replace(answer.content.len());
                    }
                    Ok(Some(Err(error))) => return Err(refuse(error, &retry_after)),
                    Ok(None) => return answer.finish(&sent),
                    Err(_elapsed) => return Err(passing("the model stopped in the middle of its answer").into()),
                }
            }
        };
        match tokio::time::timeout(self.config.call_timeout, work).await {
            Ok(result) => result,
            Err(_elapsed) => Err(passing("the model did not answer in time").into()),
        }
    }
}

/// How long to wait before a model that is being loaded is asked again.
const LOADING_PAUSE: Duration = Duration::from_secs(1);

/// What llama.cpp's server says while it loads its weights.
fn is_loading(error: &OpenAIError) -> bool {
    matches!(error, OpenAIError::ApiError(response)
        if response.status_code.as_u16() == 503 && response.api_error.message.contains("Loading model"))
}

/// An error that passes.
fn passing(message: &str) -> StageError {
    StageError::new(ErrorKind::Unavailable, message)
}

/// A call that failed, and whether it may be for the form that was asked for.
#[derive(Debug)]
struct Refusal {
    error: StageError,
    is_form: bool,
}

impl From<StageError> for Refusal {
    fn from(error: StageError) -> Self {
        Self { error, is_form: false }
    }
}

fn body_of(endpoint: &Endpoint, question: &Question<'_>, mode: Mode) -> Value {
    let mut messages = vec![
        json!({"role": "system", "content": question.prompt.system}),
        json!({"role": "user", "content": question.prompt.user}),
    ];
    if let Some((answer, errors)) = question.correction {
        messages.push(json!({"role": "assistant", "content": answer}));
        messages.push(json!({"role": "user", "content": format!(
            "This answer has errors:\n{errors}\nAnswer again with the whole corrected JSON object.")}));
    }
    let mut body = json!({
        "model": endpoint.model, "messages": messages, "temperature": endpoint.temperature,
        "max_tokens": endpoint.max_tokens, "stream": true, "stream_options": {"include_usage": true},
    });
    let format = match mode {
        Mode::Schema => json!({"type": "json_schema", "json_schema": {
            "name": "extracted_data", "strict": question.is_strict, "schema": question.form}}),
        Mode::Object => json!({"type": "json_object"}),
        Mode::Plain => return body,
    };
    if let Some(fields) = body.as_object_mut() {
        fields.insert("response_format".to_owned(), format);
    }
    body
}

/// An answer as it arrives.
#[derive(Debug, Default)]
struct Partial {
    content: String,
    finish_reason: Option<String>,
    usage: Option<(u64, u64)>,
}

impl Partial {
    fn take(&mut self, chunk: &Value) -> Result<(), StageError> {
        // Some servers send an error as a chunk of a stream that began well.
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
            return Err(passing(&format!("the model broke off: {message}")));
        }
        let choice = chunk.pointer("/choices/0");
        if let Some(text) = choice.and_then(|choice| choice.pointer("/delta/content")).and_then(Value::as_str) {
            self.content.push_str(text);
        }
        let reason = choice.and_then(|choice| choice.get("finish_reason")).and_then(Value::as_str);
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            self.finish_reason = Some(reason.to_owned());
        }
        let tokens = |name: &str| chunk.get("usage").and_then(|usage| usage.get(name)).and_then(Value::as_u64);
        if let (Some(input), Some(output)) = (tokens("prompt_tokens"), tokens("completion_tokens")) {
            self.usage = Some((input, output));
        }
        Ok(())
    }

    fn finish(self, sent: &str) -> Result<Answer, Refusal> {
        // A stream that ends without saying so was cut, unless what came is whole.
        let is_whole = || serde_json::from_str::<Value>(&self.content).is_ok();
        if self.finish_reason.is_none() && !is_whole() {
            return Err(passing("the model's answer was cut off").into());
        }
        let usage = match self.usage {
            Some((input_tokens, output_tokens)) if input_tokens + output_tokens > 0 => {
                Usage { input_tokens, output_tokens, is_estimated: false }
            }
            _ => Usage::estimate(sent, &self.content),
        };
        Ok(Answer {
            finish_reason: self.finish_reason.unwrap_or_else(|| "stop".to_owned()),
            content: self.content,
            usage,
        })
    }
}

/// What a provider asks us to wait, told beside the error, which has no place for it.
type RetryAfter = Arc<Mutex<Option<Duration>>>;

/// Sends each request once: retries are decided in one place, and that is not here.
#[derive(Debug, Clone)]
struct Once {
    service: ReqwestService,
    retry_after: RetryAfter,
}

impl tower::Service<HttpRequestFactory> for Once {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let sent = self.service.call(request);
        let retry_after = self.retry_after.clone();
        Box::pin(async move {
            let response = sent.await?;
            let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            *retry_after.lock().unwrap_or_else(PoisonError::into_inner) = wait.map(Duration::from_secs);
            Ok(response)
        })
    }
}

fn refuse(error: OpenAIError, retry_after: &RetryAfter) -> Refusal {
    let retry_after = *retry_after.lock().unwrap_or_else(PoisonError::into_inner);
    let OpenAIError::ApiError(response) = &error else {
        let message = match &error {
            OpenAIError::Reqwest(error) if error.is_connect() => "the model's endpoint can't be reached",
            _ => "the model's answer was cut off",
        };
        return Refusal { error: StageError { source: Some(Box::new(error)), ..passing(message) }, is_form: false };
    };
    let status = response.status_code.as_u16();
    // The library keeps the body of a 5xx as it came.
    let body: Option<Value> = serde_json::from_str(&response.api_error.message).ok();
    let told = body.as_ref().and_then(|body| body.pointer("/error/message")).and_then(Value::as_str);
    let reason: String = told.unwrap_or(&response.api_error.message).chars().take(300).collect();
    let kind = match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 | 425 => ErrorKind::Unavailable,
        429 => ErrorKind::RateLimited,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    };
    let is_overflow = is_context_overflow(&reason);
    let message = if is_overflow {
        format!("the document does not fit into the model's context: {reason}")
    } else {
        format!("LLM request failed: HTTP {status}: {reason}")
    };
    let is_form = matches!(status, 400 | 415 | 422) && !is_overflow;
    Refusal { error: StageError { stage: None, kind, message, retry_after, source: Some(Box::new(error)) }, is_form }
}

/// What providers say when a prompt is too long.
fn is_context_overflow(reason: &str) -> bool {
    const SIGNS: [&str; 6] = [
        "context_length_exceeded",
        "maximum context length",
        "too many tokens",
        "context length",
        "prompt is too long",
        "exceeds the available context size",
    ];
    let reason = reason.to_ascii_lowercase();
    SIGNS.iter().any(|sign| reason.contains(sign))
}
