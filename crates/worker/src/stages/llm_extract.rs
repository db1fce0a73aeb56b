//! `LLM_EXTRACT`: the model reads the pages and answers data.
//!
//! - **Reads** pages, schema, rules, prompt; answers that this job has paid for already.
//! - **Writes** the prompts, and every call with its answer and its usage, before the answer is looked at.
//! - **Fails when** the model refuses (at once), can't be reached or is busy (tried again), or answers no JSON.
//! - **Safe to repeat because** an answer to the same question in the same job is taken from `llm_calls`.

use std::convert::Infallible;

use serde_json::{Value, json};
use sluice_core::{NanoAmount, Page, StageName};
use sluice_db::models::llm_calls::{self, LlmCall, NewLlmCall};
use sluice_db::models::runs;
use sluice_extraction::cost::Usage;
use sluice_extraction::prompt::{self, Contract, Prompt, Rule};
use sluice_extraction::reply::ReplyError;
use sluice_extraction::validate::Issue;
use sluice_extraction::{reply, response_form, validate};
use sluice_llm::{Answer, Client, Format, Message, Question};
use tokio::sync::watch;

use crate::einvoice;
use crate::error::StageError;
use crate::pipeline::{Stage, StageContext};
use crate::state::{ExtractionSettings, FieldTask, LlmExtracted, Patch, Spent, TextExtracted};
use crate::wiring::Ports;

/// Bytes after which half of the stage's progress is shown; the length of an answer is not known before its end.
const HALF_WAY_BYTES: f64 = 800.0;

#[derive(Debug)]
pub(crate) struct LlmExtract(pub(crate) Ports);

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
        let asked = Asked::of(settings);
        let prompt = asked.prompt(settings, &text.pages);
        let mut connection = self.0.pool.get().await?;
        runs::store_prompts(&mut connection, context.attempt, &prompt.system, &prompt.user).await?;
        let earlier = llm_calls::list(&mut connection, context.attempt.job_id).await?;
        drop(connection);
        let mut calls = Calls { ports: &self.0, context, settings, asked: &asked, earlier, number: 0 };
        let best = calls.until_valid(&prompt).await?;
        // What does not pass is worth keeping where nothing is; it must not take the place of what is there.
        if let (Some(field), Some(issue)) = (&settings.field, best.issues.first()) {
            let message = format!("the model's answer for {} does not pass the checks: {}", field.path, issue.message);
            return Err(StageError::invalid(message));
        }
        let spent = calls.spent().await?;
        Ok(LlmExtracted { data: best.data, patch: best.patch, issues: Vec::new(), response: best.content, spent, text })
    }

    fn checkpoint(output: &LlmExtracted) -> Value {
        json!({"inputTokens": output.spent.usage.input_tokens, "outputTokens": output.spent.usage.output_tokens})
    }
}

/// What is asked for: all of the schema, or what one field needs of it.
struct Asked {
    json_schema: Value,
    required_fields: Vec<String>,
    rules: Vec<Rule>,
}

impl Asked {
    fn of(settings: &ExtractionSettings) -> Self {
        let schema = &settings.schema;
        match &settings.field {
            None => Self {
                json_schema: schema.json_schema.clone(),
                required_fields: schema.required_fields.clone(),
                rules: settings.rules.clone(),
            },
            Some(FieldTask { path, .. }) => Self {
                json_schema: path.narrow(&schema.json_schema),
                required_fields: vec![path.to_string()],
                rules: settings.rules.iter().filter(|rule| path.overlaps(&rule.field_path)).cloned().collect(),
            },
        }
    }

    fn prompt(&self, settings: &ExtractionSettings, pages: &[Page]) -> Prompt {
        let contract = Contract {
            prompt: settings.prompt.as_deref(),
            template: settings.schema.system_prompt_template.as_deref(),
            json_schema: &self.json_schema,
            required_fields: &self.required_fields,
            rules: &self.rules,
            settings: settings.schema.validation_settings.as_ref(),
        };
        match &settings.field {
            None => prompt::build(&contract, pages),
            Some(FieldTask { path, data }) => {
                let mut known = path.without(data);
                if let Some(fields) = known.as_object_mut() {
                    fields.shift_remove("_extraction_info");
                }
                prompt::build_for_field(&contract, pages, path, &known)
            }
        }
    }
}

