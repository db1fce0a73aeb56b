//! The API as any client sees it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How often a request is sent that a busy or restarting server does not answer.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);
const MOST_OF_PAUSE: Duration = Duration::from_secs(30);
/// How long one request may take; a model takes its time in a job, not in a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// What the server says to a request.
#[derive(Debug)]
pub(crate) enum Answer {
    Done(Value),
    /// It will not, whatever is tried: the request is wrong, not the moment.
    Refused {
        status: StatusCode,
        message: String,
    },
}

impl Answer {
    pub(crate) fn done(self, what: &str) -> Result<Value> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Refused { status, message } => bail!("{what} was refused: {status}: {message}"),
        }
    }
}

impl Client {
    /// Comes with a token.
    pub(crate) fn new(url: &str, token: String) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build()?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), token })
    }

    /// Signs in.
    pub(crate) async fn sign_in(url: &str, name: &str, password: &str) -> Result<Self> {
        let mut client = Self::new(url, String::new())?;
        let login = json!({"username": name, "password": password});
        let answer = client.send(Method::POST, "/auth/login", Some(&login)).await?.done("signing in")?;
        client.token = answer.get("token").and_then(Value::as_str).context("the server gave no token")?.to_owned();
        Ok(client)
    }

    /// Sends a request; tried again while the server is busy or does not answer.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = persist(request, path).await?;
        let status = response.status();
        let bytes = response.bytes().await.with_context(|| format!("the answer to {path} broke off"))?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(Answer::Done(value));
        }
        let message = value.pointer("/error/message").or_else(|| value.get("message")).and_then(Value::as_str);
        let message =
            message.map_or_else(|| String::from_utf8_lossy(&bytes).chars().take(300).collect(), str::to_owned);
        Ok(Answer::Refused { status, message })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, None).await?.done(path)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(Method::POST, path, Some(body)).await?.done(path)
    }

    /// The bytes behind a path.
    pub(crate) async fn download(&self, path: &str) -> Result<Vec<u8>> {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let response = persist(request, path).await?.error_for_status()?;
        Ok(response.bytes().await?.to_vec())
    }

    /// Puts a file into storage by a signed URL and answers its manifest.
    pub(crate) async fn upload(&self, group: i64, file: (&str, &str), bytes: Vec<u8>) -> Result<Answer> {
        let path = format!("/groups/{group}/uploads");
        let (filename, content_type) = file;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let wish = json!({"filename": filename, "size": bytes.len(), "sha256": sha256, "contentType": content_type});
        let ticket = match self.send(Method::POST, &path, Some(&wish)).await? {
            Answer::Done(ticket) => ticket,
            refused @ Answer::Refused { .. } => return Ok(refused),
        };
        if let Some(manifest) = ticket.get("manifest") {
            return Ok(Answer::Done(manifest.clone()));
        }
        let text = |name: &str| ticket.get(name).and_then(Value::as_str).with_context(|| format!("{path}: no {name}"));
        let mut put = self.http.put(text("url")?);
        for (name, value) in ticket.get("headers").and_then(Value::as_object).into_iter().flatten() {
            // The client counts the bytes itself.
            if let Some(value) = value.as_str().filter(|_| !name.eq_ignore_ascii_case("content-length")) {
                put = put.header(name, value);
            }
        }
        persist(put.body(bytes), "storage").await?.error_for_status().context("storage refused the file")?;
        self.send(Method::POST, &format!("{path}/{}/complete", text("uploadId")?), Some(&json!({}))).await
    }
}

/// Sends a request until it is answered by something else than "not now".
async fn persist(request: RequestBuilder, what: &str) -> Result<reqwest::Response> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let again = request.try_clone().with_context(|| format!("{what} can't be sent"))?;
        let answer = again.send().await;
        let is_busy = answer.as_ref().is_ok_and(|response| {
            matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
        });
        if attempt >= ATTEMPTS || answer.is_ok() && !is_busy {
            return answer.with_context(|| format!("{what} is not answered"));
        }
        let asked = answer.ok().and_then(|response| {
            let seconds = response.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
            Some(Duration::from_secs(seconds))
        });
        tokio::time::sleep(asked.unwrap_or(PAUSE * attempt).min(MOST_OF_PAUSE)).await;
    }
}
