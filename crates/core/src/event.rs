//! Facts that services tell the publisher, and events that sockets receive.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ExtractorId, ManifestId, QueueJobId};
use crate::job::JobKind;
use crate::manifest::ManifestStatus;
use crate::money::NanoAmount;
use crate::progress::Progress;
use crate::stage::StageName;

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFact {
    /// The job, as clients know it.
    pub job_id: QueueJobId,
    /// Its manifest.
    pub manifest_id: ManifestId,
    /// What the job does.
    pub kind: JobKind,
    /// The highest event number of the manifest that the teller knows of, so that numbers do not fall when Redis
    /// loses its data; 0 when it knows none.
    pub number_floor: u64,
    /// What happened.
    pub fact: Fact,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// The job was added to the queue.
    Queued,
    /// A worker began an attempt.
    Started,
    /// The job went on.
    Advanced {
        /// The stage that it is in.
        stage: StageName,
        /// How far the job is.
        progress: Progress,
        /// The text read so far, when the stage reads text.
        text: Option<TextProgress>,
    },
    /// An attempt failed and another will follow.
    Delayed {
        /// Why.
        error: String,
    },
    /// The job ended with a result.
    Completed {
        /// What it cost.
        cost: CostBreakdown,
        /// The extractor that read the text.
        extractor_id: Option<ExtractorId>,
        /// The status that the manifest has now: `completed` or `partial`.
        manifest_status: ManifestStatus,
        /// What the OCR gave; told for jobs of the kind `ocr`.
        ocr: Option<OcrUpdate>,
    },
    /// The job ended without a result.
    Failed {
        /// Why, in words for the person who started it.
        error: String,
    },
    /// The job ended because somebody asked for it.
    Canceled {
        /// `Canceled[: reason]`.
        error: String,
        /// The status that the manifest has now; a cancellation leaves earlier data as it was.
        manifest_status: ManifestStatus,
    },
}

impl Fact {
    /// Whether nothing follows it.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed { .. } | Self::Failed { .. } | Self::Canceled { .. })
    }
}

/// The text of a document that is being read page by page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextProgress {
    /// The markdown so far, when whole pages are streamed.
    pub markdown_so_far: Option<String>,
    /// Pages read.
    pub pages_processed: u32,
    /// Pages in all.
    pub pages_total: u32,
}

/// The cost of a run. The total is absent when its parts have different currencies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CostBreakdown {
    /// Cost of reading the text.
    pub text: NanoAmount,
    /// Cost of the language model.
    pub llm: NanoAmount,
    /// Both together.
    pub total: Option<NanoAmount>,
    /// Their currency.
    pub currency: Option<String>,
}

/// The word for a job's state on the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobUpdateStatus {
    /// In the queue.
    Waiting,
    /// A worker took it.
    Active,
    /// A worker is at it.
    Processing,
    /// Between two attempts.
    Delayed,
    /// Ended with a result.
    Completed,
    /// Ended without.
    Failed,
    /// Ended on request.
    Canceled,
}

impl JobUpdateStatus {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

/// The payload of `job-update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobUpdate {
    /// The queue job's id.
    pub job_id: QueueJobId,
    /// The manifest.
    pub manifest_id: ManifestId,
    /// What the job does.
    pub kind: JobKind,
    /// Percent; never falls within a job.
    pub progress: Progress,
    /// Where the job stands.
    pub status: JobUpdateStatus,
    /// The stage that the job is in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<StageName>,
    /// Why it failed, waits or was canceled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// What it cost and read; present when it completed.
    #[serde(flatten)]
    pub outcome: Option<Outcome>,
    /// The markdown so far.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text_markdown_so_far: Option<String>,
    /// Pages read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text_pages_processed: Option<u32>,
    /// Pages in all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text_pages_total: Option<u32>,
}

/// What a completed job adds to its updates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The total cost.
    pub cost: Option<NanoAmount>,
    /// Its currency.
    pub currency: Option<String>,
    /// Its parts.
    pub cost_breakdown: CostBreakdown,
    /// The extractor that read the text.
    pub extractor_id: Option<ExtractorId>,
}

/// The payload of `manifest-update`, sent beside the updates of extraction jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestUpdate {
    /// The manifest.
    pub manifest_id: ManifestId,
    /// Its status.
    pub status: ManifestStatus,
    /// Percent.
    pub progress: Progress,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// What its job cost and read; present when it completed.
    #[serde(flatten)]
    pub outcome: Option<Outcome>,
}

/// The payload of `ocr-update`, sent after the text of a manifest was read anew on request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OcrUpdate {
    /// The manifest.
    pub manifest_id: ManifestId,
    /// Whether there is text now.
    pub has_ocr: bool,
    /// Its quality, 0..=100.
    pub quality_score: Option<i32>,
    /// When it was read.
    pub processed_at: Option<DateTime<Utc>>,
}

/// An event under the name that sockets know it by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data")]
pub enum Event {
    /// A job went on.
    #[serde(rename = "job-update")]
    JobUpdate(JobUpdate),
    /// A manifest changed with its job.
    #[serde(rename = "manifest-update")]
    ManifestUpdate(ManifestUpdate),
    /// The text of a manifest was read anew.
    #[serde(rename = "ocr-update")]
    OcrUpdate(OcrUpdate),
}

impl Event {
    /// The event's name on the socket.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::JobUpdate(_) => "job-update",
            Self::ManifestUpdate(_) => "manifest-update",
            Self::OcrUpdate(_) => "ocr-update",
        }
    }
}

