//! The description of the API (`OpenAPI` 3.1), made of the routes and the types of their handlers.

mod describe;
mod error_body;
mod operation;

use actix_web::{FromRequest, Handler, Responder};
use utoipa::openapi::path::{HttpMethod, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, Info, License, OpenApi, OpenApiBuilder, Paths};

pub(crate) use self::describe::Describe;
use self::operation::Operation;
use crate::error::Code;
use crate::routes::{self, Method, Register};

/// The name of the way to say who asks.
const BEARER: &str = "bearer";

/// Describes all routes.
#[must_use]
pub fn document() -> OpenApi {
    let mut describer = Describer::default();
    routes::register(&mut describer);
    let mut components = describer.components;
    error_body::add_to(&mut components);
    components.add_security_scheme(
        BEARER,
        SecurityScheme::Http(Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build()),
    );
    let mut info = Info::new("Sluice", env!("CARGO_PKG_VERSION"));
    info.description = Some("Documents in, checked data out.".to_owned());
    info.license = Some(License::builder().name("Apache-2.0").identifier(Some("Apache-2.0")).build());
    OpenApiBuilder::new().info(info).paths(describer.paths).components(Some(components)).build()
}

/// Turns routes into paths.
#[derive(Default)]
struct Describer {
    paths: Paths,
    components: Components,
}

impl Register for Describer {
    fn route<F, Args>(&mut self, (method, path): (Method, &'static str), summary: &str, codes: &[Code], _handler: F)
    where
        F: Handler<Args>,
        Args: FromRequest + Describe + 'static,
        F::Output: Responder + Describe + 'static,
    {
        let mut operation = Operation::new(path);
        Args::describe(&mut operation);
        <F::Output as Describe>::describe(&mut operation);
        operation.add_errors(codes);
        let name = std::any::type_name::<F>().rsplit("::").next().unwrap_or_default();
        let (described, schemas) = operation.finish(name, summary);
        self.components.schemas.extend(schemas);
        let method = match method {
            Method::Get => HttpMethod::Get,
            Method::Post => HttpMethod::Post,
            Method::Patch => HttpMethod::Patch,
            Method::Put => HttpMethod::Put,
            Method::Delete => HttpMethod::Delete,
        };
        // A segment that takes the rest of a path is one parameter like others.
        let path = format!("/api{}", path.replace(":.*}", "}"));
        let item = PathItem::new(method, described);
        match self.paths.paths.get_mut(&path) {
            Some(present) => present.merge_operations(item),
            None => {
                self.paths.paths.insert(path, item);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn operations_have_names_of_their_own_and_say_what_they_do() {
        let document = serde_json::to_value(document()).unwrap();
        let mut names = HashSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} at {method} {path}");
                let summary = operation["summary"].as_str().unwrap();
                assert!(summary.len() > 10 && !summary.ends_with('.'), "{method} {path}: {summary}");
            }
        }
    }

    #[test]
    fn all_references_lead_somewhere() {
        let document = serde_json::to_value(document()).unwrap();
        fn check(value: &serde_json::Value, document: &serde_json::Value) {
            match value {
                serde_json::Value::Object(fields) => {
                    if let Some(target) = fields.get("$ref").and_then(|target| target.as_str()) {
                        assert!(document.pointer(target.strip_prefix('#').unwrap()).is_some(), "{target}");
                    }
                    fields.values().for_each(|value| check(value, document));
                }
                serde_json::Value::Array(items) => items.iter().for_each(|value| check(value, document)),
                _ => {}
            }
        }
        check(&document, &document);
    }
}
