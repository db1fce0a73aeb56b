//! EMIT: tells the end.
//!
//! - **Reads** nothing.
//! - **Writes** nothing.
//! - **Fails** never: an event is a hint, and the end is in the database.
//! - **Safe to repeat because** the publisher lets one terminal event of a job through.

use serde_json::{Value, json};
use sluice_core::{Fact, OcrUpdate, StageName};

use crate::error::StageError;
use crate::pipeline::{Stage, StageContext};
use crate::state::Persisted;

#[derive(Debug)]
pub(crate) struct Emit;

impl Stage for Emit {
    const NAME: StageName = StageName::Emit;
    type In = Persisted;
    type Out = ();

    async fn run(&self, persisted: Persisted, context: &StageContext) -> Result<(), StageError> {
        let ocr = persisted.text.map(|(quality_score, processed_at)| OcrUpdate {
            manifest_id: context.attempt.manifest_id.into(),
            has_ocr: true,
            quality_score: Some(quality_score),
            processed_at: Some(processed_at),
        });
        let fact = Fact::Completed {
            cost: persisted.cost,
            extractor_id: Some(persisted.extractor_id.into()),
            manifest_status: persisted.manifest_status,
            ocr,
        };
        context.reporter.tell(fact).await;
        Ok(())
    }

    fn checkpoint((): &()) -> Value {
        json!({})
    }
}