impl JobFact {
    /// The events that the fact becomes, `job-update` first; their progress is raised to what the job already showed
    /// by the publisher.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let update = self.job_update();
        let mut events = Vec::with_capacity(2);
        if self.kind == JobKind::Extraction
            && let Some(status) = self.manifest_status()
        {
            events.push(Event::ManifestUpdate(ManifestUpdate {
                manifest_id: self.manifest_id,
                status,
                progress: update.progress,
                error: update.error.clone().filter(|_| self.fact.is_terminal()),
                outcome: update.outcome.clone(),
            }));
        }
        if let Fact::Completed { ocr: Some(ocr), .. } = &self.fact {
            events.push(Event::OcrUpdate(ocr.clone()));
        }
        events.insert(0, Event::JobUpdate(update));
        events
    }

    /// The manifest's status while and after the fact; `None` when the fact says nothing of it.
    const fn manifest_status(&self) -> Option<ManifestStatus> {
        match &self.fact {
            Fact::Queued => None,
            Fact::Started | Fact::Advanced { .. } | Fact::Delayed { .. } => Some(ManifestStatus::Processing),
            Fact::Completed { manifest_status, .. } | Fact::Canceled { manifest_status, .. } => Some(*manifest_status),
            Fact::Failed { .. } => Some(ManifestStatus::Failed),
        }
    }

    fn job_update(&self) -> JobUpdate {
        let mut update = JobUpdate {
            job_id: self.job_id.clone(),
            manifest_id: self.manifest_id,
            kind: self.kind,
            progress: Progress::ZERO,
            status: JobUpdateStatus::Waiting,
            stage: None,
            error: None,
            outcome: None,
            text_markdown_so_far: None,
            text_pages_processed: None,
            text_pages_total: None,
        };
        match &self.fact {
            Fact::Queued => {}
            Fact::Started => update.status = JobUpdateStatus::Active,
            Fact::Advanced { stage, progress, text } => {
                update.status = JobUpdateStatus::Processing;
                update.stage = Some(*stage);
                update.progress = *progress;
                if let Some(text) = text {
                    update.text_markdown_so_far.clone_from(&text.markdown_so_far);
                    update.text_pages_processed = Some(text.pages_processed);
                    update.text_pages_total = Some(text.pages_total);
                }
            }
            Fact::Delayed { error } => {
                update.status = JobUpdateStatus::Delayed;
                update.error = Some(error.clone());
            }
            Fact::Completed { cost, extractor_id, .. } => {
                update.status = JobUpdateStatus::Completed;
                update.progress = Progress::DONE;
                update.outcome = Some(Outcome {
                    cost: cost.total,
                    currency: cost.currency.clone(),
                    cost_breakdown: cost.clone(),
                    extractor_id: *extractor_id,
                });
            }
            Fact::Failed { error } => {
                update.status = JobUpdateStatus::Failed;
                update.error = Some(error.clone());
            }
            Fact::Canceled { error, .. } => {
                update.status = JobUpdateStatus::Canceled;
                update.error = Some(error.clone());
            }
        }
        update
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::JobId;
    use serde_json::json;

    fn fact(kind: JobKind, fact: Fact) -> JobFact {
        JobFact { job_id: JobId(7).into(), manifest_id: ManifestId(4), kind, number_floor: 0, fact }
    }

    #[test]
    fn a_completed_extraction_tells_its_cost_in_numbers() {
        let cost = CostBreakdown {
            text: NanoAmount(2_000_000),
            llm: NanoAmount(8_755_000),
            total: Some(NanoAmount(10_755_000)),
            currency: Some("USD".to_owned()),
        };
        let events = fact(
            JobKind::Extraction,
            Fact::Completed { cost, extractor_id: None, manifest_status: ManifestStatus::Completed, ocr: None },
        )
        .events();
        assert_eq!(
            serde_json::to_value(&events).unwrap(),
            json!([
                {"event": "job-update", "data": {
                    "jobId": "job-7", "manifestId": 4, "kind": "extraction", "progress": 100, "status": "completed",
                    "cost": 0.010755, "currency": "USD", "extractorId": null,
                    "costBreakdown": {"text": 0.002, "llm": 0.008755, "total": 0.010755, "currency": "USD"}}},
                {"event": "manifest-update", "data": {
                    "manifestId": 4, "status": "completed", "progress": 100,
                    "cost": 0.010755, "currency": "USD", "extractorId": null,
                    "costBreakdown": {"text": 0.002, "llm": 0.008755, "total": 0.010755, "currency": "USD"}}},
            ])
        );
        assert_eq!(serde_json::from_value::<Vec<Event>>(serde_json::to_value(&events).unwrap()).unwrap(), events);
    }

    #[test]
    fn between_attempts_a_job_is_delayed_and_its_manifest_still_processing() {
        let events = fact(JobKind::Extraction, Fact::Delayed { error: "rate limited".to_owned() }).events();
        let [Event::JobUpdate(job), Event::ManifestUpdate(manifest)] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!((job.status, job.error.as_deref()), (JobUpdateStatus::Delayed, Some("rate limited")));
        assert_eq!((manifest.status, manifest.error.as_deref()), (ManifestStatus::Processing, None));
    }

    #[test]
    fn a_queued_job_and_a_job_that_only_reads_text_do_not_change_the_manifest() {
        assert_eq!(fact(JobKind::Extraction, Fact::Queued).events().len(), 1);
        assert_eq!(fact(JobKind::Ocr, Fact::Started).events().len(), 1);
    }
}
