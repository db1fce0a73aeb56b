//! Files in the body of a request, as browsers send forms.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::rc::Rc;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::error::PayloadError;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Bytes, Payload};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use sluice_core::FileFormat;
use tokio::sync::mpsc::Sender;

use super::intake::Part;
use crate::error::{ApiError, Code};

/// What fields that are no files may bring in all; they are read and not used, as in the original.
const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// What may arrive without becoming a file's bytes: headers of parts, and what stands between them. Without this bound
/// a part whose headers do not end would fill the memory.
const MAX_UNCLAIMED_BYTES: usize = 1024 * 1024;

/// Which files a route takes.
pub(crate) trait Form: 'static {
    /// The name of the field.
    const FIELD: &'static str;
    /// How many.
    const MAX_FILES: usize;
}

/// A body that is a form, still to be read.
pub(crate) struct Files<F> {
    headers: HeaderMap,
    payload: Payload,
    form: PhantomData<F>,
}

impl<F: Form> FromRequest for Files<F> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let headers = request.headers().clone();
        let payload = Payload::from_request(request, payload).into_inner();
        ready(match payload {
            Ok(payload) => Ok(Self { headers, payload, form: PhantomData }),
            Err(error) => Err(ApiError::bad_request("The request has no body").with_source(error.to_string())),
        })
    }
}

impl<F: Form> Files<F> {
    /// Reads the form and hands its files on. Ends early, without an error, when the other side takes no more.
    pub(crate) async fn feed(self, parts: Sender<Part>) -> Result<(), ApiError> {
        let files = FilesWanted { field: F::FIELD, max_files: F::MAX_FILES };
        feed(&self.headers, self.payload, files, parts).await
    }
}

#[derive(Debug, Clone, Copy)]
struct FilesWanted {
    field: &'static str,
    max_files: usize,
}

async fn feed(headers: &HeaderMap, payload: Payload, form: FilesWanted, parts: Sender<Part>) -> Result<(), ApiError> {
    let unclaimed = Rc::new(Cell::new(0_usize));
    let bounded = bounded(payload, Rc::clone(&unclaimed));
    let mut multipart = Multipart::new(headers, bounded);
    let mut feeder = Feeder { parts, unclaimed, form, fields: 0, files: 0, text_bytes: 0 };
    while let Some(field) = multipart.next().await {
        match field {
            Ok(field) => {
                if !feeder.field(field).await? {
                    return Ok(());
                }
            }
            // A form without a field; its end is not told from a body that broke off.
            Err(MultipartError::Incomplete) if feeder.fields == 0 => break,
            // No form at all, so no file.
            Err(
                MultipartError::ContentTypeMissing
                | MultipartError::ContentTypeParse
                | MultipartError::ContentTypeIncompatible,
            ) => break,
            Err(error) => return Err(broken(&error)),
        }
    }
    if feeder.files == 0 {
        return Err(ApiError::new(Code::FileNotFound, "File not found"));
    }
    feeder.send(Part::End).await;
    Ok(())
}

struct Feeder {
    parts: Sender<Part>,
    unclaimed: Rc<Cell<usize>>,
    form: FilesWanted,
    fields: usize,
    files: usize,
    text_bytes: usize,
}

impl Feeder {
    /// Hands a field on; answers whether more is wanted.
    async fn field(&mut self, mut field: Field) -> Result<bool, ApiError> {
        self.fields += 1;
        let name = field.name().unwrap_or_default().to_owned();
        let Some(file_name) = file_name(&field) else {
            return self.skip(field).await.map(|()| true);
        };
        if name != self.form.field || self.files == self.form.max_files {
            return Err(ApiError::bad_request(format!("Unexpected field - {name}")));
        }
        self.files += 1;
        let claimed = field.content_type().and_then(|mime| FileFormat::from_content_type(mime.essence_str()));
        if !self.send(Part::File { name: file_name, claimed }).await {
            return Ok(false);
        }
        while let Some(bytes) = field.next().await {
            let bytes = bytes.map_err(|error| broken(&error))?;
            self.unclaimed.set(0);
            if !bytes.is_empty() && !self.send(Part::Bytes(bytes)).await {
                return Ok(false);
            }
        }
        Ok(self.send(Part::FileEnd).await)
    }

    async fn skip(&mut self, mut field: Field) -> Result<(), ApiError> {
        while let Some(bytes) = field.next().await {
            self.unclaimed.set(0);
            self.text_bytes += bytes.map_err(|error| broken(&error))?.len();
            if self.text_bytes > MAX_TEXT_BYTES {
                return Err(ApiError::new(Code::PayloadTooLarge, "Field value too long"));
            }
        }
        Ok(())
    }

    async fn send(&self, part: Part) -> bool {
        self.parts.send(part).await.is_ok()
    }
}

/// The body, which ends with an error when too much of it can't be made sense of.
fn bounded(
    payload: Payload,
    unclaimed: Rc<Cell<usize>>,
) -> impl futures_util::Stream<Item = Result<Bytes, PayloadError>> + 'static {
    payload.map(move |chunk| {
        let chunk = chunk?;
        unclaimed.set(unclaimed.get().saturating_add(chunk.len()));
        if unclaimed.get() > MAX_UNCLAIMED_BYTES { Err(PayloadError::Overflow) } else { Ok(chunk) }
    })
}

/// The name of a file: the extended form when it is sent, else what stands there as UTF-8, with the three characters
/// that browsers escape.
fn file_name(field: &Field) -> Option<String> {
    let disposition = field.content_disposition()?;
    if let Some(extended) = disposition.get_filename_ext() {
        return Some(match extended.charset.to_string().to_ascii_lowercase().as_str() {
            "iso-8859-1" => extended.value.iter().copied().map(char::from).collect(),
            _ => String::from_utf8_lossy(&extended.value).into_owned(),
        });
    }
    let name = disposition.get_filename()?;
    Some(unescape(name))
}

/// Undoes what browsers do to quotes and line ends in names (HTML, "multipart form data").
fn unescape(name: &str) -> String {
    let mut plain = name.to_owned();
    for escaped in ["%22", "%0D", "%0A"] {
        plain = plain.replace(escaped, &percent_decode_str(escaped).decode_utf8_lossy());
    }
    plain
}

fn broken(error: &MultipartError) -> ApiError {
    ApiError::bad_request(format!("The form can't be read: {error}"))
}
