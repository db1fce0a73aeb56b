//! Which pages of other origins may call.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

use crate::config::Config;

const METHODS: HeaderValue = HeaderValue::from_static("GET,POST,PUT,DELETE,PATCH");
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static("Content-Type,Authorization,X-Request-ID");
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static("X-Request-ID,Content-Disposition");

/// The allowed origins; none listed allows all. There are no cookies, so a page gains nothing that its user's token
/// does not give it.
#[derive(Debug)]
pub(crate) struct Cors {
    origins: Vec<String>,
}

impl Cors {
    pub(crate) fn new(config: &Config) -> Self {
        Self { origins: config.cors_origins.iter().map(|origin| origin.trim_end_matches('/').to_owned()).collect() }
    }

    /// The origin to be named in the answer. Another one gets an answer that its browser does not hand on.
    fn permit(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let listed = self.origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes() || listed == "*");
        (self.origins.is_empty() || listed).then(|| origin.clone())
    }
}

/// Answers preflights and marks answers.
pub(crate) async fn answer(
    cors: web::Data<Cors>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let origin = cors.permit(request.headers());
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        request.into_response(HttpResponse::NoContent().finish())
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        if is_preflight {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        }
    }
    Ok(response)
}
