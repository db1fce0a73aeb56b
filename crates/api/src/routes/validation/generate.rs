//! Validation scripts that a model writes.

use actix_web::web::Data;
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_extraction::generate::script::{self, GeneratedScript};
use sluice_extraction::generate::{self, Unusable};
use sluice_llm::{Answer, Format};
use sluice_sandbox::{Sandbox, ScriptKind};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Body, Fields, Input, User};
use crate::generator::Generator;
use crate::respond::Created;
use crate::state::AppState;

/// What a script is to check.
#[derive(Debug)]
pub(crate) struct ScriptWish {
    model_id: String,
    prompt: String,
    structure: Map<String, Value>,
}

impl Input for ScriptWish {
    fn read(fields: &mut Fields) -> Self {
        Self {
            model_id: fields.string("llmModelId").min_length(1).required(),
            prompt: fields.string("prompt").min_length(1).required(),
            structure: fields.object("structured").required(),
        }
    }
}

/// A script that a model wrote.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GeneratedScriptDto {
    name: String,
    description: String,
    severity: String,
    script: String,
}

impl From<GeneratedScript> for GeneratedScriptDto {
    fn from(script: GeneratedScript) -> Self {
        Self {
            name: script.name,
            description: script.description,
            severity: script.severity.to_owned(),
            script: script.script,
        }
    }
}

/// POST /validation/scripts/generate
pub(crate) async fn generate_validation_script(
    state: Data<AppState>,
    _user: User,
    Body(wish): Body<ScriptWish>,
) -> Result<Created<GeneratedScriptDto>> {
    let generator = Generator::load(&state, &wish.model_id).await?;
    let prompt = script::prompt(&wish.prompt, &Value::Object(wish.structure));
    let read = async |answer: &Answer| read_script(&state.sandbox, answer).await;
    Ok(Created(generator.ask(prompt, Format::Object, read).await?.into()))
}

/// A script whose syntax is wrong is of no use either.
async fn read_script(sandbox: &Sandbox, answer: &Answer) -> Result<generate::Result<GeneratedScript>> {
    let script = match script::read(&answer.content, &answer.finish_reason) {
        Ok(script) => script,
        Err(unusable) => return Ok(Err(unusable)),
    };
    let error = sandbox.check_script(ScriptKind::Validate, &script.script).await?;
    Ok(error.map_or(Ok(script), |error| Err(Unusable(format!("the script has an error: {error}")))))
}
