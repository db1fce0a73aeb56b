//! Uploads: in the body of a request, or straight to storage by signed URL.

mod intake;
mod multipart;
pub(crate) mod name;
mod signed;

use actix_web::web::{Data, Json, Payload};
use actix_web::{HttpRequest, HttpResponse};
use sluice_access::{Identity, ownership};
use sluice_core::GroupId;
use tokio::sync::mpsc;

use self::intake::{Intake, Taken};
use self::multipart::Form;
pub(crate) use self::signed::{complete_upload, create_upload};
use crate::error::{ApiError, Code, Result};
use crate::extract::{Path, User};
use crate::routes::manifests::UploadedDto;
use crate::state::AppState;

/// Parts of a body that may wait for storage; each is 32 KiB at most.
const WAITING_PARTS: usize = 8;
const ONE_FILE: Form = Form { field: "file", max_files: 1 };
const MANY_FILES: Form = Form { field: "files", max_files: 20 };

/// `POST /groups/{groupId}/manifests`
pub(crate) async fn upload_manifest(
    state: Data<AppState>,
    User(user): User,
    Path(group): Path<GroupId>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let taken = take_in(&state, &user, group, ONE_FILE, (&request, payload)).await?;
    let Some((manifest, is_duplicate)) = taken.into_iter().next() else {
        return Err(ApiError::new(Code::FileNotFound, "File not found"));
    };
    Ok(HttpResponse::Created().json(UploadedDto::new(manifest, is_duplicate)))
}

/// `POST /groups/{groupId}/manifests/batch`
pub(crate) async fn upload_manifests(
    state: Data<AppState>,
    User(user): User,
    Path(group): Path<GroupId>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let taken = take_in(&state, &user, group, MANY_FILES, (&request, payload)).await?;
    let uploaded: Vec<_> =
        taken.into_iter().map(|(manifest, is_duplicate)| UploadedDto::new(manifest, is_duplicate)).collect();
    Ok(HttpResponse::Created().json(Json(uploaded).into_inner()))
}

async fn take_in(
    state: &AppState,
    user: &Identity,
    group: GroupId,
    form: Form,
    (request, payload): (&HttpRequest, Payload),
) -> Result<Vec<Taken>> {
    // Before any of the body is read.
    ownership::load_group(&mut *state.connection().await?, user, group).await?;
    let (parts, taker) = mpsc::channel(WAITING_PARTS);
    let intake = Intake { store: state.store.clone(), pool: state.pool.clone(), group_id: group.0 };
    let taking = state.tasks.spawn(intake.run(taker));
    let fed = multipart::feed(request.headers(), payload, form, parts).await;
    let taken = taking.await.map_err(|error| ApiError::new(Code::Internal, "").with_source(error))?;
    fed?;
    Ok(taken?)
}
