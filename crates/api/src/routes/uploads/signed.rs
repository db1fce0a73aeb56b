//! Uploads by signed URL: the browser asks, puts the bytes into storage itself and confirms.

use actix_web::web::Data;
use bytes::BytesMut;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sluice_access::ownership;
use sluice_core::ports::ObjectStore;
use sluice_core::{FileFormat, GroupId, UploadId};
use sluice_db::models::manifests;
use sluice_db::models::uploads::{self, NewUpload, Upload};
use sluice_storage::keys;
use utoipa::ToSchema;
use uuid::Uuid;

use super::intake::{ALLOWED, Digester, MAX_FILE_BYTES, Refused, Taken, check_format, insert_or_find, new_manifest};
use super::name;
use crate::error::{ApiError, Code, Result};
use crate::extract::{Body, Fields, Input, Path, User};
use crate::respond::Created;
use crate::routes::manifests::{ManifestDto, UploadedDto};
use crate::state::AppState;
use crate::wire;

/// How long after its URL has ended an upload may still be completed; then it is swept.
const GRACE: TimeDelta = TimeDelta::hours(1);
/// How many abandoned uploads a new one sweeps.
const SWEPT: i64 = 10;

/// The answer to the wish to upload.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum UploadTicketDto {
    #[serde(rename_all = "camelCase")]
    Signed {
        upload_id: Uuid,
        url: String,
        method: &'static str,
        headers: serde_json::Map<String, serde_json::Value>,
        #[serde(serialize_with = "wire::time")]
        expires_at: DateTime<Utc>,
    },
    #[serde(rename_all = "camelCase")]
    Duplicate { is_duplicate: bool, manifest: Box<ManifestDto> },
}

/// What the client says of its file.
struct Announced {
    filename: String,
    size_bytes: u64,
    sha256: String,
    format: FileFormat,
}

/// `POST /groups/{groupId}/uploads`
pub(crate) async fn create_upload(
    state: Data<AppState>,
    User(user): User,
    Path(group): Path<GroupId>,
    Body(form): Body<UploadForm>,
) -> Result<Created<UploadTicketDto>> {
    let mut connection = state.connection().await?;
    ownership::load_group(&mut connection, &user, group).await?;
    let announced = form.check()?;
    if let Some(manifest) = manifests::find_by_content(&mut connection, group.0, &announced.sha256).await? {
        let answer = UploadTicketDto::Duplicate { is_duplicate: true, manifest: Box::new(manifest.into()) };
        return Ok(Created(answer));
    }
    drop(connection);
    let id = UploadId::generate();
    let storage_key = keys::upload_file(id);
    let now = state.clock.now();
    let content_type = announced.format.content_type();
    let signed = state.presigner.put(&storage_key, content_type, announced.size_bytes, now).await?;
    let upload = NewUpload {
        id: id.0,
        group_id: group.0,
        user_id: user.user_id.0,
        storage_key,
        original_filename: name::clean(&announced.filename),
        file_size_bytes: i64::try_from(announced.size_bytes).unwrap_or(i64::MAX),
        content_type: content_type.to_owned(),
        content_sha256: announced.sha256,
        expires_at: signed.expires_at,
    };
    uploads::insert(&mut *state.connection().await?, &upload).await?;
    sweep(&state, now).await?;
    Ok(Created(UploadTicketDto::Signed {
        upload_id: id.0,
        url: signed.url,
        method: "PUT",
        headers: signed.headers.into_iter().map(|(name, value)| (name, value.into())).collect(),
        expires_at: signed.expires_at,
    }))
}

/// What the client says of its file, still to be checked.
#[derive(Debug)]
pub(crate) struct UploadForm {
    filename: String,
    size: f64,
    sha256: String,
    content_type: String,
}

impl Input for UploadForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            filename: fields.string("filename").min_length(1).required(),
            size: fields.number("size").min(1.0).rule("isInt", |size| size.fract() == 0.0).required(),
            sha256: fields.string("sha256").matches("^[0-9A-Fa-f]{64}$", is_sha256).required().to_ascii_lowercase(),
            content_type: fields.string("contentType").required(),
        }
    }
}

