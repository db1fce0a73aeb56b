//! The wish to extract: one manifest, one field, many manifests.

use std::collections::{HashMap, HashSet};

use actix_web::web::Data;
use serde::Serialize;
use sluice_access::{Access, Error as AccessError, Identity, ownership};
use sluice_core::{GroupId, JobKind, ManifestId, RequestId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::jobs::request::{Requested, Wish};
use sluice_db::models::manifests::{self, Belonging};
use sluice_extraction::field::FieldPath;
use utoipa::ToSchema;

use super::bulk::filtered_ids;
use super::list_query::ListManifests;
use crate::error::Result;
use crate::extract::{Body, CurrentRequest, Fields, Input, Path, User};
use crate::respond::Created;
use crate::routes::estimates::EstimateDto;
use crate::routes::runs::{self, Choice, RunDto};
use crate::state::AppState;

/// More manifests than this are not taken at once.
const MAX_MANIFESTS: usize = 5_000;

/// One field, and what to extract it with.
#[derive(Debug)]
pub(crate) struct FieldForm {
    field: String,
    choice: Choice,
}

impl Input for FieldForm {
    fn read(fields: &mut Fields) -> Self {
        let is_named = |name: &String| FieldPath::parse(name).is_some();
        Self { field: fields.string("fieldName").rule("isNotEmpty", is_named).required(), choice: Choice::read(fields) }
    }
}

/// Many manifests, and what to extract them with.
#[derive(Debug)]
pub(crate) struct BulkForm {
    ids: Vec<i32>,
    choice: Choice,
}

impl Input for BulkForm {
    fn read(fields: &mut Fields) -> Self {
        Self { ids: fields.integers("manifestIds").count_up_to(MAX_MANIFESTS).required(), choice: Choice::read(fields) }
    }
}

/// All manifests of a group that match, and what to extract them with.
#[derive(Debug)]
pub(crate) struct MatchingForm {
    matching: ListManifests,
    choice: Choice,
}

impl Input for MatchingForm {
    fn read(fields: &mut Fields) -> Self {
        let matching = fields.child("filters", ListManifests::read_object);
        let behavior = fields.optional_child("behavior", |behavior| {
            let mut flag = |name| behavior.boolean(name).optional().unwrap_or(false);
            (flag("includeCompleted"), flag("includeProcessing"))
        });
        let (with_completed, with_processing) = behavior.unwrap_or_default();
        let mut statuses = vec!["pending", "failed"];
        if with_completed {
            // What was completed in part is completed with errors.
            statuses.extend(["completed", "partial"]);
        }
        if with_processing {
            statuses.push("processing");
        }
        Self { matching: matching.or_in(statuses), choice: Choice::read(fields) }
    }
}

/// The jobs of many manifests. They are jobs like others: the batch itself can't be asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchDto {
    /// A name for what was asked for at once.
    job_id: String,
    job_ids: Vec<String>,
    jobs: Vec<BatchJobDto>,
    manifest_count: usize,
}

/// What became of the wish for many runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum BatchAnswer {
    /// They are in the queue.
    Queued(BatchDto),
    /// It was only asked what they would cost.
    Estimated(Box<EstimateDto>),
}

/// A job of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BatchJobDto {
    job_id: String,
    manifest_id: i32,
}

/// `POST /manifests/{id}/extract`
pub(crate) async fn extract_manifest(
    state: Data<AppState>,
    User(user): User,
    CurrentRequest(request_id): CurrentRequest,
    Path(id): Path<ManifestId>,
    Body(choice): Body<Choice>,
) -> Result<Created<RunDto>> {
    let is_dry_run = choice.is_dry_run();
    let wish = prepare(&state, &user, id, choice).await?;
    runs::ask_or_estimate(&state, id, (wish, is_dry_run), request_id).await.map(Created)
}

/// `POST /extraction/re-extract/{manifestId}`, the same under another name.
pub(crate) async fn re_extract_manifest(
    state: Data<AppState>,
    user: User,
    request: CurrentRequest,
    id: Path<ManifestId>,
    choice: Body<Choice>,
) -> Result<Created<RunDto>> {
    extract_manifest(state, user, request, id, choice).await
}

