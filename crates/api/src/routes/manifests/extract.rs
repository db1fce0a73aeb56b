//! The wish to extract.

use actix_web::web::Data;
use serde::Serialize;
use sluice_access::{Access, Identity, ownership};
use sluice_core::{Fact, JobFact, JobId, JobKind, JobMessage, JobMessageV1, ManifestId, QueueJobId, RequestId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::jobs::request::{self, Requested};
use sluice_db::models::jobs::{Job, NewJob};
use sluice_db::models::{models, schemas};
use sluice_service::ErrorChain;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{ApiError, Result};
use crate::extract::{Body, CurrentRequest, Fields, Input, Path, User};
use crate::respond::Created;
use crate::routes::publishing::publish;
use crate::state::AppState;

/// What the body may choose.
#[derive(Debug)]
pub(crate) struct Choice {
    model: Option<String>,
    prompt: Option<i32>,
}

impl Input for Choice {
    fn read(fields: &mut Fields) -> Self {
        Self { model: fields.string("llmModelId").optional(), prompt: fields.integer("promptId").optional() }
    }
}

/// The job that will do it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueuedDto {
    job_id: String,
}

/// `POST /manifests/{id}/extract`
pub(crate) async fn extract_manifest(
    state: Data<AppState>,
    User(user): User,
    CurrentRequest(request_id): CurrentRequest,
    Path(id): Path<ManifestId>,
    Body(choice): Body<Choice>,
) -> Result<Created<QueuedDto>> {
    let mut connection = state.connection().await?;
    let job = prepare(&mut connection, &user, id, choice).await?;
    drop(connection);
    let job = NewJob { request_id: Some(request_id.0.clone()), ..job };
    let task_state = state.clone();
    // In a task, so that a caller that goes away does not leave the row without its queue job.
    let asking = state.tasks.spawn(async move { ask(&task_state, job, request_id).await });
    let asked = asking.await.map_err(|error| ApiError::from(sluice_db::Error::Abandoned(error)))?;
    let queue_job = match asked {
        Err(sluice_db::Error::NotFound) => return Err(sluice_access::Error::NoManifest(id).into()),
        asked => asked?,
    };
    Ok(Created(QueuedDto { job_id: queue_job.as_str().to_owned() }))
}

/// Checks ownership and choice, and fills in what the project says.
async fn prepare(
    connection: &mut AsyncPgConnection,
    user: &Identity,
    id: ManifestId,
    choice: Choice,
) -> Result<NewJob> {
    let project = ownership::check_manifest(connection, user, id).await?;
    let project = ownership::load_project(connection, user, Access::Owner, project).await?;
    let model = match choice.model {
        Some(text) => find_model(connection, &text).await?,
        None => project.llm_model_id,
    };
    if let Some(prompt) = choice.prompt
        && !request::prompt_exists(connection, prompt).await?
    {
        return Err(ApiError::not_found(format!("Prompt {prompt} not found")));
    }
    let schema = match project.default_schema_id {
        Some(schema) => schemas::find(connection, schema).await?,
        None => None,
    };
    Ok(NewJob {
        manifest_id: id.0,
        kind: JobKind::Extraction.as_str().to_owned(),
        user_id: Some(user.user_id.0),
        request_id: None,
        schema_id: schema.as_ref().map(|schema| schema.id),
        schema_version: schema.map(|schema| schema.schema_version),
        llm_model_id: Some(model),
        text_extractor_id: project.text_extractor_id,
        prompt_id: choice.prompt,
        field_name: None,
        previous_manifest_status: None,
    })
}

async fn find_model(connection: &mut AsyncPgConnection, text: &str) -> Result<Uuid> {
    let missing = || ApiError::not_found(format!("Model {text} not found"));
    let id = text.parse().map_err(|_source| missing())?;
    models::find(connection, id).await?.map(|model| model.id).ok_or_else(missing)
}

/// Writes the row, then tells the bus and the queue.
async fn ask(state: &AppState, job: NewJob, request_id: RequestId) -> sluice_db::Result<QueueJobId> {
    match state.pool.transaction(move |connection| Box::pin(request::request(connection, job))).await? {
        Requested::Open(job) => Ok(JobId(job.id).into()),
        Requested::Made(job) => Ok(enqueue(state, &job, request_id).await),
    }
}

async fn enqueue(state: &AppState, job: &Job, request_id: RequestId) -> QueueJobId {
    let manifest_id = ManifestId(job.manifest_id);
    let kind = JobKind::Extraction;
    let job_id = QueueJobId::from(JobId(job.id));
    // Before a worker can have it, so that watchers see it wait first.
    let fact = JobFact { job_id: job_id.clone(), manifest_id, kind, number_floor: 0, fact: Fact::Queued };
    publish(state, fact).await;
    let message =
        JobMessage::V1(JobMessageV1 { job_id: JobId(job.id), manifest_id, kind, request_id: Some(request_id) });
    if let Err(error) = state.producer.add(&message).await {
        // The row stands: a worker's sweeper adds what is missing.
        tracing::warn!(job.id = job.id, error = %ErrorChain(&error), "a job waits for the sweeper to queue it");
    }
    job_id
}
