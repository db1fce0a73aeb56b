//! The calls of one attempt: each is recorded before it is used, and none is paid twice.

use std::convert::Infallible;

use serde_json::Value;
use sluice_core::{NanoAmount, StageName};
use sluice_db::models::llm_calls::{self, LlmCall, NewLlmCall};
use sluice_db::models::runs;
use sluice_extraction::cost::Usage;
use sluice_extraction::reply::{self, ReplyError};
use sluice_llm::{Answer, Client, Message, Question};
use tokio::sync::watch;

use super::subject::Subject;
use crate::budget;
use crate::error::StageError;
use crate::pipeline::StageContext;
use crate::state::Spent;
use crate::wiring::Ports;

/// Bytes after which half of an answer's progress is shown; its length is not known before its end.
const HALF_WAY_BYTES: f64 = 800.0;
/// A document in more parts than these is refused: a bound for what one click can cost.
const MAX_CALLS: i32 = 400;

/// The calls of one attempt.
pub(super) struct Calls<'a> {
    ports: &'a Ports,
    context: &'a StageContext,
    pub(super) subject: &'a Subject<'a>,
    /// What the job has asked in earlier attempts.
    earlier: Vec<LlmCall>,
    number: i32,
    /// Calls that may still be made to have something corrected.
    pub(super) corrections: i32,
    /// The part of the stage that the next call takes.
    span: (f64, f64),
    responses: Vec<String>,
}

/// Why a question has no answer.
pub(super) enum CallError {
    /// The question is longer than the model can read.
    Overflow(StageError),
    /// Anything else.
    Other(StageError),
}

/// An answer that could be read, or was cut.
pub(super) enum Reply {
    /// The object.
    Object(Value),
    /// What came before the answer's limit of tokens.
    Cut(String),
}

impl<'a> Calls<'a> {
    pub(super) async fn open(
        ports: &'a Ports,
        context: &'a StageContext,
        subject: &'a Subject<'a>,
    ) -> Result<Self, StageError> {
        let earlier = llm_calls::list(&mut *ports.pool.get().await?, context.attempt.job_id).await?;
        let corrections = ports.llm_calls - 1;
        Ok(Self { ports, context, subject, earlier, number: 0, corrections, span: (0.0, 1.0), responses: Vec::new() })
    }

    /// Says that the next call is one of several.
    pub(super) fn set_share(&mut self, number: usize, of: usize) {
        let place = |number: usize| {
            f64::from(u32::try_from(number).unwrap_or(0)) / f64::from(u32::try_from(of.max(1)).unwrap_or(1))
        };
        self.span = (place(number), place(number + 1));
    }

    /// All that was answered.
    pub(super) fn responses(&self) -> String {
        self.responses.join("\n")
    }

    /// Asks for an object. An answer that holds none is asked for again, with what was wrong, while that is allowed.
    pub(super) async fn ask(&mut self, question: &Question) -> Result<Reply, CallError> {
        let mut question = question.clone();
        loop {
            let answer = self.answer(&question).await?;
            match reply::parse(&answer.content, &answer.finish_reason) {
                Ok(object) => return Ok(Reply::Object(object)),
                Err(ReplyError::Cut) => return Ok(Reply::Cut(answer.content)),
                Err(error) if self.corrections < 1 => {
                    return Err(CallError::Other(StageError::invalid(error.to_string())));
                }
                Err(error) => {
                    self.corrections -= 1;
                    let again = format!("This is no answer: {error}. Answer again, with the JSON object only.");
                    question.messages.truncate(2);
                    question.messages.extend([Message::assistant(answer.content), Message::user(again)]);
                }
            }
        }
    }

