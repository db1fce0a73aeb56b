//! The parent's half: starts children, speaks with them, ends them.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use sluice_core::{Page, ReadRequest};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::protocol::{Limits, Request, Response, Work};

/// A page's line is shorter; a longer one is nonsense and would only fill memory.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

/// Starts children, a bounded number at a time. Clones share the bound.
#[derive(Debug, Clone)]
pub struct Sandbox {
    config: Arc<Config>,
    children: Arc<Semaphore>,
}

/// A child at work. Dropping it kills the child.
#[derive(Debug)]
struct Worker {
    child: Child,
    lines: BufReader<ChildStdout>,
    page_timeout: Duration,
    _permit: OwnedSemaphorePermit,
}

/// A document being read.
#[derive(Debug)]
pub struct DocumentReading(Worker);

/// How far a document is read.
#[derive(Debug)]
pub enum Reading {
    /// It was opened and has so many pages.
    Opened {
        /// Its pages.
        pages: u32,
    },
    /// A page was read.
    Page(Box<Page>),
}

impl Sandbox {
    /// A sandbox by its settings; starts nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { children: Arc::new(Semaphore::new(config.children)), config: Arc::new(config) }
    }

    /// Starts to read a document, once a child is free.
    ///
    /// # Errors
    /// When the child can't be started.
    pub async fn read_document(&self, request: &ReadRequest) -> Result<DocumentReading> {
        let work = Work::ReadDocument {
            request: request.clone(),
            pdfium: self.config.pdfium.clone(),
            tessdata: self.config.tessdata.clone(),
        };
        Ok(DocumentReading(self.start(work).await?))
    }

    /// Lets a child try what is forbidden and answers what came of it.
    ///
    /// # Errors
    /// When the child can't be started or dies.
    pub async fn probe_limits(&self) -> Result<Response> {
        let mut worker = self.start(Work::ProbeLimits).await?;
        worker.receive().await
    }

    async fn start(&self, work: Work) -> Result<Worker> {
        let permit = self
            .children
            .clone()
            .acquire_owned()
            .await
            .map_err(|error| broken("waiting for a child", std::io::Error::other(error)))?;
        let mut child = Command::new(&self.config.binary)
            .env_clear()
            // Parallel pages with parallel loops inside are many times slower than one thread each.
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| broken("starting a child", error))?;
        let limits = Limits {
            memory_bytes: self.config.memory_mib.saturating_mul(1024 * 1024),
            cpu_seconds: self.config.cpu_time.as_secs().max(1),
        };
        let mut line = serde_json::to_vec(&Request { limits, work }).map_err(Error::Nonsense)?;
        line.push(b'\n');
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(broken("starting a child", std::io::Error::other("no pipes")));
        };
        stdin.write_all(&line).await.map_err(|error| broken("asking a child", error))?;
        drop(stdin);
        Ok(Worker { child, lines: BufReader::new(stdout), page_timeout: self.config.page_timeout, _permit: permit })
    }
}

impl DocumentReading {
    /// What comes next; `None` when the document is read.
    ///
    /// # Errors
    /// What is wrong with the document, or how the child ended.
    pub async fn next(&mut self) -> Result<Option<Reading>> {
        match self.0.receive().await? {
            Response::Opened { pages } => Ok(Some(Reading::Opened { pages })),
            Response::Page(page) => Ok(Some(Reading::Page(page))),
            Response::Done => Ok(None),
            Response::Failed { kind, message } => Err(Error::Refused { kind, message }),
            Response::Probed { .. } => Err(Error::Nonsense(serde::de::Error::custom("not asked for"))),
        }
    }

    /// The child's process id, while it runs.
    #[must_use]
    pub fn child_id(&self) -> Option<u32> {
        self.0.child.id()
    }
}

impl Worker {
    async fn receive(&mut self) -> Result<Response> {
        let mut line = Vec::new();
        let mut limited = (&mut self.lines).take(MAX_LINE_BYTES);
        match tokio::time::timeout(self.page_timeout, limited.read_until(b'\n', &mut line)).await {
            Err(_elapsed) => {
                if let Err(error) = self.child.start_kill() {
                    tracing::debug!(%error, "a child that ran too long had ended");
                }
                Err(Error::TimedOut)
            }
            Ok(Err(error)) => Err(broken("hearing a child", error)),
            Ok(Ok(_)) if line.ends_with(b"\n") => serde_json::from_slice(&line).map_err(Error::Nonsense),
            Ok(Ok(_)) => {
                let status = self.child.wait().await.map_err(|error| broken("waiting for a child", error))?;
                Err(Error::Died { how: status.to_string() })
            }
        }
    }
}

const fn broken(operation: &'static str, source: std::io::Error) -> Error {
    Error::Broken { operation, source }
}