/// `POST /manifests/{id}/re-extract`
pub(crate) async fn re_extract_field(
    state: Data<AppState>,
    User(user): User,
    CurrentRequest(request_id): CurrentRequest,
    Path(id): Path<ManifestId>,
    Body(FieldForm { field, choice }): Body<FieldForm>,
) -> Result<Created<RunDto>> {
    let is_dry_run = choice.is_dry_run();
    let wish = Wish { field_name: Some(field.trim().to_owned()), ..prepare(&state, &user, id, choice).await? };
    runs::ask_or_estimate(&state, id, (wish, is_dry_run), request_id).await.map(Created)
}

async fn prepare(state: &AppState, user: &Identity, id: ManifestId, choice: Choice) -> Result<Wish> {
    let mut connection = state.connection().await?;
    ownership::check_manifest(&mut connection, user, id).await?;
    choice.resolve(&mut connection, (JobKind::Extraction, user.user_id)).await
}

/// `POST /manifests/extract-bulk`: admins may name manifests of others.
pub(crate) async fn extract_manifests(
    state: Data<AppState>,
    User(user): User,
    CurrentRequest(request_id): CurrentRequest,
    Body(BulkForm { ids, choice }): Body<BulkForm>,
) -> Result<Created<BatchAnswer>> {
    let mut seen = HashSet::new();
    let ids: Vec<i32> = ids.into_iter().filter(|id| seen.insert(*id)).collect();
    let mut connection = state.connection().await?;
    check_all(&mut connection, &user, &ids).await?;
    let is_dry_run = choice.is_dry_run();
    let wish = choice.resolve(&mut connection, (JobKind::Extraction, user.user_id)).await?;
    drop(connection);
    ask_or_estimate(&state, ids, (wish, is_dry_run), request_id).await.map(Created)
}

/// `POST /groups/{groupId}/manifests/extract-filtered`
pub(crate) async fn extract_matching_manifests(
    state: Data<AppState>,
    User(user): User,
    CurrentRequest(request_id): CurrentRequest,
    Path(group): Path<GroupId>,
    Body(MatchingForm { matching, choice }): Body<MatchingForm>,
) -> Result<Created<BatchAnswer>> {
    let mut connection = state.connection().await?;
    ownership::load_group(&mut connection, &user, group).await?;
    let is_dry_run = choice.is_dry_run();
    let wish = choice.resolve(&mut connection, (JobKind::Extraction, user.user_id)).await?;
    let ids = filtered_ids(&mut connection, group, &matching).await?;
    drop(connection);
    ask_or_estimate(&state, ids, (wish, is_dry_run), request_id).await.map(Created)
}

/// Makes the jobs, unless it is only asked what they would cost.
async fn ask_or_estimate(
    state: &AppState,
    ids: Vec<i32>,
    (wish, is_dry_run): (Wish, bool),
    request_id: RequestId,
) -> Result<BatchAnswer> {
    if is_dry_run {
        return Ok(BatchAnswer::Estimated(Box::new(EstimateDto::load(state, &ids, &wish).await?)));
    }
    let requested = runs::ask(state, ids, wish, request_id).await?;
    Ok(BatchAnswer::Queued(BatchDto::new(state, &requested)))
}

/// Checks that all exist and may be used by the caller; the first that does not is told.
async fn check_all(connection: &mut AsyncPgConnection, user: &Identity, ids: &[i32]) -> Result<()> {
    let belongings = manifests::list_belongings(connection, ids).await?;
    let belongings: HashMap<i32, _> = belongings.into_iter().map(|found| (found.manifest_id, found)).collect();
    for id in ids {
        if !belongings.contains_key(id) {
            return Err(AccessError::NoManifest(ManifestId(*id)).into());
        }
    }
    let may = |found: &Belonging| Access::OwnerOrAdmin.permits(user, (found.project_id, found.owner_id));
    match ids.iter().filter_map(|id| belongings.get(id)).find(|found| !may(found)) {
        Some(foreign) => Err(AccessError::ForeignProject { project: foreign.project_id.into() }.into()),
        None => Ok(()),
    }
}

impl BatchDto {
    fn new(state: &AppState, requested: &[Requested]) -> Self {
        let jobs: Vec<BatchJobDto> = requested
            .iter()
            .map(|job| BatchJobDto { job_id: runs::queue_job(job).as_str().to_owned(), manifest_id: job.manifest_id })
            .collect();
        Self {
            job_id: format!("batch_{}_{}", state.clock.now().timestamp_millis(), jobs.len()),
            job_ids: jobs.iter().map(|job| job.job_id.clone()).collect(),
            manifest_count: jobs.len(),
            jobs,
        }
    }
}
