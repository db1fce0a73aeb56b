//! A check of many manifests: a few children, each of which takes one manifest after the other.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use actix_web::web::Data;
use futures_util::future::try_join_all;
use serde::Serialize;
use sluice_access::{Access, Identity};
use sluice_db::models::manifests::validation::{self, ManifestOwner};
use sluice_db::models::validation_scripts::{self, ValidationScript};
use utoipa::ToSchema;

use super::dto::ValidationResultDto;
use super::run::{check_and_store, load_chosen, load_manifest};
use super::script_set::ScriptSet;
use crate::error::{ApiError, Result};
use crate::extract::{Body, Fields, Input, User};
use crate::respond::Created;
use crate::state::AppState;

/// Manifests that are checked at a time; the sandbox may allow fewer children.
const PARALLEL: usize = 5;
/// Ids that one query takes.
const CHUNK: usize = 1_000;

/// Manifests, and which scripts are run instead of those of their projects.
#[derive(Debug)]
pub(crate) struct ValidationBatchForm {
    manifest_ids: Vec<i32>,
    script_ids: Option<Vec<i32>>,
}

impl Input for ValidationBatchForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            manifest_ids: fields.integers("manifestIds").required(),
            script_ids: fields.integers("scriptIds").optional(),
        }
    }
}

/// What came of each manifest, by its id.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidationBatchDto {
    outcomes_by_manifest_id: BTreeMap<String, ValidationOutcomeDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ValidationOutcomeDto {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    result: Option<ValidationResultDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<ValidationOutcomeErrorDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ValidationOutcomeErrorDto {
    message: String,
}

/// What the workers of one request share; they take turns on one thread.
struct Batch<'a> {
    state: &'a AppState,
    identity: &'a Identity,
    chosen: Option<Vec<ValidationScript>>,
    /// What is still to be done, a project's manifests together.
    queue: RefCell<VecDeque<ManifestOwner>>,
    outcomes: RefCell<BTreeMap<i32, Result<ValidationResultDto>>>,
}

/// POST /validation/batch
pub(crate) async fn run_validation_batch(
    state: Data<AppState>,
    User(identity): User,
    Body(form): Body<ValidationBatchForm>,
) -> Result<Created<ValidationBatchDto>> {
    let ids: Vec<i32> = BTreeSet::from_iter(form.manifest_ids).into_iter().collect();
    let batch = Batch::prepare(&state, &identity, &ids, form.script_ids.as_deref()).await?;
    let workers = batch.queue.borrow().len().min(PARALLEL);
    try_join_all((0..workers).map(|_| batch.work())).await?;
    Ok(Created(batch.finish(&ids)))
}

impl<'a> Batch<'a> {
    async fn prepare(
        state: &'a AppState,
        identity: &'a Identity,
        ids: &[i32],
        script_ids: Option<&[i32]>,
    ) -> Result<Self> {
        let mut connection = state.connection().await?;
        let chosen = match script_ids {
            Some(script_ids) => Some(load_chosen(&mut connection, identity, script_ids).await?),
            None => None,
        };
        let (mut queue, mut outcomes) = (Vec::new(), BTreeMap::new());
        for chunk in ids.chunks(CHUNK) {
            for owned in validation::list_owners(&mut connection, chunk).await? {
                if Access::OwnerOrAdmin.permits(identity, (owned.project_id, owned.user_id)) {
                    queue.push(owned);
                } else {
                    outcomes.insert(owned.id, Err(ApiError::bad_request("Access denied")));
                }
            }
        }
        queue.sort_by_key(|owned| (owned.project_id, owned.id));
        let (queue, outcomes) = (RefCell::new(queue.into()), RefCell::new(outcomes));
        Ok(Self { state, identity, chosen, queue, outcomes })
    }

    /// Takes manifests until there are no more. What is wrong with one of them is its outcome; what is wrong with us ends
    /// the whole batch.
    async fn work(&self) -> Result<()> {
        let mut open: Option<(i32, ScriptSet)> = None;
        loop {
            let next = self.queue.borrow_mut().pop_front();
            let Some(ManifestOwner { id, project_id, .. }) = next else { return Ok(()) };
            let fits = |project: i32| self.chosen.is_some() || project == project_id;
            let mut set = match open.take() {
                Some((project, set)) if fits(project) => set,
                other => {
                    // One place in the sandbox is given back before another is asked for.
                    drop(other);
                    self.open(project_id).await?
                }
            };
            let outcome = self.check(&mut set, id).await;
            open = Some((project_id, set));
            match outcome {
                Err(error) if error.is_ours() => return Err(error),
                outcome => self.outcomes.borrow_mut().insert(id, outcome),
            };
        }
    }

    async fn open(&self, project_id: i32) -> Result<ScriptSet> {
        let scripts = match &self.chosen {
            Some(chosen) => chosen.clone(),
            None => validation_scripts::list_enabled(&mut *self.state.connection().await?, project_id).await?,
        };
        Ok(ScriptSet::open(&self.state.sandbox, scripts).await?)
    }

    async fn check(&self, set: &mut ScriptSet, id: i32) -> Result<ValidationResultDto> {
        let manifest = load_manifest(&mut *self.state.connection().await?, self.identity, id).await?;
        Ok(check_and_store(self.state, set, manifest).await?.into())
    }

    fn finish(self, ids: &[i32]) -> ValidationBatchDto {
        let mut outcomes = self.outcomes.into_inner();
        let describe = |id: &i32| {
            let outcome = match outcomes.remove(id) {
                Some(Ok(result)) => ValidationOutcomeDto { ok: true, result: Some(result), error: None },
                Some(Err(error)) => ValidationOutcomeDto::failed(error.to_string()),
                None => ValidationOutcomeDto::failed(format!("Manifest {id} not found")),
            };
            (id.to_string(), outcome)
        };
        ValidationBatchDto { outcomes_by_manifest_id: ids.iter().map(describe).collect() }
    }
}

impl ValidationOutcomeDto {
    const fn failed(message: String) -> Self {
        Self { ok: false, result: None, error: Some(ValidationOutcomeErrorDto { message }) }
    }
}
