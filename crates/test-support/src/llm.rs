//! A scripted OpenAI-compatible server that answers what a test tells it to, and counts.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use self::dialect::Dialect;

mod dialect;

/// One scripted answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    retry_after: Option<u64>,
    delay: Duration,
    content: String,
    finish_reason: String,
    usage: Option<(u32, u32)>,
    /// Characters after which the connection is cut.
    cut_after: Option<usize>,
    /// Characters after which nothing more comes, though the connection stays.
    hang_after: Option<usize>,
    hang: bool,
}

impl Reply {
    /// A good answer with this content.
    #[must_use]
    pub fn content(content: impl ToString) -> Self {
        Self {
            status: 200,
            retry_after: None,
            delay: Duration::ZERO,
            content: content.to_string(),
            finish_reason: "stop".to_owned(),
            usage: Some((1234, 567)),
            cut_after: None,
            hang_after: None,
            hang: false,
        }
    }

    /// An error answer.
    #[must_use]
    pub fn error(status: u16, message: &str) -> Self {
        Self { status, ..Self::content(message) }
    }

    /// Adds a Retry-After header, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Waits before the answer.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Ends with another reason than `stop`.
    #[must_use]
    pub fn finish_reason(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.finish_reason);
        self
    }

    /// Tells no usage.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.usage = None;
        self
    }

    /// Cuts the connection after so many characters: of the content when streaming, else of the whole answer.
    #[must_use]
    pub fn cut_after(mut self, characters: usize) -> Self {
        self.cut_after = Some(characters);
        self
    }

    /// Streams so many characters of the content and then nothing more, for as long as the connection stays.
    #[must_use]
    pub fn hang_after(mut self, characters: usize) -> Self {
        self.hang_after = Some(characters);
        self
    }

    /// Never answers.
    #[must_use]
    pub fn hang() -> Self {
        Self { hang: true, ..Self::content("") }
    }
}

