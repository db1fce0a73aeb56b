//! What parent and child say to each other: one line of JSON each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sluice_core::{ErrorKind, Page, ReadRequest, RenderRequest};

use crate::script::{LogLine, Script, ScriptError, ScriptKind};

/// What the parent asks first.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// What the child may use.
    pub limits: Limits,
    /// What it shall do.
    pub work: Work,
}

/// What the child may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limits {
    /// Address space in bytes.
    pub memory_bytes: u64,
    /// CPU time in seconds.
    pub cpu_seconds: u64,
}

/// What the child shall do.
#[derive(Debug, Serialize, Deserialize)]
pub enum Work {
    /// Turn a file into pages.
    ReadDocument {
        /// The file.
        request: ReadRequest,
        /// PDFium's library.
        pdfium: PathBuf,
        /// Tesseract's language data.
        tessdata: Option<PathBuf>,
    },
    /// Show a page as a picture.
    RenderPage {
        /// The page.
        request: RenderRequest,
        /// PDFium's library.
        pdfium: PathBuf,
    },
    /// Answer calls of scripts, until there are no more.
    RunScripts {
        /// Which of their functions is called.
        kind: ScriptKind,
        /// The scripts.
        scripts: Vec<Script>,
        /// What one run may use.
        limits: ScriptLimits,
    },
    /// Compile a script and run nothing of it.
    CheckScript {
        /// Which function it shall have.
        kind: ScriptKind,
        /// The script.
        source: String,
        /// What compiling may use.
        limits: ScriptLimits,
    },
    /// Try what the limits forbid and say what came of it; for tests of the limits.
    ProbeLimits,
}

/// What one run of a script may use.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ScriptLimits {
    /// CPU time in milliseconds.
    pub time_ms: u64,
    /// Heap in bytes.
    pub memory_bytes: usize,
}

/// What the parent asks of a child that runs scripts, again and again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Call {
    /// Which script.
    pub script: usize,
    /// The arguments as the text of a JSON array, which is parsed only where it is used.
    pub arguments: String,
}

/// What came of a run, not yet checked.
#[derive(Debug, Serialize, Deserialize)]
pub struct RawRun {
    /// The text of a JSON value, or the script's error.
    pub outcome: Result<String, ScriptError>,
    /// What the script said.
    pub logs: Vec<LogLine>,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Response {
    /// The file was opened.
    Opened {
        /// Its pages.
        pages: u32,
    },
    /// The file carries these e-invoices.
    Embedded(Vec<EncodedFile>),
    /// A page was read.
    Page(Box<Page>),
    /// A page was rendered.
    Rendered {
        /// The PNG in base64.
        png: String,
    },
    /// The scripts are known and may be called.
    Ready,
    /// A script was run.
    Ran(RawRun),
    /// A script was compiled; nothing is said of one that is fine.
    Checked(Option<ScriptError>),
    /// The next page has to be read from its picture, which this program can't.
    NeedsOcr,
    /// All is done.
    Done,
    /// It can't be done.
    Failed {
        /// The kind of the error.
        kind: ErrorKind,
        /// What a person may read.
        message: String,
    },
    /// What came of trying what is forbidden.
    Probed {
        /// Opening a socket.
        socket: String,
        /// Running a program.
        program: String,
        /// The variables of the environment.
        environment: Vec<String>,
    },
}

/// A file that another carries.
#[derive(Debug, Serialize, Deserialize)]
pub struct EncodedFile {
    /// Its name.
    pub name: String,
    /// Its bytes in base64.
    pub base64: String,
}
