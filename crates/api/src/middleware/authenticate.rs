//! Every route needs a token, except those listed here.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};

use crate::error::ApiError;
use crate::middleware::context;
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
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // A path without a route goes on to its 404.
    if request.match_pattern().is_some_and(|pattern| !PUBLIC.contains(&pattern.as_str())) {
        let authenticated = match bearer_token(&request) {
            Some(token) => state.authenticator.authenticate(&token).await,
            None => Err(sluice_access::Error::MissingToken),
        };
        match authenticated {
            Ok(identity) => {
                context::record_user(&request, identity.user_id.0);
                request.extensions_mut().insert(identity);
            }
            Err(error) => return Ok(request.error_response(ApiError::from(error))),
        }
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn bearer_token(request: &ServiceRequest) -> Option<String> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim().to_owned())
}
