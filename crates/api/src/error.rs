//! What a caller reads when something goes wrong; the only place that knows status codes.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sluice_core::{Classify, ErrorKind, PortError};

/// The result of a handler.
pub(crate) type Result<T> = std::result::Result<T, ApiError>;

/// An error as a caller reads it. Its source is logged and never sent.
#[derive(Debug)]
pub struct ApiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    message: String,
    params: Option<Value>,
    details: Option<Vec<Detail>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// One rule that an input breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Detail {
    /// Dot path of the field, indexes as segments.
    pub(crate) path: String,
    /// The rule.
    pub(crate) rule: &'static str,
}

/// The word by which programs tell errors apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words are the documentation; they are those of the original")]
pub enum Code {
    BadRequest,
    ValidationFailed,
    ManifestValidationFailed,
    InvalidFileType,
    Unauthorized,
    MissingToken,
    InvalidToken,
    Forbidden,
    ProjectForbidden,
    FileForbidden,
    NotFound,
    ProjectNotFound,
    GroupNotFound,
    ManifestNotFound,
    SchemaNotFound,
    PromptNotFound,
    ValidationScriptNotFound,
    ExportScriptNotFound,
    JobNotFound,
    FileNotFound,
    ScriptFailed,
    Conflict,
    PayloadTooLarge,
    TooManyRequests,
    Internal,
    Unavailable,
    OcrService,
    OcrTimeout,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::BadRequest,
        Self::ValidationFailed,
        Self::ManifestValidationFailed,
        Self::InvalidFileType,
        Self::Unauthorized,
        Self::MissingToken,
        Self::InvalidToken,
        Self::Forbidden,
        Self::ProjectForbidden,
        Self::FileForbidden,
        Self::NotFound,
        Self::ProjectNotFound,
        Self::GroupNotFound,
        Self::ManifestNotFound,
        Self::SchemaNotFound,
        Self::PromptNotFound,
        Self::ValidationScriptNotFound,
        Self::ExportScriptNotFound,
        Self::JobNotFound,
        Self::FileNotFound,
        Self::ScriptFailed,
        Self::Conflict,
        Self::PayloadTooLarge,
        Self::TooManyRequests,
        Self::Internal,
        Self::Unavailable,
        Self::OcrService,
        Self::OcrTimeout,
    ];

    /// The word on the wire and the status.
    #[must_use]
    pub const fn on_wire(self) -> (&'static str, StatusCode) {
        match self {
            Self::BadRequest => ("BadRequestException", StatusCode::BAD_REQUEST),
            Self::ValidationFailed => ("VALIDATION_FAILED", StatusCode::BAD_REQUEST),
            Self::ManifestValidationFailed => ("MANIFEST_VALIDATION_FAILED", StatusCode::BAD_REQUEST),
            Self::InvalidFileType => ("INVALID_FILE_TYPE", StatusCode::BAD_REQUEST),
            Self::Unauthorized => ("UnauthorizedException", StatusCode::UNAUTHORIZED),
            Self::MissingToken => ("AUTH_MISSING_TOKEN", StatusCode::UNAUTHORIZED),
            Self::InvalidToken => ("AUTH_INVALID_TOKEN", StatusCode::UNAUTHORIZED),
            Self::Forbidden => ("ForbiddenException", StatusCode::FORBIDDEN),
            Self::ProjectForbidden => ("PROJECT_FORBIDDEN", StatusCode::FORBIDDEN),
            Self::FileForbidden => ("FILE_FORBIDDEN", StatusCode::FORBIDDEN),
            Self::NotFound => ("NotFoundException", StatusCode::NOT_FOUND),
            Self::ProjectNotFound => ("PROJECT_NOT_FOUND", StatusCode::NOT_FOUND),
            Self::GroupNotFound => ("GroupNotFoundException", StatusCode::NOT_FOUND),
            Self::ManifestNotFound => ("MANIFEST_NOT_FOUND", StatusCode::NOT_FOUND),
            Self::SchemaNotFound => ("SchemaNotFoundException", StatusCode::NOT_FOUND),
            Self::PromptNotFound => ("PromptNotFoundException", StatusCode::NOT_FOUND),
            Self::ValidationScriptNotFound => ("ValidationScriptNotFoundException", StatusCode::NOT_FOUND),
            Self::ExportScriptNotFound => ("ExportScriptNotFoundException", StatusCode::NOT_FOUND),
            Self::JobNotFound => ("JobNotFoundException", StatusCode::NOT_FOUND),
            Self::FileNotFound => ("FILE_NOT_FOUND", StatusCode::NOT_FOUND),
            Self::ScriptFailed => ("ScriptExecutionException", StatusCode::BAD_REQUEST),
            Self::Conflict => ("ConflictException", StatusCode::CONFLICT),
            Self::PayloadTooLarge => ("PayloadTooLargeException", StatusCode::PAYLOAD_TOO_LARGE),
            Self::TooManyRequests => ("ThrottlerException", StatusCode::TOO_MANY_REQUESTS),
            Self::Internal => ("INTERNAL_SERVER_ERROR", StatusCode::INTERNAL_SERVER_ERROR),
            Self::Unavailable => ("ServiceUnavailableException", StatusCode::SERVICE_UNAVAILABLE),
            Self::OcrService => ("OCR_SERVICE_ERROR", StatusCode::SERVICE_UNAVAILABLE),
            Self::OcrTimeout => ("OCR_TIMEOUT", StatusCode::GATEWAY_TIMEOUT),
        }
    }

    /// What is said whatever happened; a fault of ours tells nothing of itself.
    const fn constant_message(self) -> Option<&'static str> {
        match self {
            Self::Internal => Some("Internal server error"),
            Self::Unavailable => Some("Service temporarily unavailable, please try again"),
            Self::OcrService => Some("The text of the document could not be read"),
            Self::OcrTimeout => Some("The text of the document was not read in time"),
            _ => None,
        }
    }
}

