//! `LLM_EXTRACT`: the model reads the pages and answers data.
//!
//! - **Reads** pages, schema, rules, prompt, verified documents of the project; answers that this job has paid for already.
//! - **Writes** the prompts, and every call with its answer and its usage, before the answer is looked at.
//! - **Fails when** the model refuses (at once), can't be reached or is busy (tried again), or answers no JSON.
//! - **Safe to repeat because** an answer to the same question in the same job is taken from `llm_calls`.

mod calls;
mod correct;
mod field;
mod list;
mod subject;
mod whole;

use serde_json::{Value, json};
use sluice_core::StageName;
use sluice_extraction::validate::Issue;

use crate::einvoice;
use crate::error::StageError;
use crate::pipeline::{Stage, StageContext};
use crate::state::{LlmExtracted, Patch, TextExtracted};
use crate::wiring::Ports;
use calls::Calls;
use subject::Subject;

#[derive(Debug)]
pub(crate) struct LlmExtract(pub(crate) Ports);

/// What the model's answers come to.
struct Draft {
    data: Value,
    patch: Option<Patch>,
    /// What is known to be wrong with it beside what the checks find.
    issues: Vec<Issue>,
}

impl Stage for LlmExtract {
    const NAME: StageName = StageName::LlmExtract;
    type In = TextExtracted;
    type Out = LlmExtracted;

    async fn run(&self, text: TextExtracted, context: &StageContext) -> Result<LlmExtracted, StageError> {
        let text = match einvoice::answer(text) {
            Ok(extracted) => return Ok(extracted),
            Err(text) => *text,
        };
        let Some(settings) = &text.loaded.extraction else {
            return Err(StageError::invalid("the job has nothing to ask a model"));
        };
        let subject = Subject::of(settings, &text)?;
        let mut calls = Calls::open(&self.0, context, &subject).await?;
        let draft = match &settings.field {
            None => {
                let draft = whole::extract(&mut calls).await?;
                correct::until_valid(&mut calls, draft).await?
            }
            Some(task) => field::extract(&mut calls, task).await?,
        };
        let spent = calls.spent().await?;
        let response = calls.responses();
        Ok(LlmExtracted { data: draft.data, patch: draft.patch, issues: draft.issues, response, spent, text })
    }

    fn checkpoint(output: &LlmExtracted) -> Value {
        json!({"inputTokens": output.spent.usage.input_tokens, "outputTokens": output.spent.usage.output_tokens})
    }
}
