//! Runs that people ask for: what they may choose, and the way from the wish to the queue.

use serde::Serialize;
use sluice_core::{Fact, JobFact, JobId, JobKind, JobMessage, JobMessageV1, ManifestId, QueueJobId, RequestId, UserId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::estimates::store;
use sluice_db::models::extractors;
use sluice_db::models::jobs::request::{self, Requested, Wish};
use sluice_service::ErrorChain;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{ApiError, Result};
use crate::extract::{Fields, Input};
use crate::routes::estimates::{self, EstimateDto, Estimated};
use crate::routes::projects;
use crate::routes::publishing::publish_all;
use crate::state::AppState;

/// What a run may be told to use instead of what its project says.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    model: Option<String>,
    extractor: Option<String>,
    prompt: Option<i32>,
    is_dry_run: bool,
}

/// What a run that only reads text may be told to use.
#[derive(Debug)]
pub(crate) struct ReadingChoice(pub(crate) Choice);

/// The job that will do it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueuedDto {
    job_id: String,
}

/// What became of the wish for a run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RunDto {
    /// It is in the queue.
    Queued(QueuedDto),
    /// It was only asked what it would cost.
    Estimated(Box<EstimateDto>),
}

impl Input for Choice {
    fn read(fields: &mut Fields) -> Self {
        Self {
            model: fields.string("llmModelId").optional().filter(|id| !id.is_empty()),
            extractor: read_extractor(fields),
            prompt: fields.integer("promptId").optional(),
            is_dry_run: fields.boolean("dryRun").optional().unwrap_or(false),
        }
    }
}

impl Input for ReadingChoice {
    fn read(fields: &mut Fields) -> Self {
        Self(Choice { extractor: read_extractor(fields), ..Choice::default() })
    }
}

fn read_extractor(fields: &mut Fields) -> Option<String> {
    fields.string("textExtractorId").optional().filter(|id| !id.is_empty())
}

impl Choice {
    /// Whether it is only asked what the run would cost.
    pub(crate) const fn is_dry_run(&self) -> bool {
        self.is_dry_run
    }

    /// Looks up what was chosen.
    pub(crate) async fn resolve(
        self,
        connection: &mut AsyncPgConnection,
        (kind, user): (JobKind, UserId),
    ) -> Result<Wish> {
        let llm_model_id = match self.model {
            Some(model) => Some(projects::find_model(connection, &model).await?),
            None => None,
        };
        let text_extractor_id = match self.extractor {
            Some(extractor) => Some(find_extractor(connection, &extractor).await?),
            None => None,
        };
        if let Some(prompt) = self.prompt
            && !request::prompt_exists(connection, prompt).await?
        {
            return Err(ApiError::not_found(format!("Prompt {prompt} not found")));
        }
        Ok(Wish {
            kind: kind.as_str().to_owned(),
            user_id: Some(user.0),
            llm_model_id,
            text_extractor_id,
            prompt_id: self.prompt,
            ..Wish::default()
        })
    }
}

async fn find_extractor(connection: &mut AsyncPgConnection, text: &str) -> Result<Uuid> {
    let missing = || ApiError::not_found(format!("Extractor {text} not found"));
    let id: Uuid = text.parse().map_err(|_source| missing())?;
    let extractor = extractors::find(connection, id).await?.ok_or_else(missing)?;
    if extractor.is_active {
        Ok(extractor.id)
    } else {
        Err(ApiError::bad_request(format!("Extractor {} is inactive", extractor.name)))
    }
}

/// Makes the job of one manifest, unless it is only asked what it would cost.
pub(crate) async fn ask_or_estimate(
    state: &AppState,
    manifest: ManifestId,
    (wish, is_dry_run): (Wish, bool),
    request_id: RequestId,
) -> Result<RunDto> {
    if is_dry_run {
        let estimate = EstimateDto::load(state, &[manifest.0], &wish).await?;
        if estimate.is_empty() {
            return Err(sluice_access::Error::NoManifest(manifest).into());
        }
        return Ok(RunDto::Estimated(Box::new(estimate)));
    }
    Ok(RunDto::Queued(ask_one(state, manifest, wish, request_id).await?))
}

/// Makes the job of one manifest, or finds the open one that does the same.
pub(crate) async fn ask_one(
    state: &AppState,
    manifest: ManifestId,
    wish: Wish,
    request_id: RequestId,
) -> Result<QueuedDto> {
    let requested = ask(state, vec![manifest.0], wish, request_id).await?;
    let job = requested.first().ok_or(sluice_access::Error::NoManifest(manifest))?;
    Ok(QueuedDto { job_id: queue_job(job).as_str().to_owned() })
}

/// Makes the jobs of manifests, or finds the open ones that do the same; tells the bus, and adds the new ones to the queue.
pub(crate) async fn ask(
    state: &AppState,
    manifests: Vec<i32>,
    wish: Wish,
    request_id: RequestId,
) -> Result<Vec<Requested>> {
    let task_state = state.clone();
    // In a task, so that a caller that goes away does not leave rows without their queue jobs.
    let asking = state.complete(async move {
        let kind: JobKind = wish.kind.parse().map_err(sluice_db::Error::from)?;
        let wish = Wish { request_id: Some(request_id.0.clone()), ..wish };
        let estimated = estimate(&task_state, &manifests, &wish).await;
        let work = task_state.pool.transaction(move |connection| {
            Box::pin(async move {
                let requested = request::request(connection, &manifests, &wish).await?;
                store(connection, &estimates::of_jobs(&requested, &estimated)).await?;
                Ok(requested)
            })
        });
        let requested = work.await?;
        enqueue(&task_state, kind, &requested, &request_id).await;
        Ok(requested)
    });
    asking.await
}

/// What the jobs will probably cost. That it can't be told keeps nobody from running them.
async fn estimate(state: &AppState, manifests: &[i32], wish: &Wish) -> Vec<Estimated> {
    let estimating = async {
        let mut connection = state.connection().await?;
        estimates::estimate_all(&mut connection, manifests, wish).await
    };
    estimating.await.unwrap_or_else(|error| {
        tracing::warn!(error = %ErrorChain(&error), "the cost of jobs could not be estimated");
        Vec::new()
    })
}

async fn enqueue(state: &AppState, kind: JobKind, requested: &[Requested], request_id: &RequestId) {
    let new: Vec<&Requested> = requested.iter().filter(|job| job.is_new).collect();
    let facts: Vec<JobFact> = new
        .iter()
        .map(|job| JobFact {
            job_id: queue_job(job),
            manifest_id: ManifestId(job.manifest_id),
            kind,
            number_floor: u64::try_from(job.last_event_number).unwrap_or(0),
            fact: Fact::Queued,
        })
        .collect();
    // Before a worker can have them, so that watchers see them wait first.
    publish_all(state, &facts).await;
    let messages: Vec<JobMessage> = new
        .iter()
        .map(|job| {
            JobMessage::V1(JobMessageV1 {
                job_id: JobId(job.job_id),
                manifest_id: ManifestId(job.manifest_id),
                kind,
                request_id: Some(request_id.clone()),
            })
        })
        .collect();
    if let Err(error) = state.producer.add_all(&messages).await {
        // The rows stand: a worker's sweeper adds what is missing.
        tracing::warn!(count = messages.len(), error = %ErrorChain(&error), "jobs wait for the sweeper to queue them");
    }
}

/// The id of a job as clients know it.
pub(crate) fn queue_job(job: &Requested) -> QueueJobId {
    JobId(job.job_id).into()
}