/// A running scripted model.
#[derive(Debug, Clone)]
pub struct ScriptedLlm {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

struct Script {
    dialect: Dialect,
    next: VecDeque<Reply>,
    otherwise: Answer,
    requests: Vec<Value>,
    open: usize,
}

type Answer = Box<dyn Fn(&Value) -> Reply + Send>;

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("next", &self.next).field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl ScriptedLlm {
    /// Starts a server on a free port that answers `otherwise` when nothing else was scripted.
    ///
    /// # Errors
    /// When no port is to be had.
    pub async fn start(otherwise: Reply) -> Result<Self> {
        Self::start_with(move |_| otherwise.clone()).await
    }

    /// Starts a server on a free port that looks at a request, when nothing else was scripted, and answers it.
    ///
    /// # Errors
    /// When no port is to be had.
    pub async fn start_with(otherwise: impl Fn(&Value) -> Reply + Send + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let script = Arc::new(Mutex::new(Script {
            dialect: Dialect::default(),
            next: VecDeque::new(),
            otherwise: Box::new(otherwise),
            requests: Vec::new(),
            open: 0,
        }));
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .route("/v1/models", get(models))
            .with_state(script.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the runtime of its test")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, script })
    }

    /// Speaks another dialect from now on.
    pub fn speak(&self, dialect: Dialect) {
        lock(&self.script).dialect = dialect;
    }

    /// The base URL for a model's row.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Scripts the answer to the next request that has none yet.
    pub fn then(&self, reply: Reply) {
        lock(&self.script).next.push_back(reply);
    }

    /// The bodies of all requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        lock(&self.script).requests.clone()
    }

    /// How many requests there were.
    #[must_use]
    pub fn calls(&self) -> usize {
        lock(&self.script).requests.len()
    }

    /// How many requests are being answered: neither whole nor given up by who asked.
    #[must_use]
    pub fn open(&self) -> usize {
        lock(&self.script).open
    }
}

/// A request that is being answered.
struct Open(Arc<Mutex<Script>>);

impl Open {
    fn new(script: &Arc<Mutex<Script>>) -> Self {
        lock(script).open += 1;
        Self(script.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0).open -= 1;
    }
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn models() -> Response {
    let body = json!({"object": "list", "data": [{"id": "scripted", "object": "model", "max_model_len": 16_384}]});
    ([("content-type", "application/json")], body.to_string()).into_response()
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let streaming = request.get("stream").and_then(Value::as_bool).unwrap_or(false);
    let (mut reply, dialect) = {
        let mut script = lock(&script);
        let dialect = script.dialect;
        let scripted = script.next.pop_front();
        let reply = scripted.or_else(|| dialect.refusal(&request)).unwrap_or_else(|| (script.otherwise)(&request));
        script.requests.push(request);
        (reply, dialect)
    };
    if dialect == Dialect::NoUsage {
        reply.usage = None;
    }
    let open = Open::new(&script);
    if reply.hang {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(reply.delay).await;
    if reply.status != 200 {
        return error_response(&reply);
    }
    if streaming { stream_response(&reply, dialect, open) } else { whole_response(&reply, dialect) }
}

fn error_response(reply: &Reply) -> Response {
    let mut headers = HeaderMap::new();
    if let Some(seconds) = reply.retry_after {
        headers.insert("retry-after", seconds.into());
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({"error": {"message": reply.content, "type": "scripted"}}).to_string();
    (status, headers, body).into_response()
}

fn usage(reply: &Reply) -> Value {
    reply.usage.map_or(Value::Null, |(prompt, completion)| {
        json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion})
    })
}

fn whole_response(reply: &Reply, dialect: Dialect) -> Response {
    let mut body = json!({
        "id": "scripted", "object": "chat.completion", "model": "scripted",
        "choices": [{"index": 0, "finish_reason": reply.finish_reason,
                     "message": {"role": "assistant", "content": reply.content}}],
        "usage": usage(reply),
    });
    dialect.change(&mut body);
    let text = body.to_string();
    let Some(limit) = reply.cut_after else {
        return ([("content-type", "application/json")], text).into_response();
    };
    let part: String = text.chars().take(limit).collect();
    ([("content-type", "application/json")], cut_body(vec![part])).into_response()
}

/// Server-sent events in pieces of a few characters, with an unknown field in each, as real servers send.
fn stream_response(reply: &Reply, dialect: Dialect, open: Open) -> Response {
    let characters: Vec<char> = reply.content.chars().collect();
    let limit = reply.cut_after.or(reply.hang_after).unwrap_or(characters.len()).min(characters.len());
    let mut pieces: Vec<String> = characters
        .get(..limit)
        .unwrap_or_default()
        .chunks(24)
        .map(|piece| {
            let delta = json!({"content": piece.iter().collect::<String>()});
            let mut chunk = json!({"id": "scripted", "surprise": true, "choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
            dialect.change(&mut chunk);
            format!("data: {chunk}\n\n")
        })
        .collect();
    if reply.cut_after.is_some() {
        return ([("content-type", "text/event-stream")], cut_body(pieces)).into_response();
    }
    if reply.hang_after.is_some() {
        let begun = stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)).chain(stream::pending());
        return ([("content-type", "text/event-stream")], kept_open(begun, open)).into_response();
    }
    let mut last =
        json!({"id": "scripted", "choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish_reason}]});
    dialect.change(&mut last);
    pieces.push(format!("data: {last}\n\n"));
    if reply.usage.is_some() {
        pieces.push(format!("data: {}\n\n", json!({"id": "scripted", "choices": [], "usage": usage(reply)})));
    }
    pieces.push("data: [DONE]\n\n".to_owned());
    let whole = stream::iter(pieces.into_iter().map(Ok::<_, Infallible>));
    ([("content-type", "text/event-stream")], kept_open(whole, open)).into_response()
}

/// A body that counts as open until it has ended or nobody reads it any more.
fn kept_open(pieces: impl Stream<Item = Result<String, Infallible>> + Send + 'static, open: Open) -> Body {
    Body::from_stream(pieces.inspect(move |_| {
        let _held = &open;
    }))
}

/// A body that ends before it is complete. The pause lets what was said leave before the connection is cut.
fn cut_body(pieces: Vec<String>) -> Body {
    let cut = stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::other("cut"))
    });
    Body::from_stream(stream::iter(pieces.into_iter().map(Ok)).chain(cut))
}
