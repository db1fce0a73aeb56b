//! What both programs do: limit themselves, read their request, answer, end.

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_core::{Classify, EmbeddedFile, ErrorKind};
use sluice_documents::{Error, Progress};
use sluice_sandbox::protocol::{EncodedFile, Request, Response, Work};

use crate::limits;

/// Reads a request and lets it be done within its limits.
pub(crate) fn serve(run: fn(Work) -> Response) -> ExitCode {
    let mut line = String::new();
    let request = match std::io::stdin().lock().read_line(&mut line) {
        Ok(_) => serde_json::from_str::<Request>(&line).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let prepared = request.and_then(|request| limits::apply(&request.limits).map(|()| request.work));
    let last = match prepared {
        Ok(work) => catch_unwind(AssertUnwindSafe(|| run(work)))
            .unwrap_or_else(|_| failed(ErrorKind::Internal, "the reader panicked".to_owned())),
        Err(message) => failed(ErrorKind::Internal, message),
    };
    if send(&last) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads a document with a reader and tells each page.
pub(crate) fn read_document(read: impl FnOnce(&mut dyn FnMut(Progress)) -> Result<(), Error>) -> Response {
    let mut heard = true;
    let result = read(&mut |progress| {
        heard &= send(&match progress {
            Progress::Opened { pages } => Response::Opened { pages },
            Progress::Embedded(files) => Response::Embedded(files.into_iter().map(encoded).collect()),
            Progress::Page(page) => Response::Page(page),
        });
    });
    match result {
        Ok(()) if heard => Response::Done,
        Ok(()) => failed(ErrorKind::Internal, "nobody listens".to_owned()),
        Err(Error::NeedsOcr) => Response::NeedsOcr,
        Err(error) => failed(error.kind(), error.to_string()),
    }
}

fn encoded(file: EmbeddedFile) -> EncodedFile {
    EncodedFile { name: file.name, base64: STANDARD.encode(file.bytes) }
}

pub(crate) const fn failed(kind: ErrorKind, message: String) -> Response {
    Response::Failed { kind, message }
}

/// Writes a line; `false` when nobody listens any more.
pub(crate) fn send(response: &Response) -> bool {
    let Ok(mut line) = serde_json::to_vec(response) else { return false };
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line).and_then(|()| out.flush()).is_ok()
}
