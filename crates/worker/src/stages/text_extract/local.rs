//! The readers of our own: `local` and `tesseract`, in a child.

use sluice_core::ReadRequest;
use sluice_extraction::cost::Usage;
use sluice_sandbox::Reading;

use super::pages::Pages;
use crate::error::StageError;
use crate::wiring::Ports;

/// Reads the pages that are not known.
pub(super) async fn read(ports: &Ports, request: &ReadRequest, pages: &mut Pages<'_>) -> Result<(), StageError> {
    let mut reading = ports.sandbox.read_document(request).await?;
    while let Some(step) = reading.next().await? {
        match step {
            Reading::Opened { pages: total } => pages.opened(total).await,
            Reading::Page(page) => pages.add((*page).into(), Usage::default()).await?,
        }
    }
    Ok(())
}
