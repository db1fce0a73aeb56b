//! What each type in a handler's signature says of its operation.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};

use super::Operation;
use crate::error::{ApiError, Code};
use crate::extract::{Admin, Body, Caller, CurrentRequest, Fields, Input, Path, Query, Segments, SentFrom, User};
use crate::respond::{Created, List, NoContent, Raw, RawKind};
use crate::routes::uploads::multipart::{Files, Form};
use crate::state::AppState;

/// A type of a handler's signature.
pub(crate) trait Describe {
    /// Adds what it says.
    fn describe(operation: &mut Operation);
}

impl Describe for Data<AppState> {
    fn describe(_operation: &mut Operation) {}
}

impl Describe for HttpRequest {
    fn describe(_operation: &mut Operation) {}
}

impl Describe for CurrentRequest {
    fn describe(_operation: &mut Operation) {}
}

impl Describe for SentFrom {
    fn describe(_operation: &mut Operation) {}
}

impl Describe for Caller {
    fn describe(operation: &mut Operation) {
        operation.need_token();
    }
}

impl Describe for User {
    fn describe(operation: &mut Operation) {
        operation.need_token();
    }
}

impl Describe for Admin {
    fn describe(operation: &mut Operation) {
        operation.need_token();
        operation.add_errors(&[Code::Forbidden]);
    }
}

impl<T: Segments> Describe for Path<T> {
    fn describe(operation: &mut Operation) {
        operation.add_segments(T::shapes());
    }
}

impl<T: Input> Describe for Body<T> {
    fn describe(operation: &mut Operation) {
        operation.set_json_body(Fields::describe(|fields| drop(T::read(fields))));
    }
}

impl<T: Input> Describe for Query<T> {
    fn describe(operation: &mut Operation) {
        operation.add_query(Fields::describe(|fields| drop(T::read(fields))));
    }
}

impl<F: Form> Describe for Files<F> {
    fn describe(operation: &mut Operation) {
        let file = Object::builder()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .build();
        let field = if F::MAX_FILES == 1 {
            Schema::Object(file)
        } else {
            let files = ArrayBuilder::new().items(RefOr::T(Schema::Object(file)));
            Schema::Array(files.min_items(Some(1)).max_items(Some(F::MAX_FILES)).build())
        };
        operation.set_form_body(ObjectBuilder::new().property(F::FIELD, field).required(F::FIELD).build());
        operation.add_errors(&[Code::InvalidFileType]);
    }
}

impl<T: ToSchema + Serialize> Describe for Json<T> {
    fn describe(operation: &mut Operation) {
        operation.add_json::<T>(200);
    }
}

impl<T: ToSchema + Serialize> Describe for Created<T> {
    fn describe(operation: &mut Operation) {
        operation.add_json::<T>(201);
    }
}

impl<T: ToSchema + Serialize> Describe for List<T> {
    fn describe(operation: &mut Operation) {
        operation.add_list::<T>(200);
    }
}

impl Describe for NoContent {
    fn describe(operation: &mut Operation) {
        operation.add_answer(204, &[]);
    }
}

impl<K: RawKind> Describe for Raw<K> {
    fn describe(operation: &mut Operation) {
        let bodies: Vec<_> = K::CONTENT_TYPES.iter().map(|content_type| (*content_type, None)).collect();
        for status in K::STATUSES {
            operation.add_answer(*status, &bodies);
        }
    }
}

impl<T: Describe> Describe for Result<T, ApiError> {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

macro_rules! describe_tuples {
    ($(($($one:ident),*))*) => {$(
        impl<$($one: Describe),*> Describe for ($($one,)*) {
            fn describe(operation: &mut Operation) {
                $($one::describe(operation);)*
            }
        }
    )*};
}

describe_tuples! {
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, F)
}

impl Describe for () {
    fn describe(_operation: &mut Operation) {}
}
