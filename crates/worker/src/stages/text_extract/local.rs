//! The readers of our own: `local` and `tesseract`, in a child.

use sluice_core::ReadRequest;
use sluice_extraction::cost::Usage;
use sluice_sandbox::Reading;

use super::pages::Pages;
use crate::einvoice;
use crate::error::StageError;
use crate::wiring::Ports;

/// Reads the pages that are not known.
pub(super) async fn read(ports: &Ports, request: &ReadRequest, pages: &mut Pages<'_>) -> Result<(), StageError> {
    let mut reading = ports.sandbox.read_document(request).await?;
    let mut held = None;
    let mut read = 0;
    while let Some(step) = reading.next().await? {
        match step {
            Reading::Opened { pages: total } => {
                pages.opened(total).await;
                held = Some(pages.reserve(pages.missing(), Usage::default()).await?);
            }
            Reading::Embedded(files) => pages.invoice = einvoice::find(files).await,
            Reading::Page(page) => {
                pages.add((*page).into(), Usage::default()).await?;
                read += 1;
            }
        }
    }
    if let Some(held) = held {
        pages.settle(held, read, Usage::default()).await?;
    }
    Ok(())
}
