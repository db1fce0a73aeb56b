//! The parent's half: starts children, speaks with them, ends them.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sluice_core::{EmbeddedFile, FileFormat, OcrMode, Page, ReadRequest, RenderRequest};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::protocol::{EncodedFile, Limits, Request, Response, ScriptLimits, Work};

/// A page's line is shorter; a longer one is nonsense and would only fill memory.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

/// Pictures of pages are not made larger, whatever is asked for: such a PNG stays well within a line.
const MAX_SIDE_PIXELS: u32 = 3_000;

/// Starts children, a bounded number at a time. Clones share the bound.
#[derive(Debug, Clone)]
pub struct Sandbox {
    config: Arc<Config>,
    children: Arc<Semaphore>,
}

/// A child at work. Dropping it kills the child.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    stdin: ChildStdin,
    lines: BufReader<ChildStdout>,
}

/// A document being read.
#[derive(Debug)]
pub struct DocumentReading {
    sandbox: Sandbox,
    request: ReadRequest,
    worker: Worker,
    /// Whether the child can read pictures. One that can't is replaced when it meets one.
    with_ocr: bool,
    /// Whether a child before this one opened the document.
    is_continued: bool,
    _permit: OwnedSemaphorePermit,
}

/// How far a document is read.
#[derive(Debug)]
pub enum Reading {
    /// It was opened and has so many pages.
    Opened {
        /// Its pages.
        pages: u32,
    },
    /// It carries these e-invoices; told before its pages, and only when there are any.
    Embedded(Vec<EmbeddedFile>),
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
        let permit = self.permit().await?;
        let with_ocr = request.format != FileFormat::Pdf || request.options.ocr == OcrMode::Force;
        Ok(DocumentReading {
            worker: self.start_reading(request.clone(), with_ocr).await?,
            sandbox: self.clone(),
            request: request.clone(),
            with_ocr,
            is_continued: false,
            _permit: permit,
        })
    }

    async fn start_reading(&self, request: ReadRequest, with_ocr: bool) -> Result<Worker> {
        let (pdfium, tessdata) = (self.config.pdfium.clone(), self.config.tessdata.clone());
        let program = if with_ocr { &self.config.ocr_binary } else { &self.config.binary };
        self.start_program(program, Work::ReadDocument { request, pdfium, tessdata }).await
    }

    /// Renders a page as PNG, once a child is free.
    ///
    /// # Errors
    /// When the file can't be read or has no such page, or the child can't be started or dies.
    pub async fn render_page(&self, request: &RenderRequest) -> Result<Vec<u8>> {
        let request =
            RenderRequest { max_side_pixels: request.max_side_pixels.min(MAX_SIDE_PIXELS), ..request.clone() };
        let _permit = self.permit().await?;
        let mut worker = self.start(Work::RenderPage { request, pdfium: self.config.pdfium.clone() }).await?;
        match worker.receive(self.config.page_timeout).await? {
            Response::Rendered { png } => {
                STANDARD.decode(png).map_err(|error| Error::Nonsense(serde::de::Error::custom(error)))
            }
            Response::Failed { kind, message } => Err(Error::Refused { kind, message }),
            _ => Err(Error::Nonsense(serde::de::Error::custom("not asked for"))),
        }
    }

    /// Lets a child try what is forbidden and answers what came of it.
    ///
    /// # Errors
    /// When the child can't be started or dies.
    pub async fn probe_limits(&self) -> Result<Response> {
        let _permit = self.permit().await?;
        let mut worker = self.start(Work::ProbeLimits).await?;
        worker.receive(self.config.page_timeout).await
    }

    /// Waits until one more child may be started.
    pub(crate) async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let permit = self.children.clone().acquire_owned().await;
        permit.map_err(|error| broken("waiting for a child", std::io::Error::other(error)))
    }

    pub(crate) fn script_limits(&self) -> ScriptLimits {
        ScriptLimits {
            time_ms: u64::try_from(self.config.script_time.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: self.config.script_memory_mib.saturating_mul(1024 * 1024),
        }
    }

    /// When a child that runs a script is given up. It counts its own CPU time; this is for one that can't, on a busy machine.
    pub(crate) fn script_deadline(&self) -> Duration {
        self.config.script_time.saturating_mul(3) + Duration::from_secs(5)
    }

    pub(crate) fn script_turn(&self) -> Duration {
        self.config.script_turn
    }

    /// The CPU time of a child in all.
    pub(crate) fn cpu_time(&self) -> Duration {
        self.config.cpu_time
    }

    /// Starts a child and gives it its work.
    pub(crate) async fn start(&self, work: Work) -> Result<Worker> {
        self.start_program(&self.config.binary, work).await
    }

    async fn start_program(&self, program: &Path, work: Work) -> Result<Worker> {
        let mut child = Command::new(program)
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
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(broken("starting a child", std::io::Error::other("no pipes")));
        };
        let mut worker = Worker { child, stdin, lines: BufReader::new(stdout) };
        worker.send(&Request { limits, work }).await?;
        Ok(worker)
    }
}

