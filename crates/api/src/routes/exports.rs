//! Manifests as CSV and XLSX.
//!
//! An export is made in two passes. The first reads the manifests a few at a time, runs the export scripts of their
//! projects, and spools the rows to a file without a name; so all that can fail has failed before the first byte is
//! sent, and the columns are known. The second turns the file into what is sent, piece by piece. What is held in memory
//! does not grow with the export, and what is held on disk has a bound.

mod cells;
mod chain;
mod columns;
mod csv;
mod formula;
mod make;
mod name;
mod problem;
mod query;
mod scope;
mod spool;
mod xlsx;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};
use sluice_core::UserId;
use tokio_util::io::ReaderStream;

use self::problem::Problem;
use self::query::{ExportBulk, ExportFilters, ExportSelected};
use self::scope::Scope;
use crate::error::Result;
use crate::extract::{Body, Query, User};
use crate::state::AppState;

/// More manifests are not exported at once.
const MAX_MANIFESTS: usize = 5_000;
/// How many bytes of a workbook are sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Xlsx,
}

impl Format {
    /// The word that scripts read.
    const fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// `GET /manifests/export/csv`
pub(crate) async fn export_csv(
    state: Data<AppState>,
    User(user): User,
    Query(mut fields): Query,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let ExportFilters(selection) = ExportFilters::read(&mut fields);
    fields.finish()?;
    send_csv(&state, user.user_id, &Scope { selection, filters: asked(&request) }, StatusCode::OK).await
}

/// `POST /manifests/export/csv`
pub(crate) async fn export_selected_csv(
    state: Data<AppState>,
    User(user): User,
    Body(mut fields): Body,
) -> Result<HttpResponse> {
    let ExportSelected(selection) = ExportSelected::read(&mut fields);
    fields.finish()?;
    send_csv(&state, user.user_id, &Scope { selection, filters: Map::new() }, StatusCode::CREATED).await
}

/// `POST /manifests/export-bulk`
pub(crate) async fn export_bulk(
    state: Data<AppState>,
    User(user): User,
    Body(mut fields): Body,
) -> Result<HttpResponse> {
    let ExportBulk(selection) = ExportBulk::read(&mut fields);
    fields.finish()?;
    send_csv(&state, user.user_id, &Scope { selection, filters: Map::new() }, StatusCode::CREATED).await
}

/// `GET /manifests/export/xlsx`
pub(crate) async fn export_xlsx(
    state: Data<AppState>,
    User(user): User,
    Query(mut fields): Query,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let ExportFilters(selection) = ExportFilters::read(&mut fields);
    fields.finish()?;
    send_xlsx(&state, user.user_id, Scope { selection, filters: asked(&request) }, StatusCode::OK).await
}

/// `POST /manifests/export/xlsx`
pub(crate) async fn export_selected_xlsx(
    state: Data<AppState>,
    User(user): User,
    Body(mut fields): Body,
) -> Result<HttpResponse> {
    let ExportSelected(selection) = ExportSelected::read(&mut fields);
    fields.finish()?;
    send_xlsx(&state, user.user_id, Scope { selection, filters: Map::new() }, StatusCode::CREATED).await
}

async fn send_csv(state: &AppState, user: UserId, scope: &Scope, status: StatusCode) -> Result<HttpResponse> {
    let spooled = make::spool(state, user.0, scope, Format::Csv).await?;
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, attachment(&name::of_csv(scope, state.clock.now()))));
    Ok(response.streaming(Box::pin(csv::stream(spooled))))
}

async fn send_xlsx(state: &AppState, user: UserId, scope: Scope, status: StatusCode) -> Result<HttpResponse> {
    let spooled = make::spool(state, user.0, &scope, Format::Xlsx).await?;
    let now = state.clock.now();
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CONTENT_TYPE, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))
        .insert_header((CONTENT_DISPOSITION, attachment(&name::of_xlsx(&scope, now))));
    let written = tokio::task::spawn_blocking(move || xlsx::write(spooled, &scope, now)).await;
    let (file, size_bytes) = written.map_err(Problem::from)??;
    response.no_chunking(size_bytes);
    let bytes = ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK_BYTES);
    Ok(response.streaming(bytes))
}

/// The filters as the caller put them.
fn asked(request: &HttpRequest) -> Map<String, Value> {
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}

/// Our names are plain ASCII.
fn attachment(name: &str) -> String {
    format!("attachment; filename=\"{name}\"")
}
