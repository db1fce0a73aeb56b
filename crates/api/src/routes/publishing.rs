//! Facts that the API tells: a job was queued, a job was canceled before a worker had it.

use sluice_core::JobFact;
use sluice_core::ports::{EventSink, Published};
use sluice_db::models::manifests;
use sluice_service::ErrorChain;

use crate::error::Result;
use crate::state::AppState;

/// Publishes a fact under a number above all that its manifest has had. An event is a hint: when the bus does not
/// answer, that is logged and the request goes on.
pub(crate) async fn publish(state: &AppState, fact: JobFact) {
    if let Err(error) = publish_numbered(state, fact).await {
        tracing::warn!(error = %ErrorChain(&error), "an event was not published");
    }
}

async fn publish_numbered(state: &AppState, mut fact: JobFact) -> Result<()> {
    let id = fact.manifest_id.0;
    let manifest = manifests::find(&mut *state.connection().await?, id).await?;
    let floor = manifest.map_or(0, |manifest| manifest.last_event_number);
    fact.number_floor = u64::try_from(floor).unwrap_or(0);
    if let Published::Numbered(number) = state.publisher.publish(&fact).await? {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        manifests::raise_event_number(&mut *state.connection().await?, id, number).await?;
    }
    Ok(())
}
