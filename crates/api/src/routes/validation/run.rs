//! A check of one manifest.

use actix_web::web::Data;
use serde_json::Value;
use sluice_access::{Access, Error as AccessError, Identity};
use sluice_core::{ManifestId, ProjectId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::manifests::validation::{self, CheckedManifest};
use sluice_db::models::validation_scripts::{self, ValidationScript};
use sluice_extraction::validate::ValidationResult;

use super::dto::ValidationResultDto;
use super::script_set::ScriptSet;
use crate::error::{ApiError, Code, Result};
use crate::extract::{Body, Fields, Input, User};
use crate::respond::Created;
use crate::state::AppState;

/// A manifest, and which scripts are run instead of those of its project.
#[derive(Debug)]
pub(crate) struct ValidationForm {
    manifest_id: i32,
    script_ids: Option<Vec<i32>>,
}

impl Input for ValidationForm {
    fn read(fields: &mut Fields) -> Self {
        Self {
            manifest_id: fields.integer("manifestId").required(),
            script_ids: fields.integers("scriptIds").optional(),
        }
    }
}

/// POST /validation/run
pub(crate) async fn run_validation(
    state: Data<AppState>,
    User(identity): User,
    Body(form): Body<ValidationForm>,
) -> Result<Created<ValidationResultDto>> {
    let mut connection = state.connection().await?;
    let manifest = load_manifest(&mut connection, &identity, form.manifest_id).await?;
    if manifest.extracted_data.is_none() {
        return Err(no_data());
    }
    let scripts = match &form.script_ids {
        Some(ids) => load_chosen(&mut connection, &identity, ids).await?,
        None => validation_scripts::list_enabled(&mut connection, manifest.project_id).await?,
    };
    drop(connection);
    let mut set = ScriptSet::open(&state.sandbox, scripts).await?;
    let result = check_and_store(&state, &mut set, manifest).await?;
    Ok(Created(result.into()))
}

/// Of the scripts that are asked for, those that the caller may use and that are enabled.
pub(super) async fn load_chosen(
    connection: &mut AsyncPgConnection,
    identity: &Identity,
    ids: &[i32],
) -> Result<Vec<ValidationScript>> {
    let owner = (!identity.is_admin).then_some(identity.user_id.0);
    let mut scripts = validation_scripts::list_enabled_by_ids(connection, ids, owner).await?;
    scripts.retain(|script| identity.reaches(script.project_id));
    Ok(scripts)
}

pub(super) async fn load_manifest(
    connection: &mut AsyncPgConnection,
    identity: &Identity,
    id: i32,
) -> Result<CheckedManifest> {
    let missing = || AccessError::NoManifest(ManifestId(id));
    let manifest = validation::find(connection, id).await?.ok_or_else(missing)?;
    if Access::OwnerOrAdmin.permits(identity, (manifest.project_id, manifest.user_id)) {
        Ok(manifest)
    } else {
        Err(AccessError::ForeignProject { project: ProjectId(manifest.project_id) }.into())
    }
}

/// Runs scripts over a manifest's data and stores what they find.
pub(super) async fn check_and_store(
    state: &AppState,
    set: &mut ScriptSet,
    manifest: CheckedManifest,
) -> Result<ValidationResult> {
    let data: Value = manifest.extracted_data.ok_or_else(no_data)?;
    let schema = manifest.schema.as_ref().map(|(id, version)| (*id, version.as_str()));
    let result = set.check(&data, state.clock.now(), schema).await?;
    let stored = serde_json::to_value(&result).map_err(|error| ApiError::new(Code::Internal, "").with_source(error))?;
    if validation::store_results(&mut *state.connection().await?, manifest.id, &stored).await? {
        Ok(result)
    } else {
        Err(AccessError::NoManifest(ManifestId(manifest.id)).into())
    }
}

fn no_data() -> ApiError {
    ApiError::bad_request("No extracted data to validate")
}
