//! What parent and child say to each other: one line of JSON each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sluice_core::{ErrorKind, Page, ReadRequest};

/// What the parent asks, once.
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
    /// Try what the limits forbid and say what came of it; for tests of the limits.
    ProbeLimits,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Response {
    /// The file was opened.
    Opened {
        /// Its pages.
        pages: u32,
    },
    /// A page was read.
    Page(Box<Page>),
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
