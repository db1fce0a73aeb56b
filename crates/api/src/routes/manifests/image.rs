//! Pictures of pages, drawn when first asked for.

use actix_web::web::{Data, Json};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sluice_access::ownership;
use sluice_core::ports::ObjectStore;
use sluice_core::{FileFormat, ManifestId, RenderRequest};
use sluice_db::models::manifests::{self, Manifest};
use sluice_db::models::page_images::{self, PageImage};
use sluice_storage::keys;
use utoipa::ToSchema;

use super::load;
use super::pages::load_page;
use crate::error::{ApiError, Code, Result};
use crate::extract::{Path, User};
use crate::routes::uploads::intake::MAX_FILE_BYTES;
use crate::state::AppState;
use crate::wire;

/// The longer side of a picture: a page of A4 at some 150 dots an inch, which a screen shows sharp.
const MAX_SIDE_PIXELS: u32 = 1_800;
const CONTENT_TYPE: &str = "image/png";

/// Where the picture of a page can be had without a token, for a while.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageImageDto {
    url: String,
    #[serde(serialize_with = "wire::time")]
    expires_at: DateTime<Utc>,
    /// In pixels.
    width: i32,
    height: i32,
}

/// `GET /manifests/{id}/pages/{page}/image`
pub(crate) async fn show_page_image(
    state: Data<AppState>,
    User(user): User,
    Path((id, number)): Path<(ManifestId, i32)>,
) -> Result<Json<PageImageDto>> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, &user, id).await?;
    let key = manifests::load_pages_key(&mut connection, id.0).await?;
    let turned_degrees = load_page(&mut connection, key, number, &state).await?.turned_degrees;
    let manifest = load(&mut connection, id).await?;
    let known = page_images::find(&mut connection, id.0, number, i32::from(turned_degrees)).await?;
    drop(connection);
    let image = match known {
        Some(image) => image,
        None => {
            let state_of_work = state.clone();
            // To its end also when the caller goes away: nothing is left in storage that no row points to.
            state.complete(async move { draw(&state_of_work, &manifest, number, turned_degrees).await }).await?
        }
    };
    let disposition = format!("inline; filename=\"page-{number}.png\"");
    let signed = state.presigner.get(&image.storage_key, CONTENT_TYPE, &disposition, state.clock.now()).await?;
    let (width, height) = (image.width, image.height);
    Ok(Json(PageImageDto { url: signed.url, expires_at: signed.expires_at, width, height }))
}

async fn draw(state: &AppState, manifest: &Manifest, number: i32, turned_degrees: u16) -> Result<PageImage> {
    let unreadable = || ApiError::not_found(format!("Page {number} can't be drawn"));
    let format = FileFormat::from_content_type(&manifest.content_type).ok_or_else(unreadable)?;
    let page = u32::try_from(number).map_err(|_negative| unreadable())?;
    let local = |error: std::io::Error| ApiError::new(Code::Internal, "").with_source(error);
    let folder = tempfile::tempdir().map_err(local)?;
    let path = folder.path().join("file");
    state.store.download(&manifest.storage_key, &path, MAX_FILE_BYTES).await?;
    let request = RenderRequest { path, format, page, max_side_pixels: MAX_SIDE_PIXELS, turned_degrees };
    let png = state.sandbox.render_page(&request).await?;
    let (width, height) = size_of(&png).ok_or_else(unreadable)?;
    let turned_degrees = i32::from(turned_degrees);
    let storage_key = keys::page_image();
    state.store.put(&storage_key, CONTENT_TYPE, Bytes::from(png)).await?;
    let image = PageImage { manifest_id: manifest.id, page_number: number, turned_degrees, storage_key, width, height };
    let mut connection = state.connection().await?;
    match page_images::insert(&mut connection, &image).await {
        Ok(true) => Ok(image),
        outcome => {
            // Another was faster, or the manifest is gone.
            let known = page_images::find(&mut connection, manifest.id, number, turned_degrees).await?;
            drop(connection);
            state.remove_files(vec![image.storage_key]).await;
            outcome?;
            known.ok_or_else(unreadable)
        }
    }
}

/// Width and height as the head of a PNG says them (PNG specification, 11.2.2).
fn size_of(png: &[u8]) -> Option<(i32, i32)> {
    let number = |from: usize| {
        let bytes: [u8; 4] = png.get(from..from + 4)?.try_into().ok()?;
        i32::try_from(u32::from_be_bytes(bytes)).ok().filter(|side| *side > 0)
    };
    png.starts_with(b"\x89PNG\r\n\x1a\n").then_some(())?;
    Some((number(16)?, number(20)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_png_is_in_its_head() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x80\0\0\x01\xe0".to_vec();
        assert_eq!(size_of(&png), Some((640, 480)));
        png.truncate(20);
        assert_eq!(size_of(&png), None);
        assert_eq!(size_of(b"GIF89a"), None);
    }
}
