//! One operation while its description is gathered.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::ToSchema;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{Array, Object, Schema};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder, path};

use super::{BEARER, error_body};
use crate::error::Code;
use crate::extract::Shape;

/// What is known of an operation.
pub(crate) struct Operation {
    segments: Vec<String>,
    tag: String,
    needs_token: bool,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    responses: BTreeMap<u16, Response>,
    errors: BTreeSet<u16>,
    schemas: BTreeMap<String, RefOr<Schema>>,
}

impl Operation {
    pub(super) fn new(path: &str) -> Self {
        let segments = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let mut operation = Self {
            segments: segments.map(|name| name.trim_end_matches(":.*").to_owned()).collect(),
            tag: path.split('/').find(|segment| !segment.is_empty()).unwrap_or_default().to_owned(),
            needs_token: false,
            parameters: Vec::new(),
            body: None,
            responses: BTreeMap::new(),
            errors: BTreeSet::new(),
            schemas: BTreeMap::new(),
        };
        // Anything may be called too often, or fail.
        operation.add_errors(&[Code::TooManyRequests, Code::Internal, Code::Unavailable]);
        operation
    }

    pub(super) fn add_errors(&mut self, codes: &[Code]) {
        self.errors.extend(codes.iter().map(|code| code.on_wire().1.as_u16()));
    }

    pub(super) fn need_token(&mut self) {
        self.needs_token = true;
        self.add_errors(&[Code::MissingToken]);
    }

    pub(super) fn add_segments(&mut self, shapes: Vec<Shape>) {
        for (name, shape) in self.segments.iter().zip(shapes) {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
            self.parameters.push(parameter.required(Required::True).schema(Some(Schema::from(shape))).build());
        }
        self.add_errors(&[Code::BadRequest, Code::Forbidden, Code::NotFound]);
    }

    pub(super) fn add_query(&mut self, fields: Object) {
        for (name, schema) in fields.properties {
            let required = if fields.required.contains(&name) { Required::True } else { Required::False };
            let mut parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query);
            // Objects come as `name[key]=value`.
            if matches!(&schema, RefOr::T(Schema::Object(object)) if object.additional_properties.is_some()) {
                parameter = parameter.style(Some(ParameterStyle::DeepObject)).explode(Some(true));
            }
            self.parameters.push(parameter.required(required).schema(Some(schema)).build());
        }
        self.add_errors(&[Code::BadRequest]);
    }

    pub(super) fn set_json_body(&mut self, fields: Object) {
        let required = if fields.required.is_empty() { Required::False } else { Required::True };
        let content = Content::new(Some(RefOr::T(Schema::Object(fields))));
        let body = RequestBodyBuilder::new().content("application/json", content);
        self.body = Some(body.required(Some(required)).build());
        self.add_errors(&[Code::BadRequest, Code::PayloadTooLarge]);
    }

    pub(super) fn set_form_body(&mut self, fields: Object) {
        let content = Content::new(Some(RefOr::T(Schema::Object(fields))));
        let body = RequestBodyBuilder::new().content("multipart/form-data", content);
        self.body = Some(body.required(Some(Required::True)).build());
        self.add_errors(&[Code::BadRequest, Code::NotFound, Code::PayloadTooLarge]);
    }

    /// An answer with a body of a type that has a name.
    pub(super) fn add_json<T: ToSchema>(&mut self, status: u16) {
        let schema = self.reference::<T>();
        self.add_answer(status, &[("application/json", Some(schema))]);
    }

    pub(super) fn add_list<T: ToSchema>(&mut self, status: u16) {
        let items = self.reference::<T>();
        let list = RefOr::T(Schema::Array(Array::new(items)));
        self.add_answer(status, &[("application/json", Some(list))]);
    }

    pub(super) fn add_answer(&mut self, status: u16, bodies: &[(&str, Option<RefOr<Schema>>)]) {
        let description = match status {
            201 => "Done",
            204 => "Done; nothing to say",
            206 => "A part of it",
            302 => "Elsewhere",
            _ => "What was asked for",
        };
        let mut response = ResponseBuilder::new().description(description);
        for (content_type, schema) in bodies {
            response = response.content(*content_type, ContentBuilder::new().schema(schema.clone()).build());
        }
        self.responses.insert(status, response.build());
    }

    fn reference<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let mut nested = Vec::new();
        T::schemas(&mut nested);
        self.schemas.extend(nested);
        let schema = T::schema();
        let is_object = matches!(&schema, RefOr::T(Schema::Object(object)) if !object.properties.is_empty())
            || matches!(&schema, RefOr::T(Schema::AllOf(_) | Schema::OneOf(_)));
        if !is_object {
            return schema;
        }
        let name = T::name().into_owned();
        self.schemas.insert(name.clone(), schema);
        RefOr::Ref(Ref::from_schema_name(name))
    }

    pub(super) fn finish(self, name: &str, summary: &str) -> (path::Operation, BTreeMap<String, RefOr<Schema>>) {
        let mut operation = OperationBuilder::new()
            .operation_id(Some(name))
            .summary(Some(summary))
            .tag(self.tag)
            .request_body(self.body);
        for parameter in self.parameters {
            operation = operation.parameter(parameter);
        }
        for (status, response) in self.responses {
            operation = operation.response(status.to_string(), response);
        }
        for status in self.errors {
            operation = operation.response(status.to_string(), error_body::reference(status));
        }
        if self.needs_token {
            operation = operation.security(SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, []));
        }
        (operation.build(), self.schemas)
    }
}
