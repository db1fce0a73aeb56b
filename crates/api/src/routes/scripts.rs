//! What validation scripts and export scripts have in common.

use serde::Serialize;
use serde_json::Value;
use sluice_access::{Access, Error as AccessError, Identity, ownership};
use sluice_core::ProjectId;
use sluice_db::AsyncPgConnection;
use sluice_sandbox::{LogLine, Script, ScriptError, ScriptKind, ScriptRun};
use utoipa::ToSchema;

use crate::error::{ApiError, Result};
use crate::extract::{Fields, Input};
use crate::state::AppState;

/// Longer scripts are refused.
pub(crate) const MAX_SCRIPT_CHARS: usize = 200_000;

/// A script to be compiled.
#[derive(Debug)]
pub(crate) struct ScriptToCheck(pub(crate) String);

impl Input for ScriptToCheck {
    fn read(fields: &mut Fields) -> Self {
        Self(fields.string("script").max_length(MAX_SCRIPT_CHARS).required())
    }
}

/// Whether a script can be used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScriptCheckDto {
    valid: bool,
    /// What is wrong with it, and in which line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
}

/// What a script wrote to its console.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScriptDebugDto {
    logs: Vec<ScriptLogDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ScriptLogDto {
    level: String,
    message: String,
}

/// How a script failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScriptFailureDto {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    stack: Option<String>,
}

impl ScriptDebugDto {
    pub(crate) fn new(logs: Vec<LogLine>) -> Self {
        Self { logs: logs.into_iter().map(|line| ScriptLogDto { level: line.level, message: line.message }).collect() }
    }
}

impl From<ScriptError> for ScriptFailureDto {
    fn from(error: ScriptError) -> Self {
        Self { message: error.to_string(), stack: error.stack }
    }
}

/// Loads the project that a script is for. One that is missing looks like one of another.
pub(crate) async fn check_project(connection: &mut AsyncPgConnection, identity: &Identity, id: i32) -> Result<()> {
    match ownership::load_project(connection, identity, Access::OwnerOrAdmin, ProjectId(id)).await {
        Ok(_project) => Ok(()),
        Err(AccessError::NoProject(project)) => Err(AccessError::ForeignProject { project }.into()),
        Err(error) => Err(error.into()),
    }
}

/// Refuses to move a script to another project, whoever owns that.
pub(crate) fn check_same_project(stored: i32, sent: Option<i32>) -> Result<()> {
    match sent {
        Some(sent) if sent != stored => Err(ApiError::bad_request("A script can't be moved to another project")),
        _ => Ok(()),
    }
}

/// Refuses a script that can't be used.
pub(crate) async fn check_source(state: &AppState, kind: ScriptKind, name: &str, source: &str) -> Result<()> {
    match state.sandbox.check_script(kind, source).await? {
        None => Ok(()),
        Some(error) => Err(ApiError::bad_request(format!("Script {name} can't be used: {error}"))),
    }
}

/// Says whether a script can be used.
pub(crate) async fn describe_source(state: &AppState, kind: ScriptKind, source: &str) -> Result<ScriptCheckDto> {
    let error = state.sandbox.check_script(kind, source).await?;
    Ok(ScriptCheckDto { valid: error.is_none(), error: error.map(|error| error.to_string()) })
}

/// Runs a script that is stored nowhere.
pub(crate) async fn try_script(
    state: &AppState,
    kind: ScriptKind,
    source: String,
    arguments: Vec<Value>,
) -> Result<ScriptRun> {
    check_source(state, kind, "under test", &source).await?;
    let script = Script { id: 0, name: "script".to_owned(), source };
    let mut runner = state.sandbox.open_scripts(kind, vec![script]).await?;
    Ok(runner.run(0, arguments).await?)
}
