//! Facts that the API tells: a job was queued, a job was canceled before a worker had it.

use futures_util::future::try_join_all;
use sluice_core::JobFact;
use sluice_core::ports::{EventSink, Published};
use sluice_db::models::manifests;
use sluice_service::ErrorChain;

use crate::error::Result;
use crate::state::AppState;

/// Facts that are under way at once when there are many.
const LANES: usize = 64;

/// Publishes a fact under a number above all that its manifest has had. An event is a hint: when the bus does not
/// answer, that is logged and the request goes on.
pub(crate) async fn publish(state: &AppState, fact: JobFact) {
    if let Err(error) = publish_numbered(state, fact).await {
        tracing::warn!(error = %ErrorChain(&error), "an event was not published");
    }
}

/// Publishes facts of different manifests, whose floors are told, without waiting for each.
pub(crate) async fn publish_all(state: &AppState, facts: &[JobFact]) {
    if let Err(error) = publish_all_numbered(state, facts).await {
        tracing::warn!(count = facts.len(), error = %ErrorChain(&error), "events were not published");
    }
}

async fn publish_all_numbered(state: &AppState, facts: &[JobFact]) -> Result<()> {
    let mut numbers = Vec::with_capacity(facts.len());
    for batch in facts.chunks(LANES) {
        let published = try_join_all(batch.iter().map(|fact| state.publisher.publish(fact))).await?;
        for (fact, published) in batch.iter().zip(published) {
            if let Published::Numbered(number) = published {
                numbers.push((fact.manifest_id.0, i64::try_from(number).unwrap_or(i64::MAX)));
            }
        }
    }
    manifests::raise_event_numbers(&mut *state.connection().await?, &numbers).await?;
    Ok(())
}

async fn publish_numbered(state: &AppState, mut fact: JobFact) -> Result<()> {
    let manifest = manifests::find(&mut *state.connection().await?, fact.manifest_id.0).await?;
    let floor = manifest.map_or(0, |manifest| manifest.last_event_number);
    fact.number_floor = u64::try_from(floor).unwrap_or(0);
    publish_all_numbered(state, &[fact]).await
}