/// The calls of one attempt.
struct Calls<'a> {
    ports: &'a Ports,
    context: &'a StageContext,
    settings: &'a ExtractionSettings,
    asked: &'a Asked,
    /// What the job has asked in earlier attempts.
    earlier: Vec<LlmCall>,
    number: i32,
}

/// An answer that could be read.
struct Candidate {
    content: String,
    data: Value,
    patch: Option<Patch>,
    issues: Vec<Issue>,
}

impl Calls<'_> {
    /// Asks until the answer passes the checks or the calls are used up; answers the best.
    async fn until_valid(&mut self, prompt: &Prompt) -> Result<Candidate, StageError> {
        let schema = &self.asked.json_schema;
        let derived = response_form::derive(schema);
        let format = Format::Schema {
            name: "extracted_data",
            is_strict: derived.is_some(),
            schema: derived.unwrap_or_else(|| schema.clone()),
        };
        let limit = self.ports.llm_calls;
        let mut best: Option<Candidate> = None;
        let mut correction: Option<(String, String)> = None;
        loop {
            let question = Question { messages: messages(prompt, correction.as_ref()), format: format.clone() };
            let answer = self.ask(&question).await?;
            let is_last = self.number >= limit;
            match self.read(&answer) {
                Ok(candidate) if candidate.issues.is_empty() => return Ok(candidate),
                Ok(candidate) => {
                    correction = Some((answer.content, list(&candidate.issues)));
                    if best.as_ref().is_none_or(|best| candidate.issues.len() < best.issues.len()) {
                        best = Some(candidate);
                    }
                }
                // More tokens are needed, not another try.
                Err(ReplyError::Cut) => {
                    let tokens = self.settings.endpoint.max_tokens;
                    let advice = format!(
                        "the model's answer was cut at its limit of {tokens} tokens; raise the model's maxTokens"
                    );
                    return best.ok_or_else(|| StageError::invalid(advice));
                }
                Err(error @ (ReplyError::NoObject { .. } | ReplyError::NoField { .. })) if is_last => {
                    return best.ok_or_else(|| StageError::invalid(error.to_string()));
                }
                Err(error @ (ReplyError::NoObject { .. } | ReplyError::NoField { .. })) => {
                    correction = Some((answer.content, error.to_string()));
                }
            }
            if is_last && let Some(best) = best {
                return Ok(best);
            }
        }
    }

    fn read(&self, answer: &Answer) -> Result<Candidate, ReplyError> {
        let answered = reply::parse(&answer.content, &answer.finish_reason)?;
        match &self.settings.field {
            None => {
                let data = reply::convert(answered, &self.asked.json_schema);
                let issues = self.check(&data);
                Ok(Candidate { content: answer.content.clone(), data, patch: None, issues })
            }
            Some(task) => self.read_field(answer, answered, task),
        }
    }

    /// The answer's value in the data that is there. Only what the checks find at the field counts: the rest is as it was.
    fn read_field(&self, answer: &Answer, answered: Value, task: &FieldTask) -> Result<Candidate, ReplyError> {
        let path = &task.path;
        let no_field = || ReplyError::NoField { field: path.to_string() };
        path.find(&answered).ok_or_else(no_field)?;
        // By the whole schema, in which a field may be optional: a null of one is left out.
        let converted = reply::convert(answered, &self.settings.schema.json_schema);
        let patch = Patch {
            value: path.find(&converted).cloned(),
            info: converted.get("_extraction_info").filter(|info| info.is_object()).cloned(),
        };
        let merged = path.merge(&task.data, patch.value.clone(), patch.info.as_ref());
        let data = merged.map_err(|_no_place| no_field())?;
        let mut issues = self.check(&data);
        issues.retain(|issue| !issue.field.is_empty() && path.overlaps(&issue.field));
        Ok(Candidate { content: answer.content.clone(), data, patch: Some(patch), issues })
    }

    /// A schema that is none is VALIDATE's to tell.
    fn check(&self, data: &Value) -> Vec<Issue> {
        let schema = &self.settings.schema;
        validate::check(data, &schema.json_schema, &schema.required_fields).unwrap_or_default()
    }

    /// The answer to a question: one that the job has paid for already, else a new one, recorded before it is used.
    async fn ask(&mut self, question: &Question) -> Result<Answer, StageError> {
        self.number += 1;
        let request_sha256 = Client::fingerprint(&self.settings.endpoint, question);
        let paid = self.earlier.iter().find(|call| call.request_sha256 == request_sha256 && call.response.is_some());
        if let Some(call) = paid {
            tracing::info!("the answer of an earlier attempt is used again");
            return Ok(answer_of(call));
        }
        let started_at = self.ports.clock.now();
        let (received, progress) = watch::channel(0);
        let result = tokio::select! {
            result = self.ports.models.ask(&self.settings.endpoint, question, &received) => result.map_err(StageError::from),
            never = self.report(progress) => match never {},
        };
        let answer = result.as_ref().ok();
        let tokens = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
        let call = NewLlmCall {
            job_id: self.context.attempt.job_id,
            attempt: self.context.attempt.number,
            call_number: self.number,
            request_sha256,
            response: answer.map(|answer| answer.content.clone()),
            finish_reason: answer.map(|answer| answer.finish_reason.clone()),
            error_message: result.as_ref().err().map(|error| error.message.clone()),
            input_tokens: answer.map(|answer| tokens(answer.usage.input_tokens)),
            output_tokens: answer.map(|answer| tokens(answer.usage.output_tokens)),
            usage_estimated: answer.is_some_and(|answer| answer.usage.is_estimated),
            cost_nano: answer.map(|answer| self.settings.pricing.call(answer.usage).0),
            cost_currency: self.settings.pricing.currency().map(str::to_owned),
            started_at,
            finished_at: self.ports.clock.now(),
        };
        llm_calls::insert(&mut *self.ports.pool.get().await?, &call).await?;
        result
    }

    /// Tells how far an answer has come: ever closer to the end of the stage, never there.
    async fn report(&self, mut received: watch::Receiver<usize>) -> Infallible {
        while received.changed().await.is_ok() {
            let bytes = f64::from(u32::try_from(*received.borrow_and_update()).unwrap_or(u32::MAX));
            let fraction = bytes / (bytes + HALF_WAY_BYTES);
            self.context.reporter.within_stage(StageName::LlmExtract, fraction, None).await;
        }
        std::future::pending().await
    }

    /// What all calls of the job took, in whichever attempt.
    async fn spent(&self) -> Result<Spent, StageError> {
        let calls = llm_calls::list(&mut *self.ports.pool.get().await?, self.context.attempt.job_id).await?;
        let mut spent = Spent::default();
        for call in calls {
            let answer = answer_of(&call);
            spent.usage.input_tokens += answer.usage.input_tokens;
            spent.usage.output_tokens += answer.usage.output_tokens;
            spent.usage.is_estimated |= answer.usage.is_estimated;
            spent.cost = spent.cost.plus(NanoAmount(call.cost_nano.unwrap_or(0)));
        }
        Ok(spent)
    }
}

/// The prompt, and an answer that was wrong together with what was wrong with it.
fn messages(prompt: &Prompt, correction: Option<&(String, String)>) -> Vec<Message> {
    let mut messages = vec![Message::system(prompt.system.as_str()), Message::user(prompt.user.as_str())];
    if let Some((answer, errors)) = correction {
        messages.push(Message::assistant(answer.as_str()));
        messages.push(Message::user(format!(
            "This answer has errors:\n{errors}\nAnswer again with the whole corrected JSON object."
        )));
    }
    messages
}

fn answer_of(call: &LlmCall) -> Answer {
    let tokens = |count: Option<i32>| count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
    Answer {
        content: call.response.clone().unwrap_or_default(),
        finish_reason: call.finish_reason.clone().unwrap_or_default(),
        usage: Usage {
            input_tokens: tokens(call.input_tokens),
            output_tokens: tokens(call.output_tokens),
            is_estimated: call.usage_estimated,
        },
    }
}

fn list(issues: &[Issue]) -> String {
    issues.iter().map(|issue| format!("- {}", issue.message)).collect::<Vec<_>>().join("\n")
}
