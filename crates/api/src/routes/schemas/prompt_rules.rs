//! Prompt rules that a model writes: what is told to the model that extracts, in Markdown.

use actix_web::web::Data;
use serde::Serialize;
use sluice_core::SchemaId;
use sluice_db::models::schemas::Schema;
use sluice_extraction::generate;
use sluice_extraction::generate::instructions::{self, Wish};
use sluice_extraction::prompt::Prompt;
use sluice_llm::Format;
use utoipa::ToSchema;

use super::corrections::AnalyzeCorrections;
use super::generate::load_schema;
use crate::error::{ApiError, Result};
use crate::extract::{Body, Fields, Input, Path, User};
use crate::generator::{Generator, reading};
use crate::ndjson::{self, NdJson};
use crate::respond::{Created, Raw};
use crate::state::AppState;

/// What prompt rules are to be made of.
#[derive(Debug)]
pub(crate) struct PromptRulesWish {
    model_id: String,
    prompt: String,
    current: Option<String>,
    previous: Option<String>,
    feedback: Option<String>,
}

impl Input for PromptRulesWish {
    fn read(fields: &mut Fields) -> Self {
        Self {
            model_id: fields.string("modelId").min_length(1).required(),
            prompt: fields.string("prompt").min_length(1).required(),
            current: fields.string("currentRulesMarkdown").optional(),
            previous: fields.string("previousCandidateMarkdown").optional(),
            feedback: fields.string("feedback").optional(),
        }
    }
}

impl PromptRulesWish {
    fn prompt(&self, schema: &Schema) -> Prompt {
        instructions::rules_prompt(&Wish {
            prompt: &self.prompt,
            json_schema: &schema.json_schema,
            current: self.current.as_deref(),
            previous: self.previous.as_deref(),
            feedback: self.feedback.as_deref(),
        })
    }
}

/// Prompt rules that a model wrote.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PromptRulesDto {
    rules_markdown: String,
}

/// POST /schemas/:id/generate-prompt-rules
pub(crate) async fn generate_prompt_rules(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<SchemaId>,
    Body(wish): Body<PromptRulesWish>,
) -> Result<Created<PromptRulesDto>> {
    let schema = load_schema(&state, &identity, id).await?;
    let generator = Generator::load(&state, &wish.model_id).await?;
    let asked = generator.ask(wish.prompt(&schema), Format::Text, reading(generate::read_text));
    Ok(Created(PromptRulesDto { rules_markdown: asked.await? }))
}

/// POST /schemas/:id/generate-prompt-rules/stream
pub(crate) async fn stream_prompt_rules(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<SchemaId>,
    Body(wish): Body<PromptRulesWish>,
) -> Result<Raw<NdJson>> {
    let schema = load_schema(&state, &identity, id).await?;
    let generator = Generator::load(&state, &wish.model_id).await?;
    Ok(ndjson::answer(generator.stream(wish.prompt(&schema), None)))
}

/// What prompt rules are to be made of, when that is what people corrected.
#[derive(Debug)]
pub(crate) struct CorrectionsWish {
    model_id: String,
    which: AnalyzeCorrections,
    feedback: Option<String>,
}

impl Input for CorrectionsWish {
    fn read(fields: &mut Fields) -> Self {
        Self {
            model_id: fields.string("modelId").min_length(1).required(),
            which: AnalyzeCorrections::read(fields),
            feedback: fields.string("feedback").optional(),
        }
    }
}

/// POST /schemas/:id/generate-prompt-rules-from-corrections/stream
pub(crate) async fn stream_prompt_rules_from_corrections(
    state: Data<AppState>,
    User(identity): User,
    Path(id): Path<SchemaId>,
    Body(CorrectionsWish { model_id, which, feedback }): Body<CorrectionsWish>,
) -> Result<Raw<NdJson>> {
    let schema = load_schema(&state, &identity, id).await?;
    let generator = Generator::load(&state, &model_id).await?;
    let analysis = which.run(&mut *state.connection().await?, schema.project_id).await?;
    if analysis.total_diffs == 0 {
        return Err(ApiError::bad_request("No corrections found for this schema"));
    }
    let analysis = serde_json::to_value(&analysis)
        .map_err(|error| ApiError::fault("The corrections can't be told").with_source(error))?;
    let settings = schema.validation_settings.as_ref();
    let prompt = instructions::corrections_prompt(
        &analysis,
        &Wish {
            prompt: "Rules that prevent these corrections.",
            json_schema: &schema.json_schema,
            current: settings.and_then(|settings| settings.get("promptRulesMarkdown")?.as_str()),
            previous: None,
            feedback: feedback.as_deref(),
        },
    );
    Ok(ndjson::answer(generator.stream(prompt, Some(analysis))))
}
