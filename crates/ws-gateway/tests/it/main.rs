#![cfg(test)]

//! The realtime service on real servers, with the real socket.io client of Node.
#![expect(clippy::disallowed_methods, reason = "tasks end with the runtime of their test")]

mod access;
mod client;
mod faults;
mod http;
mod live;
mod order;
mod process;
mod slow;
mod world;

use std::time::Duration;

use sluice_core::{CostBreakdown, Fact, JobFact, JobId, JobKind, ManifestId, ManifestStatus, Progress, StageName};

const LONG: Duration = Duration::from_secs(60);

fn fact(job: i32, manifest: ManifestId, fact: Fact) -> JobFact {
    JobFact { job_id: JobId(job).into(), manifest_id: manifest, kind: JobKind::Extraction, number_floor: 0, fact }
}

fn advanced(percent: f64) -> Fact {
    Fact::Advanced { stage: StageName::TextExtract, progress: Progress::clamped(percent), text: None }
}

fn completed() -> Fact {
    let cost = CostBreakdown { currency: Some("USD".to_owned()), ..CostBreakdown::default() };
    Fact::Completed { cost, extractor_id: None, manifest_status: ManifestStatus::Completed, ocr: None }
}
