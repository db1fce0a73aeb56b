//! The file of a manifest: through the API, or by signed URL.

use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE,
};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use serde::Serialize;
use sluice_access::ownership;
use sluice_core::ManifestId;
use sluice_core::ports::ObjectStore;
use sluice_db::models::manifests::Manifest;
use sluice_service::ErrorChain;
use utoipa::ToSchema;

use super::load;
use crate::error::{ApiError, Code, Result};
use crate::extract::{Path, User};
use crate::respond::{Raw, RawKind};
use crate::routes::docs::Redirect;
use crate::routes::uploads::name::disposition;
use crate::state::AppState;
use crate::wire;

/// Where the file can be had without a token, for a while.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileUrl {
    url: String,
    #[serde(serialize_with = "wire::time")]
    expires_at: DateTime<Utc>,
}

/// The bytes of a file, all or some of them.
#[derive(Debug)]
pub(crate) struct StoredFile;

impl RawKind for StoredFile {
    const STATUSES: &'static [u16] = &[200, 206, 416];
    const CONTENT_TYPES: &'static [&'static str] = &[
        "application/pdf",
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/bmp",
        "image/tiff",
        "application/xml",
    ];
}

/// `GET /manifests/{id}/pdf-file`
pub(crate) async fn show_file(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
    request: HttpRequest,
) -> Result<Raw<StoredFile>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let manifest = load(&mut connection, id).await?;
    drop(connection);
    send_file(&state, manifest, &request).await
}

/// `GET /uploads/{path}`
pub(crate) async fn show_stored_file(
    state: Data<AppState>,
    User(user): User,
    Path(key): Path<String>,
    request: HttpRequest,
) -> Result<Raw<StoredFile>> {
    // A path that is no manifest's key names nothing, whatever dots it has.
    let manifest = ownership::load_by_file(&mut *state.connection().await?, &user, &key).await?;
    send_file(&state, manifest, &request).await
}

/// `GET /manifests/{id}/pdf`
pub(crate) async fn redirect_to_file(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<Raw<Redirect>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let manifest = load(&mut connection, id).await?;
    let place = format!("/api/uploads/{}", manifest.storage_key);
    Ok(HttpResponse::Found().insert_header((LOCATION, place)).finish().into())
}

async fn send_file(state: &AppState, manifest: Manifest, request: &HttpRequest) -> Result<Raw<StoredFile>> {
    let id = manifest.id;
    let range = request.headers().get(RANGE).and_then(|value| value.to_str().ok());
    let range = match parse_range(range, u64::try_from(manifest.file_size_bytes).unwrap_or(0)) {
        Wanted::Whole => None,
        Wanted::Part(first, last) => Some(format!("bytes={first}-{last}")),
        Wanted::Nothing => {
            let mut response = HttpResponse::RangeNotSatisfiable();
            return Ok(response
                .insert_header((CONTENT_RANGE, format!("bytes */{}", manifest.file_size_bytes)))
                .finish()
                .into());
        }
    };
    let object = match state.store.stream(&manifest.storage_key, range.as_deref()).await {
        Err(sluice_storage::Error::NotFound) => return Err(file_not_found()),
        object => object?,
    };
    let mut response = match &object.content_range {
        Some(content_range) => {
            let mut response = HttpResponse::PartialContent();
            response.insert_header((CONTENT_RANGE, content_range.as_str()));
            response
        }
        None => HttpResponse::Ok(),
    };
    response
        .insert_header((CONTENT_DISPOSITION, disposition(&manifest.original_filename, &manifest.content_type)))
        .insert_header((CONTENT_TYPE, manifest.content_type))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .no_chunking(object.size_bytes);
    let bytes = object.stream.into_stream().map(move |chunk| {
        if let Err(error) = &chunk {
            tracing::warn!(manifest.id = id, error = %ErrorChain(error), "a file broke off while it was sent");
        }
        chunk.map_err(ApiError::from)
    });
    Ok(response.streaming(Box::pin(bytes)).into())
}

/// `GET /manifests/{id}/file-url`
pub(crate) async fn show_file_url(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<Json<FileUrl>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let manifest = load(&mut connection, id).await?;
    drop(connection);
    if state.store.head(&manifest.storage_key).await?.is_none() {
        return Err(file_not_found());
    }
    let disposition = disposition(&manifest.original_filename, &manifest.content_type);
    let now = state.clock.now();
    let signed = state.presigner.get(&manifest.storage_key, &manifest.content_type, &disposition, now).await?;
    Ok(Json(FileUrl { url: signed.url, expires_at: signed.expires_at }))
}

fn file_not_found() -> ApiError {
    ApiError::new(Code::FileNotFound, "File not found")
}

/// Which bytes are wanted.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// First and last, both included.
    Part(u64, u64),
    Nothing,
}

/// Reads a `Range` header (RFC 9110, 14.2): one range of bytes; what can't be read means the whole.
fn parse_range(header: Option<&str>, size: u64) -> Wanted {
    let Some((first, last)) = header.and_then(|text| text.trim().strip_prefix("bytes=")?.split_once('-')) else {
        return Wanted::Whole;
    };
    let end = size.saturating_sub(1);
    let (first, last) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(end)),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, end),
        (Err(_), Ok(0)) if first.trim().is_empty() => return Wanted::Nothing,
        (Err(_), Ok(count)) if first.trim().is_empty() => (size.saturating_sub(count), end),
        _ => return Wanted::Whole,
    };
    if first < size { Wanted::Part(first, last) } else { Wanted::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_understood() {
        let cases = [
            (None, Wanted::Whole),
            (Some("bytes=0-3"), Wanted::Part(0, 3)),
            (Some("bytes=4-"), Wanted::Part(4, 9)),
            (Some("bytes=4-99"), Wanted::Part(4, 9)),
            (Some("bytes=-3"), Wanted::Part(7, 9)),
            (Some("bytes=-99"), Wanted::Part(0, 9)),
            (Some("bytes=10-"), Wanted::Nothing),
            (Some("bytes=-0"), Wanted::Nothing),
            (Some("bytes=3-1"), Wanted::Whole),
            (Some("bytes=0-1,3-4"), Wanted::Whole),
            (Some("lines=0-1"), Wanted::Whole),
        ];
        for (header, expected) in cases {
            assert_eq!(parse_range(header, 10), expected, "{header:?}");
        }
    }
}
