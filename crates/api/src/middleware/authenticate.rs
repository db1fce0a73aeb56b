//! Every route needs a token, except those listed here.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use sluice_access::ApiKeyScope;

use crate::error::{ApiError, Code};
use crate::key_routes;
use crate::middleware::context;
use crate::middleware::rate_limit::RateLimit;
use crate::state::AppState;

const PUBLIC: [&str; 7] = [
    "/api/auth/login",
    "/api/health",
    "/api/health/live",
    "/api/health/ready",
    "/api/openapi.json",
    "/api/docs",
    "/api/docs/{file:.*}",
];

/// Checks the token before any of the body is read, and notes who asks.
pub(crate) async fn check(
    state: web::Data<AppState>,
    rate_limit: web::Data<RateLimit>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // A path without a route goes on to its 404.
    if request.match_pattern().is_some_and(|pattern| !PUBLIC.contains(&pattern.as_str())) {
        let ip = context::client_ip_of(&request.extensions());
        let authenticated = match bearer_token(&request) {
            Some(token) => state.authenticator.authenticate(&token, ip).await,
            None => Err(sluice_access::Error::MissingToken),
        };
        let identity = match authenticated {
            Ok(identity) => identity,
            Err(error) => return Ok(request.error_response(ApiError::from(error))),
        };
        context::record_user(&request, identity.user_id.0);
        if let Some(key) = &identity.api_key {
            if let Err(error) = check_key(&request, key) {
                return Ok(request.error_response(error));
            }
            // Counted here, where it is known that the key is one: who only knows its prefix can't use up its requests.
            if let Some(window) = rate_limit.count_key(&request, key).await {
                return Ok(RateLimit::refuse(request, window));
            }
        }
        request.extensions_mut().insert(identity);
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Refuses what no key, or not this one, may do.
fn check_key(request: &ServiceRequest, key: &ApiKeyScope) -> Result<(), ApiError> {
    let pattern = request.match_pattern().unwrap_or_default();
    let path = pattern.strip_prefix("/api").unwrap_or_default();
    match key_routes::needed_scope(request.method(), path) {
        None => Err(ApiError::new(Code::Forbidden, "API keys may not do this")),
        Some(scope) if key.allows(scope) => Ok(()),
        Some(scope) => Err(ApiError::new(Code::Forbidden, format!("This API key lacks the scope {scope}"))),
    }
}

fn bearer_token(request: &ServiceRequest) -> Option<String> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim().to_owned())
}