impl UploadForm {
    fn check(self) -> Result<Announced> {
        let Some(format) = FileFormat::from_content_type(&self.content_type) else {
            return Err(ApiError::new(Code::InvalidFileType, ALLOWED));
        };
        match format!("{:.0}", self.size).parse() {
            Ok(size_bytes) if size_bytes <= MAX_FILE_BYTES => {
                Ok(Announced { filename: self.filename, size_bytes, sha256: self.sha256, format })
            }
            _ => Err(Refused::TooLarge.into()),
        }
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Removes what was announced long ago and never completed.
async fn sweep(state: &AppState, now: DateTime<Utc>) -> Result<()> {
    let before = now - GRACE;
    let keys =
        state.pool.transaction(move |connection| Box::pin(uploads::take_abandoned(connection, before, SWEPT))).await?;
    if !keys.is_empty() {
        state.remove_files(keys).await;
    }
    Ok(())
}

/// `POST /groups/{groupId}/uploads/{uploadId}/complete`
pub(crate) async fn complete_upload(
    state: Data<AppState>,
    User(user): User,
    Path((group, id)): Path<(GroupId, UploadId)>,
) -> Result<Created<UploadedDto>> {
    let mut connection = state.connection().await?;
    ownership::load_group(&mut connection, &user, group).await?;
    let upload = uploads::find(&mut connection, id.0).await?.filter(|upload| upload.group_id == group.0);
    let Some(upload) = upload else {
        return Err(ApiError::not_found(format!("Upload {id} not found")));
    };
    // It was completed before: the same answer.
    if let Some(manifest) = upload.manifest_id
        && let Some(manifest) = manifests::find(&mut connection, manifest).await?
    {
        let is_duplicate = manifest.storage_key != upload.storage_key;
        return Ok(Created(UploadedDto::new(manifest, is_duplicate)));
    }
    drop(connection);
    let task_state = state.clone();
    // In a task, so that a client that goes away leaves no half of it.
    let (manifest, is_duplicate) = state.complete(async move { complete(&task_state, upload).await }).await?;
    Ok(Created(UploadedDto::new(manifest, is_duplicate)))
}

async fn complete(state: &AppState, upload: Upload) -> Result<Taken> {
    let key = upload.storage_key.clone();
    if state.store.head(&key).await?.is_none() {
        let message = if upload.expires_at < state.clock.now() {
            "The upload has expired; ask for a new one"
        } else {
            "The file has not been uploaded yet"
        };
        return Err(ApiError::new(Code::Conflict, message));
    }
    let format = match check(state, &upload).await {
        Ok(format) => format,
        Err(Wrong::Content(error)) => {
            state.remove_files(vec![key]).await;
            return Err(error);
        }
        Err(Wrong::Other(error)) => return Err(error),
    };
    let size_bytes = u64::try_from(upload.file_size_bytes).unwrap_or(0);
    let hash = (upload.content_sha256, size_bytes);
    let row = new_manifest(upload.group_id, key.clone(), &upload.original_filename, format, hash);
    let id = upload.id;
    let (manifest, _) = state
        .pool
        .transaction(move |connection| {
            Box::pin(async move {
                let taken = insert_or_find(connection, &row).await?;
                uploads::complete(connection, id, taken.0.id).await?;
                Ok(taken)
            })
        })
        .await?;
    // Another may have completed the same upload at the same time: then the manifest's file is this one.
    let is_duplicate = manifest.storage_key != key;
    if is_duplicate {
        state.remove_files(vec![key]).await;
    }
    Ok((manifest, is_duplicate))
}

/// Why an upload is not completed: its content, which is removed, or something else, after which it may be tried again.
enum Wrong {
    Content(ApiError),
    Other(ApiError),
}

/// Reads what was uploaded and holds it against what was announced.
async fn check(state: &AppState, upload: &Upload) -> std::result::Result<FileFormat, Wrong> {
    let other = |error: sluice_storage::Error| Wrong::Other(error.into());
    let content = |refused: Refused| Wrong::Content(refused.into());
    let mut object = state.store.stream(&upload.storage_key, None).await.map_err(other)?.stream;
    let mut digest = Digester::default();
    let mut head = BytesMut::new();
    while let Some(bytes) = object.next().await {
        let bytes = bytes.map_err(other)?;
        if head.len() < FileFormat::SNIFF_BYTES {
            head.extend_from_slice(&bytes);
        }
        digest.add(&bytes).map_err(content)?;
    }
    let (sha256, size_bytes) = digest.finish();
    if i64::try_from(size_bytes).ok() != Some(upload.file_size_bytes) {
        let message = format!("The file has {size_bytes} bytes and was announced with {}", upload.file_size_bytes);
        return Err(Wrong::Content(ApiError::bad_request(message)));
    }
    if sha256 != upload.content_sha256 {
        let message = format!("The file's SHA-256 is {sha256} and was announced as {}", upload.content_sha256);
        return Err(Wrong::Content(ApiError::bad_request(message)));
    }
    check_format(&head, FileFormat::from_content_type(&upload.content_type)).map_err(content)
}
