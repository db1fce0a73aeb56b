#![cfg(test)]

//! The bus on a real Redis.
#![expect(clippy::disallowed_methods, reason = "tasks end with the runtime of their test")]

mod faults;
mod order;

use sluice_core::{Fact, JobFact, JobId, JobKind, ManifestId, Progress, StageName};
use sluice_event_bus::{BusMessage, Config, NumberedEvents};
use sluice_service::Env;
use sluice_test_support::Servers;
use tokio::sync::mpsc::Receiver;

fn config_at(url: &str) -> Config {
    let prefix = Servers::shared().unwrap().fresh_name();
    let mut env = Env::from_pairs([("SLUICE_REDIS_URL", url), ("SLUICE_EVENTS_PREFIX", &prefix)]);
    let config = Config::read(&mut env);
    env.finish().unwrap();
    config
}

fn config() -> Config {
    config_at(&Servers::shared().unwrap().redis_url)
}

fn fact(job: i32, manifest: i32, fact: Fact) -> JobFact {
    JobFact {
        job_id: JobId(job).into(),
        manifest_id: ManifestId(manifest),
        kind: JobKind::Extraction,
        number_floor: 0,
        fact,
    }
}

fn advanced(percent: u8) -> Fact {
    Fact::Advanced { stage: StageName::TextExtract, progress: Progress::clamped(f64::from(percent)), text: None }
}

fn failed() -> Fact {
    Fact::Failed { error: "broken".to_owned() }
}

async fn next(messages: &mut Receiver<BusMessage>) -> NumberedEvents {
    loop {
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(30), messages.recv());
        if let BusMessage::Events(events) = waiting.await.expect("an event arrives").expect("the bus is open") {
            return events;
        }
    }
}
