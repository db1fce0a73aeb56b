//! Validation scripts that a model writes.

use actix_web::web::Data;
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_extraction::generate::script::{self, GeneratedScript};
use sluice_llm::Format;
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Body, Fields, Input, User};
use crate::generator::{Generator, reading};
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
    Ok(Created(generator.ask(prompt, Format::Object, reading(script::read)).await?.into()))
}
