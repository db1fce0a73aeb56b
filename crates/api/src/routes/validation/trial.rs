//! A trial of a script that is stored nowhere.

use actix_web::web::Data;
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_extraction::scripts;
use sluice_extraction::validate::ValidationResult;
use sluice_sandbox::ScriptKind;
use utoipa::ToSchema;

use super::dto::ValidationResultDto;
use crate::error::Result;
use crate::extract::{Body, Fields, Input, User};
use crate::respond::Created;
use crate::routes::scripts::{MAX_SCRIPT_CHARS, ScriptDebugDto, ScriptFailureDto, try_script};
use crate::state::AppState;

/// What the script is called in its own issue.
const NAME: &str = "Test script";

/// A validation script and what it is to be tried on.
#[derive(Debug)]
pub(crate) struct ValidationScriptTrial {
    script: String,
    extracted_data: Map<String, Value>,
    debug: Option<bool>,
}

impl Input for ValidationScriptTrial {
    fn read(fields: &mut Fields) -> Self {
        Self {
            script: fields.string("script").max_length(MAX_SCRIPT_CHARS).required(),
            extracted_data: fields.object("extractedData").required(),
            debug: fields.boolean("debug").optional(),
        }
    }
}

/// What a script found in the data.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidationScriptTrialDto {
    result: ValidationResultDto,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    debug: Option<ScriptDebugDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    runtime_error: Option<ScriptFailureDto>,
}

/// POST /validation/scripts/test
pub(crate) async fn try_validation_script(
    state: Data<AppState>,
    _user: User,
    Body(trial): Body<ValidationScriptTrial>,
) -> Result<Created<ValidationScriptTrialDto>> {
    let arguments = vec![Value::Object(trial.extracted_data)];
    let run = try_script(&state, ScriptKind::Validate, trial.script, arguments).await?;
    let (issues, failure) = match run.outcome {
        Ok(answer) => (scripts::read_issues(0, NAME, answer), None),
        Err(error) => (vec![scripts::failure(0, NAME, &error.to_string())], Some(ScriptFailureDto::from(error))),
    };
    let result = ValidationResult::new(issues, state.clock.now(), None).into();
    let debug = trial.debug.unwrap_or(true).then(|| ScriptDebugDto::new(run.logs));
    Ok(Created(ValidationScriptTrialDto { result, debug, runtime_error: failure }))
}
