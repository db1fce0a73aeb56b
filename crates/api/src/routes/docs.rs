//! The description of the API, as a file and as a page to read and try it.

use std::sync::{Arc, LazyLock};

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use actix_web::web::Bytes;
use utoipa_swagger_ui::{Config, serve};

use crate::error::{ApiError, Code, Result};
use crate::extract::Path;
use crate::openapi;
use crate::respond::{Raw, RawKind};

/// The page carries its pictures and some of its styles in its own text; its scripts are files.
const POLICY: &str = "default-src 'self';img-src 'self' data:;style-src 'self' 'unsafe-inline';\
                      base-uri 'self';frame-ancestors 'none';object-src 'none'";

/// Where the page is.
const PAGE: &str = "/api/docs/index.html";

/// The description.
#[derive(Debug)]
pub(crate) struct Description;

impl RawKind for Description {
    const STATUSES: &'static [u16] = &[200];
    const CONTENT_TYPES: &'static [&'static str] = &["application/json"];
}

/// A way elsewhere.
#[derive(Debug)]
pub(crate) struct Redirect;

impl RawKind for Redirect {
    const STATUSES: &'static [u16] = &[302];
    const CONTENT_TYPES: &'static [&'static str] = &[];
}

/// A file of the page.
#[derive(Debug)]
pub(crate) struct PageFile;

impl RawKind for PageFile {
    const STATUSES: &'static [u16] = &[200];
    const CONTENT_TYPES: &'static [&'static str] = &["text/html", "text/css", "text/javascript", "image/png"];
}

/// The description as it is sent. It can't change while the process lives, and anybody may ask for it.
static DESCRIPTION: LazyLock<serde_json::Result<Bytes>> =
    LazyLock::new(|| serde_json::to_vec(&openapi::document()).map(Bytes::from));

/// `GET /openapi.json`
pub(crate) async fn show_openapi() -> Result<Raw<Description>> {
    let description =
        DESCRIPTION.as_ref().map_err(|error| ApiError::new(Code::Internal, "").with_source(error.to_string()))?;
    Ok(HttpResponse::Ok().content_type("application/json").body(description.clone()).into())
}

/// `GET /docs`
pub(crate) async fn redirect_to_docs() -> Raw<Redirect> {
    HttpResponse::Found().insert_header((LOCATION, PAGE)).finish().into()
}

/// `GET /docs/{file}`
pub(crate) async fn show_docs(Path(file): Path<String>) -> Result<Raw<PageFile>> {
    let found = serve(&file, Arc::new(Config::from("/api/openapi.json")));
    let found = found.map_err(|error| ApiError::new(Code::Internal, "").with_source(error.to_string()))?;
    let page = found.ok_or_else(|| ApiError::not_found(format!("Cannot GET {PAGE}")))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, page.content_type)).insert_header((CACHE_CONTROL, "max-age=3600"));
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY));
    if page.gzpipped {
        response.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(response.body(page.bytes.into_owned()).into())
}
