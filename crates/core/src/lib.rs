#![doc = include_str!("../README.md")]

pub mod error;
pub mod event;
pub mod id;
pub mod job;
pub mod job_message;
pub mod manifest;
pub mod money;
pub mod page;
pub mod ports;
pub mod progress;
pub mod reading;
pub mod stage;
mod xml_root;

pub use error::{Classify, ErrorKind, PortError};
pub use event::{
    CostBreakdown, Event, Fact, JobFact, JobUpdate, JobUpdateStatus, ManifestUpdate, OcrUpdate, TextProgress,
};
pub use id::{
    ApiKeyId, ExportScriptId, ExtractorId, GroupId, JobId, ManifestId, ModelId, ProjectId, PromptId, QueueJobId,
    RequestId, SchemaId, SchemaRuleId, UploadId, UserId, ValidationScriptId,
};
pub use job::{IllegalTransition, JobKind, JobStatus, JobTransition};
pub use job_message::{JobMessage, JobMessageV1};
pub use manifest::{FileFormat, FileType, ManifestStatus};
pub use money::{NanoAmount, TokenPrice};
pub use page::{BoundingBox, Page, TextSource, Word};
pub use progress::{MonotonicProgress, Progress};
pub use reading::{EmbeddedFile, OcrMode, ReadOptions, ReadRequest, RenderRequest};
pub use stage::StageName;
