//! The outermost layer: the request's id, its log line, the headers of every answer, the body of every error.

use std::net::IpAddr;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use serde_json::{Value, json};
use sluice_access::Origin;
use sluice_core::RequestId;
use sluice_service::ErrorChain;
use tracing::{Instrument, Span};

use crate::error::{ApiError, Code};
use crate::middleware::client_ip::client_ip;
use crate::state::AppState;
use crate::wire;

const REQUEST_ID: &str = "x-request-id";
const MAX_REQUEST_ID_LENGTH: usize = 128;

/// What helmet sends by default, framing forbidden.
const SECURITY_HEADERS: [(&str, &str); 12] = [
    ("content-security-policy", "default-src 'self';base-uri 'self';frame-ancestors 'none';object-src 'none'"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
    ("x-content-type-options", "nosniff"),
    ("x-dns-prefetch-control", "off"),
    ("x-download-options", "noopen"),
    ("x-frame-options", "DENY"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-xss-protection", "0"),
];

/// Gives a request its context.
pub(crate) async fn provide(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.path().to_owned();
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        http.method = %method,
        http.path = path,
        user.id = tracing::field::Empty
    );
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(RequestSpan(span.clone()));
    let ip = request.app_data::<web::Data<AppState>>().and_then(|state| client_ip(&request, &state.trusted_proxies));
    request.extensions_mut().insert(ClientIp(ip));
    let started = Instant::now();
    // The request must not be cloned: the router wants it to itself. An error here is none of a handler's, whose errors
    // are responses.
    let response = next.call(request).instrument(span.clone()).await?.map_into_boxed_body();
    let _entered = span.enter();
    let mut response = write_error_body(response, &id);
    add_headers(response.headers_mut(), &id);
    log(&method, &path, response.status(), started);
    Ok(response)
}

/// The span of a request, so that later layers can add to it.
struct RequestSpan(Span);

/// Adds the user to the request's log line.
pub(crate) fn record_user(request: &ServiceRequest, user_id: i32) {
    if let Some(RequestSpan(span)) = request.extensions().get::<RequestSpan>() {
        span.record("user.id", user_id);
    }
}

/// The address of the client.
#[derive(Debug, Clone, Copy)]
struct ClientIp(Option<IpAddr>);

/// The address of the client of a request that has passed this layer.
pub(crate) fn client_ip_of(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ClientIp>().and_then(|ClientIp(ip)| *ip)
}

/// Where a request that has passed this layer comes from.
pub(crate) fn origin_of(request: &HttpRequest) -> Origin {
    let ip = client_ip_of(&request.extensions());
    Origin { ip, request_id: Some(request_id_of(request).0) }
}

/// The id of a request that has passed this layer.
pub(crate) fn request_id_of(request: &HttpRequest) -> RequestId {
    request.extensions().get::<RequestId>().cloned().unwrap_or_else(RequestId::generate)
}

fn request_id(headers: &HeaderMap) -> RequestId {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|text| (1..=MAX_REQUEST_ID_LENGTH).contains(&text.len()))
        .map_or_else(RequestId::generate, |text| RequestId(text.to_owned()))
}

fn log(method: &Method, path: &str, status: StatusCode, started: Instant) {
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = status.as_u16();
    // Probes come every few seconds.
    if path.starts_with("/api/health") && status < 400 {
        tracing::debug!(status, duration_ms, "{method} {path}");
    } else {
        tracing::info!(status, duration_ms, "{method} {path}");
    }
}

/// Writes the body of an error, which needs the request.
fn write_error_body(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else { return response };
    let foreign;
    let error = match error.as_error::<ApiError>() {
        Some(error) => error,
        None => {
            foreign = from_framework(response.status(), error);
            &foreign
        }
    };
    if response.status().is_server_error() {
        tracing::error!(error = %ErrorChain(error), "a request failed");
    } else {
        tracing::debug!(error = %ErrorChain(error), "a request was refused");
    }
    let request = response.request();
    let path = request.uri().path_and_query().map_or_else(|| request.path().to_owned(), ToString::to_string);
    let mut fields = error.to_fields();
    fields.insert("requestId".to_owned(), json!(id));
    if let Some(state) = request.app_data::<web::Data<AppState>>() {
        fields.insert("timestamp".to_owned(), json!(wire::iso(state.clock.now())));
    }
    fields.insert("path".to_owned(), json!(path));
    let body = json!({"error": Value::Object(fields)}).to_string();
    let mut response = response.map_body(|_, _| BoxBody::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

/// An error that the framework made before a handler could.
fn from_framework(status: StatusCode, error: &Error) -> ApiError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(Code::PayloadTooLarge, "request entity too large"),
        StatusCode::NOT_FOUND => ApiError::not_found("Not found"),
        status if status.is_client_error() => ApiError::bad_request(error.to_string()),
        _ => ApiError::new(Code::Internal, "").with_source(error.to_string()),
    }
}

fn add_headers(headers: &mut HeaderMap, id: &RequestId) {
    for (name, value) in SECURITY_HEADERS {
        // A handler may know better, as that of the documentation's page does.
        if !headers.contains_key(name) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(HeaderName::from_static(REQUEST_ID), value);
    }
}
