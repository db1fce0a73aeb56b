//! Ids of the path.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use sluice_core::{
    ApiKeyId, ExportScriptId, ExtractorId, GroupId, JobId, ManifestId, ModelId, ProjectId, PromptId, SchemaId,
    SchemaRuleId, UploadId, UserId, ValidationScriptId,
};
use uuid::Uuid;

use super::description::Shape;
use crate::error::{ApiError, Result};

/// The dynamic segments of the path: one id, or two in their order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<T>(pub(crate) T);

/// Reads one segment.
pub(crate) trait Segment: Sized {
    fn parse(text: &str) -> Result<Self>;

    /// What it may be.
    fn shape() -> Shape;
}

/// Reads all of them.
pub(crate) trait Segments: Sized {
    fn parse_all(segments: &[&str]) -> Result<Self>;

    /// What they may be, in their order.
    fn shapes() -> Vec<Shape>;
}

impl<T: Segment> Segments for T {
    fn parse_all(segments: &[&str]) -> Result<Self> {
        match segments {
            [one] => T::parse(one),
            _ => Err(ApiError::not_found("Not found")),
        }
    }

    fn shapes() -> Vec<Shape> {
        vec![T::shape()]
    }
}

impl<A: Segment, B: Segment> Segments for (A, B) {
    fn parse_all(segments: &[&str]) -> Result<Self> {
        match segments {
            [a, b] => Ok((A::parse(a)?, B::parse(b)?)),
            _ => Err(ApiError::not_found("Not found")),
        }
    }

    fn shapes() -> Vec<Shape> {
        vec![A::shape(), B::shape()]
    }
}

impl<T: Segments> FromRequest for Path<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let segments: Vec<&str> = request.match_info().iter().map(|(_, value)| value).collect();
        ready(T::parse_all(&segments).map(Self))
    }
}

impl Segment for String {
    fn parse(text: &str) -> Result<Self> {
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
        let decoded = decoded.ok().filter(|text| !text.contains('\0'));
        decoded.map(std::borrow::Cow::into_owned).ok_or_else(|| ApiError::not_found("Not found"))
    }

    fn shape() -> Shape {
        Shape::string()
    }
}

impl Segment for i32 {
    fn parse(text: &str) -> Result<Self> {
        parse_integer(text)
    }

    fn shape() -> Shape {
        Shape::integer()
    }
}

macro_rules! integer_segments {
    ($($id:ident),*) => {$(
        impl Segment for $id {
            fn parse(text: &str) -> Result<Self> {
                parse_integer(text).map($id)
            }

            fn shape() -> Shape {
                Shape::integer()
            }
        }
    )*};
}

macro_rules! uuid_segments {
    ($($id:ident: $noun:literal),*) => {$(
        impl Segment for $id {
            /// What is no uuid names nothing.
            fn parse(text: &str) -> Result<Self> {
                let found: Option<Uuid> = text.parse().ok();
                found.map($id).ok_or_else(|| ApiError::not_found(format!(concat!($noun, " {} not found"), text)))
            }

            fn shape() -> Shape {
                Shape::string().format("uuid")
            }
        }
    )*};
}

integer_segments!(
    ProjectId,
    GroupId,
    ManifestId,
    JobId,
    SchemaId,
    SchemaRuleId,
    PromptId,
    UserId,
    ValidationScriptId,
    ExportScriptId
);
uuid_segments!(ModelId: "Model", ExtractorId: "Extractor", UploadId: "Upload", ApiKeyId: "API key");

fn parse_integer(text: &str) -> Result<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::bad_request("Validation failed (numeric string is expected)"));
    }
    // No row has a key beyond the column's range.
    text.parse().map_err(|_source| ApiError::not_found("Not found"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn integers_and_uuids_are_told_from_nonsense() {
        assert_eq!(ProjectId::parse("12").unwrap(), ProjectId(12));
        for text in ["x", "", "1.5", "1e3", " 1", "-", "0x1"] {
            assert_eq!(ProjectId::parse(text).unwrap_err().code(), Code::BadRequest, "{text}");
        }
        assert_eq!(ProjectId::parse("99999999999").unwrap_err().code(), Code::NotFound);
        let error = ModelId::parse("nonsense").unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (Code::NotFound, "Model nonsense not found"));
    }

    #[test]
    fn two_segments_are_read_in_order() {
        let (manifest, job): (ManifestId, JobId) = Segments::parse_all(&["1", "2"]).unwrap();
        assert_eq!((manifest, job), (ManifestId(1), JobId(2)));
    }
}
