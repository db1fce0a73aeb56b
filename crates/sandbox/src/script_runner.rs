//! The parent's half of running scripts.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{Error, Result};
use crate::protocol::{Call, RawRun, Response, Work};
use crate::sandbox::{Sandbox, Worker, broken};
use crate::script::{Script, ScriptError, ScriptKind, ScriptRun};

/// The most that a script is given, as JSON.
const MAX_INPUT_BYTES: usize = 8 * 1024 * 1024;

/// Runs scripts of one kind, one call after the other, in one child; a child that a script breaks is replaced.
#[derive(Debug)]
pub struct ScriptRunner {
    sandbox: Sandbox,
    kind: ScriptKind,
    scripts: Vec<Script>,
    worker: Option<Worker>,
    /// How long the present child was at work.
    spent: Duration,
    children_started: usize,
    /// Absent only while it waits for its next turn.
    permit: Option<OwnedSemaphorePermit>,
}

impl Sandbox {
    /// Starts a child that runs scripts, once one is free.
    ///
    /// # Errors
    /// When the child can't be started.
    pub async fn open_scripts(&self, kind: ScriptKind, scripts: Vec<Script>) -> Result<ScriptRunner> {
        let permit = self.permit().await?;
        let mut runner = ScriptRunner {
            sandbox: self.clone(),
            kind,
            scripts,
            worker: None,
            spent: Duration::ZERO,
            children_started: 0,
            permit: Some(permit),
        };
        runner.worker = Some(runner.start_child().await?);
        Ok(runner)
    }

    /// Compiles a script and runs nothing of it; answers what is wrong with it.
    ///
    /// # Errors
    /// When the sandbox can't be used.
    pub async fn check_script(&self, kind: ScriptKind, source: &str) -> Result<Option<ScriptError>> {
        let _permit = self.permit().await?;
        let limits = self.script_limits();
        let mut worker = self.start(Work::CheckScript { kind, source: source.to_owned(), limits }).await?;
        match worker.receive(self.script_deadline()).await {
            Ok(Response::Checked(found)) => Ok(found),
            Ok(other) => Err(unexpected(other)),
            Err(error) => Ok(Some(fault_of_script(error)?)),
        }
    }
}

impl ScriptRunner {
    /// Calls the function of a script. Each run has a realm of its own: nothing is left of the one before.
    ///
    /// # Errors
    /// When the sandbox can't be used, never for what the script does.
    pub async fn run(&mut self, script: usize, arguments: Vec<Value>) -> Result<ScriptRun> {
        if script >= self.scripts.len() {
            return Err(broken("running a script", std::io::Error::other("there is no such script")));
        }
        let arguments = Value::Array(arguments).to_string();
        if arguments.len() > MAX_INPUT_BYTES {
            return Ok(failed(ScriptError::new(format!("the data has more than {MAX_INPUT_BYTES} bytes"))));
        }
        self.take_turns().await?;
        // Taken out, so that a child whose answer nobody waited for is not asked again.
        let fresh_enough = self.worker.take().filter(|_| !self.is_worn()).and_then(Worker::if_running);
        let mut worker = match fresh_enough {
            Some(worker) => worker,
            None => self.start_child().await?,
        };
        let begun = Instant::now();
        let answer = worker.ask(&Call { script, arguments }, self.sandbox.script_deadline()).await;
        self.spent += begun.elapsed();
        match answer {
            Ok(Response::Ran(run)) => {
                self.worker = Some(worker);
                Ok(self.check(run))
            }
            Ok(other) => Err(unexpected(other)),
            Err(error) => Ok(failed(fault_of_script(error)?)),
        }
    }

    /// How many children were needed so far.
    #[must_use]
    pub const fn children_started(&self) -> usize {
        self.children_started
    }

    /// Gives place and child back when it has had them for long: a batch may run for an hour, and who waits comes first.
    async fn take_turns(&mut self) -> Result<()> {
        if self.spent >= self.sandbox.script_turn() {
            self.worker = None;
            self.permit = None;
        }
        if self.permit.is_none() {
            self.permit = Some(self.sandbox.permit().await?);
        }
        Ok(())
    }

    async fn start_child(&mut self) -> Result<Worker> {
        let limits = self.sandbox.script_limits();
        let work = Work::RunScripts { kind: self.kind, scripts: self.scripts.clone(), limits };
        let mut worker = self.sandbox.start(work).await?;
        self.children_started += 1;
        self.spent = Duration::ZERO;
        match worker.receive(self.sandbox.script_deadline()).await.map_err(fault_of_sandbox)? {
            Response::Ready => Ok(worker),
            other => Err(unexpected(other)),
        }
    }

    /// A child's CPU time is limited as a whole; one more run may need all that is left.
    fn is_worn(&self) -> bool {
        self.spent + self.sandbox.script_deadline() > self.sandbox.cpu_time()
    }

    fn check(&self, run: RawRun) -> ScriptRun {
        let outcome = run.outcome.and_then(|text| {
            let answer = serde_json::from_str(&text)
                .map_err(|error| ScriptError::new(format!("what the script returned can't be read: {error}")))?;
            self.kind.check_answer(answer)
        });
        ScriptRun { outcome, logs: run.logs }
    }
}

const fn failed(error: ScriptError) -> ScriptRun {
    ScriptRun { outcome: Err(error), logs: Vec::new() }
}

/// A child that was ready and then ended or fell silent was ended by its script.
fn fault_of_script(error: Error) -> Result<ScriptError> {
    match error {
        Error::Died { .. } => Ok(ScriptError::new("the script was ended: it used too much time or memory")),
        Error::TimedOut => Ok(ScriptError::new("the script was ended: it took too long")),
        Error::Refused { .. } | Error::Broken { .. } | Error::Nonsense(_) => Err(error),
    }
}

/// A child that ends before it knows a script was not ended by one.
fn fault_of_sandbox(error: Error) -> Error {
    match error {
        Error::Died { .. } | Error::TimedOut => {
            broken("starting a child for scripts", std::io::Error::other(error.to_string()))
        }
        Error::Refused { .. } | Error::Broken { .. } | Error::Nonsense(_) => error,
    }
}

fn unexpected(response: Response) -> Error {
    match response {
        Response::Failed { message, .. } => broken("running scripts", std::io::Error::other(message)),
        _ => Error::Nonsense(serde::de::Error::custom("not asked for")),
    }
}
