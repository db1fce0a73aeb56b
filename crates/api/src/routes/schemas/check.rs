//! Looks at schemas and data that are not stored.

use actix_web::web::Data;
use bytes::BytesMut;
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_extraction::{required, validate};
use tokio::sync::mpsc::{self, Receiver};
use utoipa::ToSchema;

use crate::error::{ApiError, Code, Result};
use crate::extract::{Body, Fields, Input, User};
use crate::respond::Created;
use crate::routes::uploads::intake::Part;
use crate::routes::uploads::multipart::{Files, Form};
use crate::state::AppState;

/// The longest file that may hold a schema.
const MAX_FILE_BYTES: usize = 2 * 1024 * 1024;

/// Pieces of a file that wait to be read.
const QUEUE: usize = 4;

/// Data and the schema to check it by.
#[derive(Debug)]
pub(crate) struct DataToCheck {
    json_schema: Map<String, Value>,
    data: Map<String, Value>,
}

impl Input for DataToCheck {
    fn read(fields: &mut Fields) -> Self {
        Self { json_schema: fields.object("jsonSchema").required(), data: fields.object("data").required() }
    }
}

/// Whether data is what its schema asks for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataCheckDto {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errors: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    missing_fields: Option<Vec<String>>,
}

/// POST /schemas/validate-with-required
pub(crate) async fn validate_with_required(_user: User, Body(form): Body<DataToCheck>) -> Created<DataCheckDto> {
    let (errors, missing) = match required::check(&Value::Object(form.data), &Value::Object(form.json_schema)) {
        Ok(findings) => (findings.errors, findings.missing_fields),
        Err(invalid) => (vec![invalid.to_string()], Vec::new()),
    };
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    Created(DataCheckDto { valid: errors.is_empty(), errors: some(errors), missing_fields: some(missing) })
}

/// A form with the file of a schema.
pub(crate) struct SchemaFile;

impl Form for SchemaFile {
    const FIELD: &'static str = "file";
    const MAX_FILES: usize = 1;
}

/// A schema out of a file, or what is wrong with it.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportDto {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    json_schema: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errors: Option<Vec<ImportErrorDto>>,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct ImportErrorDto {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    path: Option<String>,
}

/// POST /schemas/import
pub(crate) async fn import_schema(
    _state: Data<AppState>,
    _user: User,
    files: Files<SchemaFile>,
) -> Result<Created<ImportDto>> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let (fed, read) = tokio::join!(files.feed(sender), read_file(receiver));
    let bytes = read?;
    fed.map_err(|error| match error.code() {
        Code::FileNotFound => ApiError::bad_request("No file was sent"),
        _ => error,
    })?;
    Ok(Created(match read_schema(&bytes) {
        Ok(schema) => ImportDto { valid: true, json_schema: Some(schema), errors: None },
        Err(errors) => ImportDto { valid: false, json_schema: None, errors: Some(errors) },
    }))
}

async fn read_file(mut parts: Receiver<Part>) -> Result<BytesMut> {
    let mut file = BytesMut::new();
    while let Some(part) = parts.recv().await {
        if let Part::Bytes(bytes) = part {
            if file.len().saturating_add(bytes.len()) > MAX_FILE_BYTES {
                return Err(ApiError::new(Code::PayloadTooLarge, "File too large"));
            }
            file.extend_from_slice(&bytes);
        }
    }
    Ok(file)
}

fn read_schema(bytes: &[u8]) -> std::result::Result<Value, Vec<ImportErrorDto>> {
    // Editors on Windows begin files with a mark that JSON does not know.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let schema: Value = serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        // The place stands in fields of its own.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        vec![ImportErrorDto {
            message,
            line: (line > 0).then_some(line),
            column: (line > 0).then_some(column),
            path: None,
        }]
    })?;
    match validate::check_schema(&schema) {
        Ok(()) => Ok(schema),
        Err(errors) => Err(errors
            .into_iter()
            .map(|error| ImportErrorDto { message: error.message, line: None, column: None, path: Some(error.path) })
            .collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_broken_file_says_where() {
        let errors = read_schema(b"{\n  \"type\": \"object\",,\n}").unwrap_err();
        assert_eq!((errors[0].line, errors[0].column, &errors[0].path), (Some(2), Some(20), &None));
        assert_eq!(errors[0].message, "key must be a string");
        let errors = read_schema(b"").unwrap_err();
        assert!(errors[0].message.contains("EOF"), "{errors:?}");
        assert!(read_schema(b"{\"a\": \"\xff\"}").is_err());
    }

    #[test]
    fn a_file_that_is_json_must_be_a_schema() {
        assert_eq!(read_schema(b"\xef\xbb\xbf{\"type\": \"object\"}"), Ok(json!({"type": "object"})));
        let errors = read_schema(br#"{"properties": {"a": {"type": "money"}}}"#).unwrap_err();
        assert_eq!(errors[0].path.as_deref(), Some("/properties/a/type"));
        assert!(read_schema(b"[]").is_err());
    }
}
