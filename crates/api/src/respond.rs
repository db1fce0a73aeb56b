//! What handlers answer: types that say status and form, so that answer and documentation can't differ.

use std::marker::PhantomData;

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

/// Something was made or done: 201 with a body.
#[derive(Debug)]
pub(crate) struct Created<T>(pub(crate) T);

/// A list: 200 with an array.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

/// It was done, and there is nothing to say: 204.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoContent;

/// An answer whose bytes a handler writes itself, of a kind that says what they are.
#[derive(Debug)]
pub(crate) struct Raw<K> {
    response: HttpResponse,
    kind: PhantomData<K>,
}

/// What a raw answer may look like.
pub(crate) trait RawKind: 'static {
    /// Statuses of answers that are no errors.
    const STATUSES: &'static [u16];
    /// Content types of their bodies; none when they have no body.
    const CONTENT_TYPES: &'static [&'static str];
}

impl<K> From<HttpResponse> for Raw<K> {
    fn from(response: HttpResponse) -> Self {
        Self { response, kind: PhantomData }
    }
}

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Created().json(self.0)
    }
}

impl<T: Serialize> Responder for List<T> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

impl<K> Responder for Raw<K> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        self.response
    }
}
