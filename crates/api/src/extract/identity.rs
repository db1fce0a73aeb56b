//! Who asks.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use sluice_access::{Actor, Identity, Origin};
use sluice_core::RequestId;

use crate::error::{ApiError, Code};
use crate::middleware::context;

/// Anybody with a token.
#[derive(Debug, Clone)]
pub(crate) struct User(pub(crate) Identity);

/// An admin.
#[derive(Debug, Clone)]
pub(crate) struct Admin;

/// Who asks and from where, as the audit log tells it.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Actor);

/// Where a request comes from whose sender is not known yet.
#[derive(Debug, Clone)]
pub(crate) struct SentFrom(pub(crate) Origin);

/// The id of this request, which goes along with the jobs it makes.
#[derive(Debug, Clone)]
pub(crate) struct CurrentRequest(pub(crate) RequestId);

fn identity(request: &HttpRequest) -> Result<Identity, ApiError> {
    let identity = request.extensions().get::<Identity>().cloned();
    identity.ok_or_else(|| sluice_access::Error::MissingToken.into())
}

impl FromRequest for User {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(identity(request).map(Self))
    }
}

impl FromRequest for Admin {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(identity(request).and_then(|identity| {
            if identity.is_admin { Ok(Self) } else { Err(ApiError::new(Code::Forbidden, "Access denied")) }
        }))
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(identity(request).map(|identity| Self(Actor::new(&identity, context::origin_of(request)))))
    }
}

impl FromRequest for SentFrom {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(context::origin_of(request))))
    }
}

impl FromRequest for CurrentRequest {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(context::request_id_of(request))))
    }
}