impl DocumentReading {
    /// What comes next; `None` when the document is read.
    ///
    /// # Errors
    /// What is wrong with the document, or how the child ended.
    pub async fn next(&mut self) -> Result<Option<Reading>> {
        loop {
            return match self.worker.receive(self.sandbox.config.page_timeout).await? {
                Response::Opened { .. } | Response::Embedded(_) if self.is_continued => continue,
                Response::Opened { pages } => Ok(Some(Reading::Opened { pages })),
                Response::Embedded(files) => Ok(Some(Reading::Embedded(decoded(files)?))),
                Response::Page(page) => {
                    self.request.skip.push(page.number);
                    Ok(Some(Reading::Page(page)))
                }
                Response::NeedsOcr if !self.with_ocr => {
                    self.go_on_with_ocr().await?;
                    continue;
                }
                Response::Done => Ok(None),
                Response::Failed { kind, message } => Err(Error::Refused { kind, message }),
                _ => Err(Error::Nonsense(serde::de::Error::custom("not asked for"))),
            };
        }
    }

    /// Lets a child that can read pictures do the rest; what was read needs not be read again.
    async fn go_on_with_ocr(&mut self) -> Result<()> {
        self.worker = self.sandbox.start_reading(self.request.clone(), true).await?;
        self.with_ocr = true;
        self.is_continued = true;
        Ok(())
    }

    /// The child's process id, while it runs.
    #[must_use]
    pub fn child_id(&self) -> Option<u32> {
        self.worker.child.id()
    }
}

impl Worker {
    /// The child, unless it has ended.
    pub(crate) fn if_running(mut self) -> Option<Self> {
        matches!(self.child.try_wait(), Ok(None)).then_some(self)
    }

    /// Says a line and waits for one.
    pub(crate) async fn ask(&mut self, question: &impl Serialize, timeout: Duration) -> Result<Response> {
        let begun = Instant::now();
        match tokio::time::timeout(timeout, self.send(question)).await {
            Ok(Ok(())) => self.receive(timeout.saturating_sub(begun.elapsed())).await,
            // It does not listen any more: what it said last, or how it ended, says more.
            Ok(Err(Error::Broken { .. })) => self.receive(timeout.saturating_sub(begun.elapsed())).await,
            Ok(Err(error)) => Err(error),
            Err(_elapsed) => Err(self.give_up()),
        }
    }

    async fn send(&mut self, message: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(message).map_err(Error::Nonsense)?;
        line.push(b'\n');
        self.stdin.write_all(&line).await.map_err(|error| broken("asking a child", error))
    }

    /// Waits for a line.
    pub(crate) async fn receive(&mut self, timeout: Duration) -> Result<Response> {
        let mut line = Vec::new();
        let mut limited = (&mut self.lines).take(MAX_LINE_BYTES);
        match tokio::time::timeout(timeout, limited.read_until(b'\n', &mut line)).await {
            Err(_elapsed) => Err(self.give_up()),
            Ok(Err(error)) => Err(broken("hearing a child", error)),
            Ok(Ok(_)) if line.ends_with(b"\n") => serde_json::from_slice(&line).map_err(Error::Nonsense),
            Ok(Ok(_)) => {
                let status = self.child.wait().await.map_err(|error| broken("waiting for a child", error))?;
                Err(Error::Died { how: status.to_string() })
            }
        }
    }

    fn give_up(&mut self) -> Error {
        if let Err(error) = self.child.start_kill() {
            tracing::debug!(%error, "a child that ran too long had ended");
        }
        Error::TimedOut
    }
}

fn decoded(files: Vec<EncodedFile>) -> Result<Vec<EmbeddedFile>> {
    let decode = |file: EncodedFile| {
        let bytes = STANDARD.decode(file.base64).map_err(|error| Error::Nonsense(serde::de::Error::custom(error)))?;
        Ok(EmbeddedFile { name: file.name, bytes })
    };
    files.into_iter().map(decode).collect()
}

pub(crate) const fn broken(operation: &'static str, source: std::io::Error) -> Error {
    Error::Broken { operation, source }
}
