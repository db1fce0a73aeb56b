//! Names of objects. Each is opaque and fresh, so that nothing is ever overwritten and no name can be guessed.

use sluice_core::UploadId;

/// A fresh key for the file of a manifest.
#[must_use]
pub fn manifest_file() -> String {
    format!("manifests/{}/file", sluice_core::id::fresh_uuid())
}

/// A fresh key for the picture of a page.
#[must_use]
pub fn page_image() -> String {
    format!("page-images/{}/png", sluice_core::id::fresh_uuid())
}

/// The key that a signed upload writes to; it becomes the key of the manifest's file.
#[must_use]
pub fn upload_file(upload: UploadId) -> String {
    format!("uploads/{upload}/file")
}
