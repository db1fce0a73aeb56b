//! From a scope to spooled rows.

use std::time::Duration;

use sluice_db::models::manifests::export::{self, Selected, Selection};
use sluice_db::models::reports::Scope as Own;
use sluice_db::models::{export_scripts, groups};

use super::chain::Chains;
use super::columns;
use super::problem::Problem;
use super::scope::Scope;
use super::spool::{Spool, Spooled};
use super::{Format, MAX_MANIFESTS};
use crate::error::ApiError;
use crate::state::AppState;

/// So many manifests are held in memory at a time.
const BATCH: usize = 50;
/// More export scripts are not run.
const MAX_SCRIPTS: usize = 100;
/// How long the rows may take, scripts included.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Makes all rows.
pub(crate) async fn spool(state: &AppState, own: Own, scope: &Scope, format: Format) -> Result<Spooled, Problem> {
    let rows = tokio::time::timeout(TIMEOUT, spool_all(state, own, scope, format));
    rows.await.unwrap_or(Err(Problem::TooLong { limit_seconds: TIMEOUT.as_secs() }))
}

async fn spool_all(state: &AppState, own: Own, scope: &Scope, format: Format) -> Result<Spooled, Problem> {
    let mut connection = state.connection().await?;
    let limit = i64::try_from(MAX_MANIFESTS + 1).unwrap_or(i64::MAX);
    let selected = export::select(&mut connection, own, &scope.selection, limit).await.map_err(ApiError::from)?;
    if selected.len() > MAX_MANIFESTS {
        return Err(Problem::TooManyManifests { limit: MAX_MANIFESTS });
    }
    let schema = match project_of(&mut connection, scope, &selected).await.map_err(ApiError::from)? {
        Some(id) => export::find_schema(&mut connection, own, id).await.map_err(ApiError::from)?,
        None => None,
    };
    let schema_columns = schema.as_ref().map(columns::of_schema).unwrap_or_default();
    let mut projects: Vec<i32> = selected.iter().map(|manifest| manifest.project_id).collect();
    projects.sort_unstable();
    projects.dedup();
    let limit = i64::try_from(MAX_SCRIPTS + 1).unwrap_or(i64::MAX);
    let scripts = export_scripts::list_enabled(&mut connection, &projects, limit).await.map_err(ApiError::from)?;
    if scripts.len() > MAX_SCRIPTS {
        return Err(Problem::TooManyScripts { limit: MAX_SCRIPTS });
    }
    drop(connection);
    let mut spool = Spool::create(schema_columns.clone()).await?;
    let mut chains = Chains::open(state, scripts, format, schema_columns).await?;
    for batch in selected.chunks(BATCH) {
        let ids: Vec<i32> = batch.iter().map(|manifest| manifest.id).collect();
        // No connection is held while scripts run.
        let manifests = export::load(&mut *state.connection().await?, &ids).await.map_err(ApiError::from)?;
        for manifest in manifests {
            chains.run(manifest, &mut spool).await?;
        }
    }
    spool.finish().await
}

/// The one project that is exported, if it is clear which: it is asked for, or its group, or all listed manifests are
/// of it.
async fn project_of(
    connection: &mut sluice_db::AsyncPgConnection,
    scope: &Scope,
    selected: &[Selected],
) -> Result<Option<i32>, sluice_db::Error> {
    match &scope.selection {
        Selection::Matching(matching) => match (matching.project_id, matching.group_id) {
            (Some(id), _) => Ok(Some(id)),
            (None, Some(id)) => Ok(groups::find(connection, id).await?.map(|group| group.project_id)),
            (None, None) => Ok(None),
        },
        Selection::Listed(_) => Ok(selected
            .first()
            .map(|first| first.project_id)
            .filter(|only| selected.iter().all(|manifest| manifest.project_id == *only))),
    }
}
