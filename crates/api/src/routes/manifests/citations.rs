//! Where on the pages the values of a manifest are printed.

use std::collections::BTreeMap;

use actix_web::web::Data;
use serde::Serialize;
use serde_json::Value;
use sluice_access::ownership;
use sluice_core::{ManifestId, Page};
use sluice_db::AsyncPgConnection;
use sluice_db::models::citations::{self, Citation, Place};
use sluice_db::models::{manifests, page_cache, schemas};
use sluice_extraction::grounding::{self, ground};
use utoipa::ToSchema;

use super::pages::BoxDto;
use crate::error::{ApiError, Code, Result};
use crate::extract::{Path, User};
use crate::respond::List;
use crate::state::AppState;

/// The place of one value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CitationDto {
    /// Dot path of the value, positions in lists as numbers.
    path: String,
    /// The number of its page, from 1.
    page: Option<i32>,
    /// In the page's units; null where the value, or its place on the page, is not known.
    #[serde(rename = "box")]
    bounds: Option<BoxDto>,
    /// Absent where the page is not known any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    page_size: Option<PageSizeDto>,
    /// `exact`, `normalized`, `fuzzy`, `derived` or `not_found`.
    match_kind: String,
    /// What is printed there.
    text: Option<String>,
    /// How sure the reader was of its least certain word, 0 to 1.
    confidence: Option<f32>,
    /// How far the value can be trusted, 0 to 1; null after a person's edit.
    field_confidence: Option<f64>,
    /// What speaks against it.
    reasons: Vec<String>,
}

/// The extent of a page.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct PageSizeDto {
    width: f64,
    height: f64,
}

impl From<Citation> for CitationDto {
    fn from(row: Citation) -> Self {
        let bounds = match (row.x, row.y, row.width, row.height) {
            (Some(x), Some(y), Some(width), Some(height)) => Some(BoxDto { x, y, width, height }),
            _ => None,
        };
        Self {
            path: row.path,
            page: row.page_number,
            bounds,
            page_size: None,
            match_kind: row.match_kind,
            text: row.matched_text,
            confidence: row.confidence,
            field_confidence: row.field_confidence,
            reasons: row.reasons,
        }
    }
}

/// `GET /manifests/{id}/citations`
pub(crate) async fn list_citations(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<List<CitationDto>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let rows = citations::list(&mut connection, id.0).await?;
    let sizes = match manifests::load_pages_key(&mut connection, id.0).await? {
        Some(key) if !rows.is_empty() => sizes(&page_cache::list_extents(&mut connection, &key).await?),
        _ => BTreeMap::new(),
    };
    let shown = rows.into_iter().map(|row| {
        let page_size = row.page_number.and_then(|page| sizes.get(&i64::from(page)).copied());
        CitationDto { page_size, ..row.into() }
    });
    Ok(List(shown.collect()))
}

fn sizes(extents: &[Value]) -> BTreeMap<i64, PageSizeDto> {
    let number = |extent: &Value, name: &str| extent.get(name).and_then(Value::as_f64);
    extents
        .iter()
        .filter_map(|extent| {
            let page = extent.get("number").and_then(Value::as_i64)?;
            Some((page, PageSizeDto { width: number(extent, "width")?, height: number(extent, "height")? }))
        })
        .collect()
}

/// What a person's edit does to citations.
#[derive(Debug)]
pub(super) struct Regrounding {
    data: Value,
    found: Vec<grounding::Citation>,
}

impl Regrounding {
    /// Finds the values of edited data on the pages, as far as these are known.
    pub(super) async fn find(state: &AppState, id: ManifestId, data: Value) -> Result<Self> {
        let mut connection = state.connection().await?;
        let Some(key) = manifests::load_pages_key(&mut connection, id.0).await? else {
            return Ok(Self { data, found: Vec::new() });
        };
        let pages = page_cache::load(&mut connection, &key, state.clock.now()).await?;
        let manifest = super::load(&mut connection, id).await?;
        let schema = schemas::find_default_of_group(&mut connection, manifest.group_id).await?.unwrap_or_default();
        drop(connection);
        let work = move || {
            let pages: Vec<Page> =
                pages.into_iter().filter_map(|(_, page)| serde_json::from_value(page).ok()).collect();
            let found = if pages.is_empty() { Vec::new() } else { ground(&data, &pages, &schema) };
            Self { data, found }
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| ApiError::new(Code::Internal, "").with_source(error))
    }

    /// Puts citations in place of those whose value the edit has changed, in the transaction of the edit.
    pub(super) async fn apply(
        self,
        connection: &mut AsyncPgConnection,
        id: ManifestId,
        before: &Value,
    ) -> sluice_db::Result<()> {
        let known = citations::list(connection, id.0).await?;
        // Without a job that found values there is nothing to keep up.
        let Some(job_id) = known.iter().map(|citation| citation.job_id).max() else { return Ok(()) };
        let is_changed = |path: &str| at(before, path) != at(&self.data, path);
        let outdated: Vec<String> =
            known.iter().map(|citation| citation.path.clone()).filter(|path| is_changed(path)).collect();
        let fresh: Vec<Citation> = self
            .found
            .iter()
            .filter(|citation| is_changed(&citation.path))
            .map(|found| row(found, id, job_id))
            .collect();
        citations::delete_paths(connection, id.0, &outdated).await?;
        citations::insert(connection, &fresh).await
    }
}

fn row(found: &grounding::Citation, id: ManifestId, job_id: i32) -> Citation {
    let place = Place {
        path: &found.path,
        page: found.page,
        bounds: found.bounds,
        match_kind: found.match_kind.as_str(),
        text: found.text.as_deref(),
        confidence: found.confidence,
    };
    Citation::new((id.0, job_id), &place, None, &["changed by a person".to_owned()])
}

/// The value at a path as citations have it.
fn at<'a>(data: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(data, |value, part| match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}