    /// The answer to a question: one that the job has paid for already, else a new one, recorded before it is used.
    async fn answer(&mut self, question: &Question) -> Result<Answer, CallError> {
        self.number += 1;
        if self.number > MAX_CALLS {
            let message =
                format!("the document needs more than {MAX_CALLS} calls of the model; raise the model's maxTokens");
            return Err(CallError::Other(StageError::invalid(message)));
        }
        let endpoint = &self.subject.settings.endpoint;
        if self.number == 1 {
            self.keep_prompt(question).await?;
        }
        let request_sha256 = Client::fingerprint(endpoint, question);
        if let Some(call) = self.known(&request_sha256).await? {
            tracing::info!("an answer that was recorded is used again");
            let answer = answer_of(&call);
            self.responses.push(answer.content.clone());
            return Ok(answer);
        }
        let pricing = &self.subject.settings.pricing;
        let most = pricing.call(question.at_most(endpoint));
        let reservation =
            budget::reserve(self.ports, self.context, most, pricing.currency()).await.map_err(CallError::Other)?;
        let started_at = self.ports.clock.now();
        let (received, progress) = watch::channel(0);
        let result = tokio::select! {
            result = self.ports.models.ask(endpoint, question, &received) => result,
            never = self.report(progress) => match never {},
        };
        let is_overflow = matches!(&result, Err(sluice_llm::Error::Overflow { .. }));
        let result = result.map_err(StageError::from);
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
            cost_nano: answer.map(|answer| pricing.call(answer.usage).0),
            cost_currency: pricing.currency().map(str::to_owned),
            started_at,
            finished_at: self.ports.clock.now(),
        };
        reservation.record(call).await.map_err(CallError::Other)?;
        self.responses.extend(answer.map(|answer| answer.content.clone()));
        result.map_err(if is_overflow { CallError::Overflow } else { CallError::Other })
    }

    /// Keeps what is asked first before it is asked.
    async fn keep_prompt(&self, question: &Question) -> Result<(), CallError> {
        let [system, user, ..] = question.messages.as_slice() else { return Ok(()) };
        let mut connection = self.ports.pool.get().await.map_err(other)?;
        runs::store_prompts(&mut connection, self.context.attempt, &system.content, &user.content).await.map_err(other)
    }

    /// An answer to the same question: of an earlier attempt of the job, or, where runs are replayed, of any job.
    async fn known(&self, request_sha256: &str) -> Result<Option<LlmCall>, CallError> {
        let is_answer = |call: &&LlmCall| call.request_sha256 == request_sha256 && call.response.is_some();
        if let Some(call) = self.earlier.iter().find(is_answer) {
            return Ok(Some(call.clone()));
        }
        if !self.ports.llm_replay {
            return Ok(None);
        }
        let mut connection = self.ports.pool.get().await.map_err(other)?;
        let recorded = llm_calls::find_answer(&mut connection, request_sha256).await.map_err(other)?;
        let missing = || StageError::invalid("runs are replayed, and there is no recorded answer to this question");
        recorded.map(Some).ok_or_else(|| CallError::Other(missing()))
    }

    /// Tells how far an answer has come: ever closer to the end of its share, never there.
    async fn report(&self, mut received: watch::Receiver<usize>) -> Infallible {
        let (start, end) = self.span;
        while received.changed().await.is_ok() {
            let bytes = f64::from(u32::try_from(*received.borrow_and_update()).unwrap_or(u32::MAX));
            let fraction = start + (end - start) * bytes / (bytes + HALF_WAY_BYTES);
            self.context.reporter.within_stage(StageName::LlmExtract, fraction, None).await;
        }
        std::future::pending().await
    }

    /// What all calls of the job took, in whichever attempt.
    pub(super) async fn spent(&self) -> Result<Spent, StageError> {
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

impl From<CallError> for StageError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Overflow(error) | CallError::Other(error) => error,
        }
    }
}

fn other(error: sluice_db::Error) -> CallError {
    CallError::Other(error.into())
}

/// What to say when an answer does not fit into its limit of tokens, however little is asked for.
pub(super) fn cut_error(max_tokens: u32) -> StageError {
    StageError::invalid(format!(
        "the model's answer was cut at its limit of {max_tokens} tokens; raise the model's maxTokens"
    ))
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
