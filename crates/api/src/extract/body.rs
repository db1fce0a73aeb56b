//! The body and the query, checked.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Map, Value};

use crate::error::{ApiError, Code, Result};
use crate::extract::fields::Fields;

/// Longer JSON is refused.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// What a request brings, as a handler wants it.
pub(crate) trait Input: Sized + 'static {
    /// Reads all fields, whatever they hold: a reader is also run without a request to describe what it reads.
    fn read(fields: &mut Fields) -> Self;
}

/// A JSON body; no body has no fields.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// The query; each value is a text, and of a repeated name the last one counts.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

fn read<T: Input>(object: Map<String, Value>) -> Result<T> {
    let mut fields = Fields::new(object);
    let input = T::read(&mut fields);
    fields.finish()?;
    Ok(input)
}

impl<T: Input> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let declared = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let payload = payload.take();
        Box::pin(async move {
            if declared.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
                return Err(too_large());
            }
            read(parse(&collect(payload).await?)?).map(Self)
        })
    }
}

async fn collect(mut payload: Payload) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk
            .map_err(|error| ApiError::bad_request("The request body broke off").with_source(error.to_string()))?;
        if bytes.len().saturating_add(chunk.len()) > MAX_BODY_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large() -> ApiError {
    ApiError::new(Code::PayloadTooLarge, "request entity too large")
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) if has_nul(bytes, &fields) => Err(nul_refused()),
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(ApiError::bad_request("The request body must be a JSON object")),
        Err(error) => Err(ApiError::bad_request(format!("The request body is no JSON: {error}"))),
    }
}

/// Whether any text holds U+0000, which PostgreSQL keeps in no text. Almost no body has the escape, so few are searched.
fn has_nul(bytes: &[u8], fields: &Map<String, Value>) -> bool {
    const ESCAPE: &[u8] = br"\u0000";
    bytes.windows(ESCAPE.len()).any(|window| window == ESCAPE) && any_holds_nul(fields)
}

fn any_holds_nul(fields: &Map<String, Value>) -> bool {
    fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value))
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => any_holds_nul(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn nul_refused() -> ApiError {
    ApiError::bad_request("Texts must not contain the character U+0000")
}

impl<T: Input> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
        let fields: Map<String, Value> =
            pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
        if any_holds_nul(&fields) {
            return ready(Err(nul_refused()));
        }
        ready(read(fields).map(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_an_object_or_nothing() {
        assert!(parse(b" \n").unwrap().is_empty());
        assert_eq!(parse(br#"{"a": 1}"#).unwrap().len(), 1);
        for bytes in [&b"[1]"[..], b"1", b"{", b"\xff"] {
            assert_eq!(parse(bytes).unwrap_err().code(), Code::BadRequest);
        }
    }

    #[test]
    fn a_text_with_nul_is_refused_wherever_it_stands() {
        for bytes in [&br#"{"a": "x\u0000"}"#[..], br#"{"a": [{"b\u0000": 1}]}"#, br#"{"\u0000": 1}"#] {
            assert_eq!(parse(bytes).unwrap_err().code(), Code::BadRequest);
        }
        assert!(parse(br#"{"a": "\\u0000"}"#).is_ok(), "a backslash before it makes it six plain characters");
    }
}
