//! Errors as they look on the wire: one form for all, one answer for each status.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::{Components, Content, Ref, RefOr, Response, ResponseBuilder};

use crate::error::Code;

/// The body of every error.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the body is written by middleware::context; this describes it")]
struct ErrorBody {
    error: ErrorFields,
}

#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the body is written by middleware::context; this describes it")]
struct ErrorFields {
    /// By which programs tell errors apart.
    code: String,
    /// For people.
    message: String,
    /// What a translated message is filled with.
    #[schema(nullable = false)]
    params: Option<serde_json::Map<String, serde_json::Value>>,
    /// The rules that the input breaks.
    #[schema(nullable = false)]
    details: Option<Vec<ErrorDetail>>,
    /// The request, as it stands in the log.
    request_id: String,
    timestamp: chrono::DateTime<chrono::Utc>,
    path: String,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the body is written by middleware::context; this describes it")]
struct ErrorDetail {
    /// Dot path of the field, indexes as segments.
    path: String,
    /// The rule, by the name that class-validator has for it.
    rule: String,
}

fn name(status: u16) -> String {
    format!("Error{status}")
}

/// Where the answer of a status is described.
pub(super) fn reference(status: u16) -> RefOr<Response> {
    RefOr::Ref(Ref::from_response_name(name(status)))
}

/// Adds the answers of all statuses, and the form of their body.
pub(super) fn add_to(components: &mut Components) {
    let mut words: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in Code::ALL {
        let (word, status) = code.on_wire();
        words.entry(status.as_u16()).or_default().push(word);
    }
    for (status, words) in words {
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
        let description = format!("{reason}: {}", words.join(", "));
        let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("ErrorBody"))));
        let response = ResponseBuilder::new().description(description).content("application/json", content).build();
        components.responses.insert(name(status), RefOr::T(response));
    }
    let mut schemas = Vec::new();
    ErrorBody::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.schemas.insert("ErrorBody".to_owned(), ErrorBody::schema());
}
