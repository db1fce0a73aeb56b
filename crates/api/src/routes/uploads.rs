//! Uploads: in the body of a request, or straight to storage by signed URL.

pub(crate) mod intake;
pub(crate) mod multipart;
pub(crate) mod name;
mod signed;

use actix_web::web::Data;
use sluice_access::{Identity, ownership};
use sluice_core::GroupId;
use tokio::sync::mpsc;

use self::intake::{Intake, Taken};
use self::multipart::{Files, Form};
pub(crate) use self::signed::{complete_upload, create_upload};
use crate::error::{ApiError, Code, Result};
use crate::extract::{Path, User};
use crate::respond::Created;
use crate::routes::manifests::UploadedDto;
use crate::state::AppState;

/// Parts of a body that may wait for storage; each is 32 KiB at most.
const WAITING_PARTS: usize = 8;

/// A form with one file.
#[derive(Debug)]
pub(crate) struct OneFile;

impl Form for OneFile {
    const FIELD: &'static str = "file";
    const MAX_FILES: usize = 1;
}

/// A form with several files.
#[derive(Debug)]
pub(crate) struct ManyFiles;

impl Form for ManyFiles {
    const FIELD: &'static str = "files";
    const MAX_FILES: usize = 20;
}

/// `POST /groups/{groupId}/manifests`
pub(crate) async fn upload_manifest(
    state: Data<AppState>,
    User(user): User,
    Path(group): Path<GroupId>,
    files: Files<OneFile>,
) -> Result<Created<UploadedDto>> {
    let taken = take_in(&state, &user, group, files).await?;
    let Some((manifest, is_duplicate)) = taken.into_iter().next() else {
        return Err(ApiError::new(Code::FileNotFound, "File not found"));
    };
    Ok(Created(UploadedDto::new(manifest, is_duplicate)))
}

/// `POST /groups/{groupId}/manifests/upload`, the same under another name.
pub(crate) async fn upload_manifest_by_alias(
    state: Data<AppState>,
    user: User,
    group: Path<GroupId>,
    files: Files<OneFile>,
) -> Result<Created<UploadedDto>> {
    upload_manifest(state, user, group, files).await
}

/// `POST /groups/{groupId}/manifests/batch`
pub(crate) async fn upload_manifests(
    state: Data<AppState>,
    User(user): User,
    Path(group): Path<GroupId>,
    files: Files<ManyFiles>,
) -> Result<Created<Vec<UploadedDto>>> {
    let taken = take_in(&state, &user, group, files).await?;
    let uploaded = taken.into_iter().map(|(manifest, is_duplicate)| UploadedDto::new(manifest, is_duplicate));
    Ok(Created(uploaded.collect()))
}

async fn take_in<F: Form>(state: &AppState, user: &Identity, group: GroupId, files: Files<F>) -> Result<Vec<Taken>> {
    // Before any of the body is read.
    ownership::load_group(&mut *state.connection().await?, user, group).await?;
    let (parts, taker) = mpsc::channel(WAITING_PARTS);
    let intake = Intake { store: state.store.clone(), pool: state.pool.clone(), group_id: group.0 };
    let taking = state.tasks.spawn(intake.run(taker));
    let fed = files.feed(parts).await;
    let taken = taking.await.map_err(|error| ApiError::new(Code::Internal, "").with_source(error))?;
    fed?;
    Ok(taken?)
}
