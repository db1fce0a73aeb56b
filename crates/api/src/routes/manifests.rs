//! Manifests: lists, edits, files, text, extraction.

mod bulk;
mod citations;
mod diff;
mod dto;
mod edit;
mod extract;
mod file;
mod history;
mod image;
mod list_query;
mod logs;
mod ocr;
mod pages;

use actix_web::web::{Data, Json};
use serde::Serialize;
use sluice_access::ownership;
use sluice_core::{GroupId, ManifestId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::budgets;
use sluice_db::models::jobs::request;
use sluice_db::models::manifests::{self, Manifest, edit as edits, list};
use sluice_db::models::{page_images, schemas};
use utoipa::ToSchema;

pub(crate) use self::bulk::{delete_manifests, list_manifest_ids};
pub(crate) use self::citations::{CitationDto, list_citations};
pub(crate) use self::dto::{ManifestDto, UploadedDto};
pub(crate) use self::edit::update_manifest;
pub(crate) use self::extract::{
    extract_manifest, extract_manifests, extract_matching_manifests, re_extract_field, re_extract_manifest,
};
pub(crate) use self::file::{redirect_to_file, show_file, show_file_url, show_stored_file};
pub(crate) use self::history::{list_extraction_history, list_ocr_history, show_extraction};
pub(crate) use self::image::show_page_image;
pub(crate) use self::list_query::{ListManifests, read_text_filter};
pub(crate) use self::logs::{list_items, list_operation_logs};
pub(crate) use self::ocr::{queue_ocr, refresh_ocr, show_ocr};
pub(crate) use self::pages::{list_pages, show_words};
use crate::error::Result;
use crate::extract::{Path, Query, User};
use crate::state::AppState;

/// A page of manifests.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ManifestPage {
    data: Vec<ManifestDto>,
    meta: PageMeta,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    total: i64,
    page: i64,
    page_size: i64,
    total_pages: i64,
}

/// `GET /groups/{groupId}/manifests`
pub(crate) async fn list_manifests(
    state: Data<AppState>,
    User(user): User,
    Path(group): Path<GroupId>,
    Query(query): Query<ListManifests>,
) -> Result<Json<ManifestPage>> {
    let mut connection = state.connection().await?;
    ownership::load_group(&mut connection, &user, group).await?;
    let schema = load_schema(&mut connection, group, &query).await?;
    let (filter, sort) = (query.filter(&schema), query.sort(&schema));
    let (rows, total) = list::list(&mut connection, group.0, &filter, &sort, query.window()).await?;
    let data = with_errors(&mut connection, rows).await?;
    let (page, page_size) = (query.page, query.page_size);
    let total_pages = (total + page_size - 1) / page_size;
    Ok(Json(ManifestPage { data, meta: PageMeta { total, page, page_size, total_pages } }))
}

/// `GET /manifests/{id}`
pub(crate) async fn show_manifest(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<Json<ManifestDto>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let row = load(&mut connection, id).await?;
    let shown = with_errors(&mut connection, vec![row]).await?.pop();
    shown.map(Json).ok_or_else(|| sluice_access::Error::NoManifest(id).into())
}

/// `DELETE /manifests/{id}`
pub(crate) async fn delete_manifest(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<Json<ManifestDto>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let open = request::list_open(&mut connection, id.0).await?;
    let mut files = page_images::list_keys(&mut connection, &[id.0]).await?;
    let row = match edits::delete(&mut connection, id.0).await {
        Err(sluice_db::Error::NotFound) => return Err(sluice_access::Error::NoManifest(id).into()),
        deleted => deleted?,
    };
    drop(connection);
    files.push(row.storage_key.clone());
    state.remove_files(files).await;
    state.cancel_queue_jobs(open.into_iter().map(|job| job.id).collect()).await;
    Ok(Json(row.into()))
}

/// The schema that gives values their types; null when it does not matter or there is none.
async fn load_schema(
    connection: &mut AsyncPgConnection,
    group: GroupId,
    query: &ListManifests,
) -> Result<serde_json::Value> {
    if !query.needs_schema() {
        return Ok(serde_json::Value::Null);
    }
    Ok(schemas::find_default_of_group(connection, group.0).await?.unwrap_or_default())
}

async fn load(connection: &mut AsyncPgConnection, id: ManifestId) -> Result<Manifest> {
    let row = manifests::find(connection, id.0).await?;
    row.ok_or_else(|| sluice_access::Error::NoManifest(id).into())
}

/// Adds to manifests what their last job failed of, or waits for, with one query for all of each.
async fn with_errors(connection: &mut AsyncPgConnection, rows: Vec<Manifest>) -> Result<Vec<ManifestDto>> {
    let failed: Vec<i32> = rows.iter().filter(|row| row.status == "failed").map(|row| row.id).collect();
    let errors = list::last_errors(connection, &failed).await?;
    let waiting: Vec<i32> = rows.iter().map(|row| row.id).collect();
    let errors: Vec<(i32, String)> =
        budgets::list_reasons(connection, &waiting).await?.into_iter().chain(errors).collect();
    let shown = rows.into_iter().map(|row| {
        let error = errors.iter().find(|(id, _)| *id == row.id).map(|(_, error)| error.clone());
        ManifestDto::from(row).with_last_error(error)
    });
    Ok(shown.collect())
}
