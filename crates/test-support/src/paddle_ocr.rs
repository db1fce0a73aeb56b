//! A scripted PaddleOCR server that answers what a test tells it to, and keeps what it was asked.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// One scripted answer.
#[derive(Debug, Clone)]
pub struct OcrReply {
    status: u16,
    retry_after: Option<u64>,
    body: String,
    hangs: bool,
}

/// What a server was asked.
#[derive(Debug, Clone)]
pub struct OcrRequest {
    /// Where.
    pub path: String,
    /// With which key.
    pub authorization: Option<String>,
    /// What.
    pub body: Value,
}

impl OcrReply {
    /// A good answer: a page of text a string, one block for each of its lines.
    #[must_use]
    pub fn pages(pages: &[&str]) -> Self {
        let results: Vec<Value> = pages.iter().map(|text| page(text)).collect();
        Self::json(&json!({"errorCode": 0, "errorMsg": "Success", "result": {"layoutParsingResults": results}}))
    }

    /// An answer of this JSON.
    #[must_use]
    pub fn json(body: &Value) -> Self {
        Self { status: 200, retry_after: None, body: body.to_string(), hangs: false }
    }

    /// An error.
    #[must_use]
    pub fn error(status: u16, body: &str) -> Self {
        Self { status, retry_after: None, body: body.to_owned(), hangs: false }
    }

    /// No answer.
    #[must_use]
    pub fn hang() -> Self {
        Self { hangs: true, ..Self::error(200, "") }
    }

    /// Adds a Retry-After header, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// A page of A4 at 144 dots per inch, with a block for each line.
fn page(text: &str) -> Value {
    let blocks: Vec<Value> = (0..)
        .zip(text.lines())
        .map(|(index, line)| {
            let top = 100 + 40 * index;
            json!({"block_label": "text", "block_content": line, "block_id": index, "block_order": index + 1,
                   "block_bbox": [144, top, 1046, top + 30]})
        })
        .collect();
    json!({"prunedResult": {"width": 1190, "height": 1684, "parsing_res_list": blocks},
           "markdown": {"text": text, "images": {}}, "outputImages": null})
}

/// A running scripted server.
#[derive(Debug, Clone)]
pub struct ScriptedPaddleOcr {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

#[derive(Debug)]
struct Script {
    next: VecDeque<OcrReply>,
    otherwise: OcrReply,
    requests: Vec<OcrRequest>,
}

impl ScriptedPaddleOcr {
    /// Starts a server on a free port that answers `otherwise` when nothing else was scripted, whatever the path.
    ///
    /// # Errors
    /// When no port is to be had.
    pub async fn start(otherwise: OcrReply) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let script = Arc::new(Mutex::new(Script { next: VecDeque::new(), otherwise, requests: Vec::new() }));
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(script.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the runtime of its test")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, script })
    }

    /// The base URL for an extractor's row.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Scripts the answer to the next request that has none yet.
    pub fn then(&self, reply: OcrReply) {
        lock(&self.script).next.push_back(reply);
    }

    /// All that it was asked to read so far.
    #[must_use]
    pub fn requests(&self) -> Vec<OcrRequest> {
        lock(&self.script).requests.clone()
    }

    /// How often it was asked to read.
    #[must_use]
    pub fn calls(&self) -> usize {
        lock(&self.script).requests.len()
    }
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // Who only looks whether somebody is there is not counted.
    if method == Method::GET {
        return StatusCode::NOT_FOUND.into_response();
    }
    let reply = {
        let mut script = lock(&script);
        let authorization = headers.get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        script.requests.push(OcrRequest { path: uri.path().to_owned(), authorization, body });
        script.next.pop_front().unwrap_or_else(|| script.otherwise.clone())
    };
    if reply.hangs {
        std::future::pending::<()>().await;
    }
    let mut headers = HeaderMap::new();
    if let Some(seconds) = reply.retry_after {
        headers.insert("retry-after", seconds.into());
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, reply.body).into_response()
}
