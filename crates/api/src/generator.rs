//! Asks a model for something that a person will use, and hands on nothing that can't be used.

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, stream};
use serde_json::Value;
use sluice_core::Classify;
use sluice_db::models::models::{self, Model};
use sluice_extraction::generate::{self, Unusable};
use sluice_extraction::prompt::Prompt;
use sluice_llm::{Answer, Client, Deltas, Endpoint, Error, Format, Message, Question};
use sluice_service::ErrorChain;
use tokio::sync::watch;
use tokio::time::{Duration, timeout};
use uuid::Uuid;

use crate::connection::ADAPTERS;
use crate::error::{ApiError, Result};
use crate::ndjson::Line;
use crate::state::AppState;

/// How often a model is asked: once, and once more with what was wrong.
const CALLS: u32 = 2;

/// How long a stream says nothing while the model thinks. A client that has gone is noticed when it is written to.
const BEAT: Duration = Duration::from_secs(2);

/// A model that may be asked.
#[derive(Debug, Clone)]
pub(crate) struct Generator {
    client: Client,
    endpoint: Endpoint,
}

impl Generator {
    /// The model with an id that a caller named.
    pub(crate) async fn load(state: &AppState, id: &str) -> Result<Self> {
        let missing = || ApiError::bad_request(format!("Model {id} not found"));
        let parsed: Uuid = id.parse().map_err(|_source| missing())?;
        let model = models::find(&mut *state.connection().await?, parsed).await?.ok_or_else(missing)?;
        Self::of(state, &model)
    }

    /// This model.
    pub(crate) fn of(state: &AppState, model: &Model) -> Result<Self> {
        if !ADAPTERS.iter().any(|adapter| adapter.name == model.adapter_type) {
            return Err(ApiError::bad_request(format!("Model {} is not a valid LLM model", model.id)));
        }
        let endpoint = Endpoint::read(&model.name, &model.parameters, &state.secrets).map_err(refuse)?;
        Ok(Self { client: state.models.clone(), endpoint })
    }

    /// Asks until an answer can be used, as often as is allowed. Nobody waits for a part of it.
    pub(crate) async fn ask<T>(
        &self,
        prompt: Prompt,
        format: Format,
        read: impl AsyncFn(&Answer) -> Result<generate::Result<T>>,
    ) -> Result<T> {
        let mut question = question(prompt, format);
        let mut calls = 0;
        loop {
            calls += 1;
            let answer = self.client.ask(&self.endpoint, &question, &watch::Sender::new(0)).await.map_err(refuse)?;
            match read(&answer).await? {
                Ok(value) => return Ok(value),
                Err(unusable) if calls < CALLS => {
                    tracing::info!(%unusable, "the model is asked again");
                    correct(&mut question, answer.content, &unusable);
                }
                Err(unusable) => return Err(ApiError::bad_request(complaint(&unusable))),
            }
        }
    }

    /// Asks for a text, and hands over each piece as it arrives. Dropping the stream ends the model's work.
    pub(crate) fn stream(self, prompt: Prompt, start: Option<Value>) -> impl Stream<Item = Line> + use<> {
        let telling =
            Telling { question: question(prompt, Format::Text), generator: self, calls: 0, step: Step::Start(start) };
        stream::unfold(telling, |mut telling| async move { telling.next().await.map(|line| (line, telling)) })
    }
}

/// Reads an answer with a function that needs nobody else.
pub(crate) fn reading<T>(
    read: impl Fn(&str, &str) -> generate::Result<T>,
) -> impl AsyncFn(&Answer) -> Result<generate::Result<T>> {
    async move |answer| Ok(read(&answer.content, &answer.finish_reason))
}

fn question(prompt: Prompt, format: Format) -> Question {
    Question { messages: vec![Message::system(prompt.system), Message::user(prompt.user)], format }
}

fn correct(question: &mut Question, answer: String, unusable: &Unusable) {
    question.messages.push(Message::assistant(answer));
    question.messages.push(Message::user(format!("This answer can't be used: {unusable}. Answer again, in full.")));
}

fn complaint(unusable: &Unusable) -> String {
    format!("The model's answer can't be used: {unusable}")
}

/// A model's fault is none of the caller's, unless the caller asked for what it can't do.
fn refuse(error: Error) -> ApiError {
    match &error {
        Error::Incomplete { .. } | Error::Key { .. } | Error::Overflow { .. } => {
            ApiError::bad_request(error.client_message()).with_source(error)
        }
        _ => ApiError::fault("LLM request failed").with_source(error),
    }
}

/// A text while it is told.
struct Telling {
    generator: Generator,
    question: Question,
    calls: u32,
    step: Step,
}

enum Step {
    Start(Option<Value>),
    Ask(BoxFuture<'static, sluice_llm::Result<Deltas>>),
    Read(Deltas),
    End,
}

impl Telling {
    async fn next(&mut self) -> Option<Line> {
        loop {
            match &mut self.step {
                Step::Start(analysis) => {
                    let line = Line::Start { analysis: analysis.take() };
                    self.ask();
                    return Some(line);
                }
                Step::Ask(asking) => match timeout(BEAT, asking).await {
                    Ok(Ok(deltas)) => self.step = Step::Read(deltas),
                    Ok(Err(error)) => return Some(self.fail(&error)),
                    Err(_elapsed) => return Some(Line::beat()),
                },
                Step::Read(deltas) => match timeout(BEAT, deltas.next()).await {
                    Ok(Ok(Some(content))) => return Some(Line::Delta { content }),
                    Ok(Ok(None)) => {
                        if let Some(line) = self.finish() {
                            return Some(line);
                        }
                    }
                    Ok(Err(error)) => return Some(self.fail(&error)),
                    Err(_elapsed) => return Some(Line::beat()),
                },
                Step::End => return None,
            }
        }
    }

    fn ask(&mut self) {
        self.calls += 1;
        let (Generator { client, endpoint }, question) = (self.generator.clone(), self.question.clone());
        self.step = Step::Ask(async move { client.stream(&endpoint, &question).await }.boxed());
    }

    /// Looks at the whole; an empty one, of which nobody has seen anything, is asked for again.
    fn finish(&mut self) -> Option<Line> {
        let Step::Read(deltas) = std::mem::replace(&mut self.step, Step::End) else { return None };
        let answer = match deltas.finish() {
            Ok(answer) => answer,
            Err(error) => return Some(self.fail(&error)),
        };
        match generate::read_text(&answer.content, &answer.finish_reason) {
            Ok(_) => Some(Line::Done),
            Err(unusable) if answer.content.is_empty() && self.calls < CALLS => {
                correct(&mut self.question, answer.content, &unusable);
                self.ask();
                None
            }
            Err(unusable) => Some(Line::Error { message: complaint(&unusable) }),
        }
    }

    fn fail(&mut self, error: &Error) -> Line {
        tracing::warn!(error = %ErrorChain(error), "a model failed while it was listened to");
        self.step = Step::End;
        Line::Error { message: error.client_message() }
    }
}
