//! The pages of a manifest: their extents and their words.

use actix_web::web::{Data, Json};
use serde::Serialize;
use serde_json::Value;
use sluice_access::ownership;
use sluice_core::{BoundingBox, ManifestId, Page};
use sluice_db::AsyncPgConnection;
use sluice_db::models::manifests;
use sluice_db::models::page_cache::{self, PageKey};
use utoipa::ToSchema;

use crate::error::{ApiError, Result};
use crate::extract::{Path, User};
use crate::respond::List;
use crate::state::AppState;

/// A rectangle on an upright page, in the page's units, from the top left corner.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct BoxDto {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

impl From<BoundingBox> for BoxDto {
    fn from(bounds: BoundingBox) -> Self {
        Self { x: bounds.x, y: bounds.y, width: bounds.width, height: bounds.height }
    }
}

/// A page without its words.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageDto {
    page: u64,
    width: f64,
    height: f64,
    turned_degrees: u64,
    source: String,
}

/// The words of a page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WordsDto {
    page: u32,
    /// In the page's units: points for a PDF, pixels for a picture.
    width: f32,
    height: f32,
    /// By how many degrees clockwise the page was turned to stand upright.
    turned_degrees: u16,
    /// `text_layer` or `ocr`, or how else the page was read.
    source: Value,
    words: Vec<WordDto>,
}

/// A word of a page.
#[derive(Debug, Serialize, ToSchema)]
struct WordDto {
    text: String,
    #[serde(rename = "box")]
    bounds: BoxDto,
    /// 0 to 1.
    confidence: f32,
    /// Counted from 0 down the page.
    line: u32,
}

/// `GET /manifests/{id}/pages`
pub(crate) async fn list_pages(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
) -> Result<List<PageDto>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let Some(key) = manifests::load_pages_key(&mut connection, id.0).await? else { return Ok(List(Vec::new())) };
    let extents = page_cache::list_extents(&mut connection, &key).await?;
    Ok(List(extents.iter().filter_map(extent).collect()))
}

fn extent(page: &Value) -> Option<PageDto> {
    Some(PageDto {
        page: page.get("number")?.as_u64()?,
        width: page.get("width")?.as_f64()?,
        height: page.get("height")?.as_f64()?,
        turned_degrees: page.get("turnedDegrees")?.as_u64()?,
        source: page.get("source")?.as_str()?.to_owned(),
    })
}

/// `GET /manifests/{id}/pages/{page}/words`
pub(crate) async fn show_words(
    state: Data<AppState>,
    User(user): User,
    Path((id, number)): Path<(ManifestId, i32)>,
) -> Result<Json<WordsDto>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let key = manifests::load_pages_key(&mut connection, id.0).await?;
    let page = load_page(&mut connection, key, number, &state).await?;
    let word = |word: sluice_core::Word| WordDto {
        text: word.text,
        bounds: word.bounds.into(),
        confidence: word.confidence,
        line: word.line,
    };
    Ok(Json(WordsDto {
        page: page.number,
        width: page.width,
        height: page.height,
        turned_degrees: page.turned_degrees,
        source: serde_json::to_value(page.source).unwrap_or_default(),
        words: page.words.into_iter().map(word).collect(),
    }))
}

/// A page that is known. What was read long ago may be forgotten; it can be read anew.
pub(super) async fn load_page(
    connection: &mut AsyncPgConnection,
    key: Option<PageKey>,
    number: i32,
    state: &AppState,
) -> Result<Page> {
    let stored = match key {
        Some(key) => page_cache::find(connection, &key, number, state.clock.now()).await?,
        None => None,
    };
    let page = stored.and_then(|page| serde_json::from_value(page).ok());
    page.ok_or_else(|| ApiError::not_found(format!("Page {number} has not been read, or is not known any more")))
}