impl ApiError {
    /// An error with a message for the caller.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = code.constant_message().map_or_else(|| message.into(), str::to_owned);
        Self(Box::new(Inner { code, message, params: None, details: None, source: None }))
    }

    /// A fault of ours or of something that we depend on, with a message that tells nothing of this one.
    pub(crate) fn fault(message: &'static str) -> Self {
        let mut error = Self::new(Code::Internal, message);
        message.clone_into(&mut error.0.message);
        error
    }

    /// The input can't be used.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, message)
    }

    /// The thing is not there.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// Fields break rules.
    pub(crate) fn validation(details: Vec<Detail>) -> Self {
        let mut error = Self::new(Code::ValidationFailed, "Validation failed");
        error.0.details = Some(details);
        error
    }

    /// Adds what a translated message is filled with.
    pub(crate) fn with_params(mut self, params: Value) -> Self {
        self.0.params = Some(params);
        self
    }

    /// Adds what is logged.
    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The word.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.0.code
    }

    /// Whether the fault is ours and not the caller's.
    pub(crate) fn is_ours(&self) -> bool {
        self.status_code().is_server_error()
    }

    /// The part of the body that does not depend on the request.
    pub(crate) fn to_fields(&self) -> Map<String, Value> {
        let (word, _) = self.0.code.on_wire();
        let mut fields = Map::new();
        fields.insert("code".to_owned(), json!(word));
        fields.insert("message".to_owned(), json!(self.0.message));
        if let Some(params) = &self.0.params {
            fields.insert("params".to_owned(), params.clone());
        }
        if let Some(details) = &self.0.details {
            fields.insert("details".to_owned(), json!(details));
        }
        fields
    }

    fn from_classified(error: impl Classify + Send + Sync + 'static) -> Self {
        let code = match error.kind() {
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::Invalid => Code::BadRequest,
            ErrorKind::Conflict => Code::Conflict,
            ErrorKind::Unauthenticated => Code::Unauthorized,
            ErrorKind::Forbidden => Code::Forbidden,
            ErrorKind::TooLarge => Code::PayloadTooLarge,
            ErrorKind::RateLimited => Code::TooManyRequests,
            ErrorKind::Unavailable => Code::Unavailable,
            ErrorKind::Internal => Code::Internal,
        };
        Self::new(code, error.client_message()).with_source(error)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ApiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source: &(dyn std::error::Error + 'static) = self.0.source.as_deref()?;
        Some(source)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.code.on_wire().1
    }

    /// The body is written by `middleware::context`, which knows the request.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self.0.code, Code::Unavailable) {
            response.insert_header(("Retry-After", "5"));
        }
        response.finish()
    }
}

impl From<sluice_access::Error> for ApiError {
    fn from(error: sluice_access::Error) -> Self {
        use sluice_access::Error;
        let code = match &error {
            Error::MissingToken => Code::MissingToken,
            Error::InvalidToken => Code::InvalidToken,
            Error::InvalidCredentials | Error::WrongPassword | Error::Locked { .. } | Error::LockedForGood => {
                Code::Unauthorized
            }
            Error::ForeignProject { project } => {
                return Self::new(Code::ProjectForbidden, error.to_string()).with_params(json!({"projectId": project}));
            }
            Error::NoProject(id) => {
                return Self::new(Code::ProjectNotFound, error.to_string()).with_params(json!({"projectId": id}));
            }
            Error::NoManifest(id) => {
                return Self::new(Code::ManifestNotFound, error.to_string()).with_params(json!({"manifestId": id}));
            }
            Error::NoGroup(_) => Code::GroupNotFound,
            Error::NoSchema(_) => Code::SchemaNotFound,
            Error::NoFile => Code::FileNotFound,
            Error::ForeignFile => Code::FileForbidden,
            Error::NoValidationScript(_) => Code::ValidationScriptNotFound,
            Error::NoExportScript(_) => Code::ExportScriptNotFound,
            Error::Database(_) | Error::Hash(_) | Error::Random(_) | Error::Sign(_) => {
                return Self::from_classified(error);
            }
        };
        Self::new(code, error.to_string())
    }
}

macro_rules! from_classified {
    ($($error:ty),*) => {$(
        impl From<$error> for ApiError {
            fn from(error: $error) -> Self {
                Self::from_classified(error)
            }
        }
    )*};
}

from_classified!(sluice_db::Error, sluice_queue::Error, sluice_storage::Error, sluice_sandbox::Error, PortError);

impl From<sluice_service::secret_box::Error> for ApiError {
    fn from(error: sluice_service::secret_box::Error) -> Self {
        Self::new(Code::Internal, "").with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_codes_have_the_same_word() {
        let words: HashSet<&str> = Code::ALL.iter().map(|code| code.on_wire().0).collect();
        assert_eq!(words.len(), Code::ALL.len());
    }

    #[test]
    fn faults_of_ours_tell_nothing_of_themselves() {
        for code in Code::ALL.into_iter().filter(|code| code.on_wire().1.is_server_error()) {
            let error = ApiError::new(code, "secret").with_source(std::io::Error::other("more secret"));
            let body = Value::Object(error.to_fields()).to_string();
            assert!(!body.contains("secret"), "{body}");
        }
    }
}
