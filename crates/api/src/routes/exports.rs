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
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde_json::{Map, Value, json};
use sluice_access::{Access, Actor, Identity};
use sluice_db::models::manifests::export::Selection;
use sluice_db::models::projects;
use tokio_util::io::ReaderStream;

use self::problem::Problem;
use self::query::{ExportFilters, ExportSelected};
use self::scope::Scope;
use crate::audit::{self, Action};
use crate::error::Result;
use crate::extract::{Body, Caller, Query, User};
use crate::figures::scope_of;
use crate::respond::{Raw, RawKind};
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

/// A file of lines, sent with this status.
#[derive(Debug)]
pub(crate) struct Csv<const STATUS: u16>;

impl<const STATUS: u16> RawKind for Csv<STATUS> {
    const STATUSES: &'static [u16] = &[STATUS];
    const CONTENT_TYPES: &'static [&'static str] = &["text/csv; charset=utf-8"];
}

/// A workbook, sent with this status.
#[derive(Debug)]
pub(crate) struct Xlsx<const STATUS: u16>;

impl<const STATUS: u16> RawKind for Xlsx<STATUS> {
    const STATUSES: &'static [u16] = &[STATUS];
    const CONTENT_TYPES: &'static [&'static str] =
        &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"];
}

/// `GET /manifests/export/csv`
pub(crate) async fn export_csv(
    state: Data<AppState>,
    User(user): User,
    Caller(caller): Caller,
    Query(ExportFilters(selection)): Query<ExportFilters>,
    request: HttpRequest,
) -> Result<Raw<Csv<200>>> {
    send_csv(&state, (&user, &caller), &Scope { selection, filters: asked(&request) }).await
}

/// `POST /manifests/export/csv`
pub(crate) async fn export_selected_csv(
    state: Data<AppState>,
    User(user): User,
    Caller(caller): Caller,
    Body(ExportSelected(selection)): Body<ExportSelected>,
) -> Result<Raw<Csv<201>>> {
    send_csv(&state, (&user, &caller), &Scope { selection, filters: Map::new() }).await
}

/// `POST /manifests/export-bulk`
pub(crate) async fn export_bulk(
    state: Data<AppState>,
    User(user): User,
    Caller(caller): Caller,
    Body(ExportSelected(selection)): Body<ExportSelected>,
) -> Result<Raw<Csv<201>>> {
    send_csv(&state, (&user, &caller), &Scope { selection, filters: Map::new() }).await
}

/// `GET /manifests/export/xlsx`
pub(crate) async fn export_xlsx(
    state: Data<AppState>,
    User(user): User,
    Caller(caller): Caller,
    Query(ExportFilters(selection)): Query<ExportFilters>,
    request: HttpRequest,
) -> Result<Raw<Xlsx<200>>> {
    send_xlsx(&state, (&user, &caller), Scope { selection, filters: asked(&request) }).await
}

/// `POST /manifests/export/xlsx`
pub(crate) async fn export_selected_xlsx(
    state: Data<AppState>,
    User(user): User,
    Caller(caller): Caller,
    Body(ExportSelected(selection)): Body<ExportSelected>,
) -> Result<Raw<Xlsx<201>>> {
    send_xlsx(&state, (&user, &caller), Scope { selection, filters: Map::new() }).await
}

async fn send_csv<const STATUS: u16>(
    state: &AppState,
    (user, caller): (&Identity, &Actor),
    scope: &Scope,
) -> Result<Raw<Csv<STATUS>>> {
    let spooled = make::spool(state, scope_of(user), scope, Format::Csv).await?;
    note(state, (user, caller), scope, Format::Csv).await?;
    let mut response = attachment::<Csv<STATUS>>(&name::of_csv(scope, state.clock.now()));
    Ok(response.streaming(Box::pin(csv::stream(spooled))).into())
}

async fn send_xlsx<const STATUS: u16>(
    state: &AppState,
    (user, caller): (&Identity, &Actor),
    scope: Scope,
) -> Result<Raw<Xlsx<STATUS>>> {
    let spooled = make::spool(state, scope_of(user), &scope, Format::Xlsx).await?;
    note(state, (user, caller), &scope, Format::Xlsx).await?;
    let now = state.clock.now();
    let mut response = attachment::<Xlsx<STATUS>>(&name::of_xlsx(&scope, now));
    let written = tokio::task::spawn_blocking(move || xlsx::write(spooled, &scope, now)).await;
    let (file, size_bytes) = written.map_err(Problem::from)??;
    response.no_chunking(size_bytes);
    let bytes = ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK_BYTES);
    Ok(response.streaming(bytes).into())
}

/// Writes down who takes what along, before any of it is sent.
async fn note(state: &AppState, (user, caller): (&Identity, &Actor), scope: &Scope, format: Format) -> Result<()> {
    let listed = match &scope.selection {
        Selection::Listed(ids) => Some(ids.len()),
        Selection::Matching(_) => None,
    };
    // Names only: values may be those of documents.
    let filters: Vec<&String> = scope.filters.keys().collect();
    let details = json!({"scope": scope.word(), "filters": filters, "listed": listed});
    let asked = scope.matching().and_then(|matching| matching.project_id);
    let entry = caller.did(Action::Export).to("export", format.word()).with(details);
    let entry = match asked.or(user.only_project()) {
        Some(project) if is_own(state, user, project).await? => entry.in_project(project),
        _ => entry,
    };
    audit::record(&mut *state.connection().await?, &entry).await?;
    Ok(())
}

/// Whether a project is the caller's; exports of others are empty, and must not stand in others' logs.
async fn is_own(state: &AppState, user: &Identity, project: i32) -> Result<bool> {
    let found = projects::find(&mut *state.connection().await?, project).await?;
    Ok(found.is_some_and(|project| Access::Owner.permits(user, (project.id, project.user_id))))
}

/// The head of an answer that is saved under a name, which is plain ASCII as all of ours.
fn attachment<K: RawKind>(name: &str) -> HttpResponseBuilder {
    let status = K::STATUSES.first().and_then(|status| StatusCode::from_u16(*status).ok()).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    if let Some(content_type) = K::CONTENT_TYPES.first() {
        response.insert_header((CONTENT_TYPE, *content_type));
    }
    response.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
    response
}

/// The filters as the caller put them.
fn asked(request: &HttpRequest) -> Map<String, Value> {
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}
