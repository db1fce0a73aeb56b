//! PaddleOCR servers: those of `PaddleX`, which run `PaddleOCR-VL` and `PP-StructureV3`, and Baidu's.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use crate::error::{Error, Result};

mod reply;
mod request;
mod settings;
mod table;
mod words;

pub use self::reply::{Block, Layout, Line};
pub use self::settings::{Options, Settings};
pub use self::words::page;

use self::request::{Body, Form};

/// More of an answer is not read.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;
/// More of a complaint is not shown.
const MAX_REASON_CHARS: usize = 300;
/// Who asks us to wait longer is asked again by a later attempt of the job: meanwhile the worker has better things to do.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A file to be read.
#[derive(Debug, Clone)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is a PDF; else it is a picture.
    pub is_pdf: bool,
}

/// Asks PaddleOCR servers. Clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    pause: Duration,
}

impl Client {
    /// A client that waits so long before it asks for the second time, and twice as long before each further one.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(pause: Duration) -> Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            // A redirect could lead a document and a key to where nobody meant them to go.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::Client)?;
        Ok(Self { http, pause })
    }

    /// Lets a server read a file and answers a layout a page, in at most so many tries.
    ///
    /// # Errors
    /// Why there is no answer that can be read.
    pub async fn read(&self, settings: &Settings, file: &File, tries: u32) -> Result<Vec<Layout>> {
        let mut tried = 0;
        loop {
            let error = match self.read_once(settings, file).await {
                Ok(layouts) => return Ok(layouts),
                Err(error) => error,
            };
            tried += 1;
            let asked = sluice_core::Classify::retry_after(&error);
            let pause = asked.unwrap_or_else(|| self.pause.saturating_mul(1 << (tried - 1).min(16)));
            if tried >= tries || !error.passes_soon() || pause > LONGEST_PAUSE {
                return Err(error);
            }
            tracing::info!(%error, tried, "a page reader is asked again");
            tokio::time::sleep(pause).await;
        }
    }

    /// Whether a server is there: anything that it answers counts, except that it is broken.
    ///
    /// # Errors
    /// When it does not answer, or with a status of 500 and above.
    pub async fn check(&self, settings: &Settings) -> Result<()> {
        let address = shown(&settings.base_url);
        let asked = tokio::time::timeout(settings.timeout, self.http.get(settings.base_url.clone()).send()).await;
        let response = asked
            .map_err(|_elapsed| Error::TimedOut { address: address.clone(), limit: settings.timeout })?
            .map_err(|source| Error::Unreachable { address: address.clone(), source })?;
        if response.status().is_server_error() { Err(refusal(address, response).await) } else { Ok(()) }
    }

    /// Asks the endpoints in their order, until one exists.
    async fn read_once(&self, settings: &Settings, file: &File) -> Result<Vec<Layout>> {
        let endpoints = settings.endpoints();
        for endpoint in &endpoints {
            let mut form = settings.form();
            let answered = loop {
                match self.post(settings, endpoint, file, form).await {
                    // PaddleX calls the file "file", and says that it does not know "image".
                    Err(Error::Refused { status: 422, .. }) if form == Form::Image => form = Form::File,
                    other => break other,
                }
            };
            match answered {
                // 405 comes from servers that show a page of their own there.
                Err(Error::Refused { status: 404 | 405, .. }) => {}
                other => return other,
            }
        }
        let tried: Vec<&str> = endpoints.iter().map(Url::path).collect();
        Err(Error::NoEndpoint { base: shown(&settings.base_url), tried: tried.join(", ") })
    }

    async fn post(&self, settings: &Settings, endpoint: &Url, file: &File, form: Form) -> Result<Vec<Layout>> {
        let address = shown(endpoint);
        let asked = async {
            let body = Body::open(settings, file, form).await.map_err(Error::File)?;
            let mut request = self
                .http
                .post(endpoint.clone())
                .header(CONTENT_TYPE, "application/json")
                // Known beforehand, so that servers that take no chunks can read it.
                .header(CONTENT_LENGTH, body.length());
            if let Some(key) = &settings.api_key {
                let key = format!("Bearer {}", key.expose_secret());
                let mut value = HeaderValue::try_from(key).map_err(|_error| Error::Setting {
                    extractor: settings.name.clone(),
                    problem: "the API key has characters that no key has".to_owned(),
                })?;
                value.set_sensitive(true);
                request = request.header(AUTHORIZATION, value);
            }
            let sent = request.body(body.into_stream()).send().await;
            let response = sent.map_err(|source| Error::Unreachable { address: address.clone(), source })?;
            if !response.status().is_success() {
                return Err(refusal(address.clone(), response).await);
            }
            let bytes = read_answer(&address, response).await?;
            let answer: Value = serde_json::from_slice(&bytes)
                .map_err(|_error| Error::Form { address: address.clone(), what: "something that is no JSON" })?;
            reply::read(&answer, &address)
        };
        tokio::time::timeout(settings.timeout, asked)
            .await
            .map_err(|_elapsed| Error::TimedOut { address: address.clone(), limit: settings.timeout })?
    }
}

async fn read_answer(address: &str, mut response: Response) -> Result<Vec<u8>> {
    let broken = |source| Error::Unreachable { address: address.to_owned(), source };
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(Error::TooLarge { address: address.to_owned() });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn refusal(address: String, mut response: Response) -> Error {
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut bytes = Vec::new();
    // A complaint that breaks off is shown as far as it came.
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > 64 * 1024 {
            break;
        }
    }
    let reason = reason(status, &String::from_utf8_lossy(&bytes));
    Error::Refused { address, status: status.as_u16(), reason, retry_after: retry_after.map(Duration::from_secs) }
}

/// What a server says of an error; pages made for people are not shown.
fn reason(status: StatusCode, body: &str) -> String {
    let told: Option<Value> = serde_json::from_str(body).ok();
    let words = ["errorMsg", "error_msg", "message", "detail"];
    let told = told.as_ref().and_then(|told| words.iter().find_map(|word| told.get(*word)));
    let text = match told {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None if body.trim_start().starts_with('<') => status.canonical_reason().unwrap_or_default().to_owned(),
        None => body.trim().to_owned(),
    };
    text.chars().take(MAX_REASON_CHARS).collect()
}

/// A URL as it may be shown: without a name and password.
fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.set_username("").is_err() || shown.set_password(None).is_err() {
        return url.host_str().unwrap_or_default().to_owned();
    }
    shown.set_query(None);
    shown.to_string().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_shown_without_its_wrapping() {
        let reason = |body| reason(StatusCode::BAD_GATEWAY, body);
        assert_eq!(reason(r#"{"errorCode": 1, "errorMsg": "too long"}"#), "too long");
        assert_eq!(reason(r#"{"detail": [{"loc": ["file"]}]}"#), r#"[{"loc":["file"]}]"#);
        assert_eq!(reason("<html>busy</html>"), "Bad Gateway");
        assert_eq!(reason(&"x".repeat(1000)).len(), MAX_REASON_CHARS);
    }

    #[test]
    fn addresses_are_shown_without_a_password() {
        let url = Url::parse("http://ada:secret@ocr.example:8080/a?key=1").unwrap();
        assert_eq!(shown(&url), "http://ocr.example:8080/a");
    }
}
