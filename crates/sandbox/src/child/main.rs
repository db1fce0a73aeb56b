//! The child: limits itself, reads its request, answers, ends.

mod limits;
mod realm;
mod scripts;

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_core::{Classify, EmbeddedFile, ErrorKind};
use sluice_documents::{Progress, Reader, ReaderConfig};
use sluice_sandbox::protocol::{EncodedFile, Request, Response, Work};

fn main() -> ExitCode {
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

fn run(work: Work) -> Response {
    match work {
        Work::ReadDocument { request, pdfium, tessdata } => {
            let reader = Reader::new(ReaderConfig { pdfium, tessdata });
            let mut heard = true;
            let result = reader.read(&request, &mut |progress| {
                heard &= send(&match progress {
                    Progress::Opened { pages } => Response::Opened { pages },
                    Progress::Embedded(files) => Response::Embedded(files.into_iter().map(encoded).collect()),
                    Progress::Page(page) => Response::Page(page),
                });
            });
            match result {
                Ok(()) if heard => Response::Done,
                Ok(()) => failed(ErrorKind::Internal, "nobody listens".to_owned()),
                Err(error) => failed(error.kind(), error.to_string()),
            }
        }
        Work::RenderPage { request, pdfium } => {
            match Reader::new(ReaderConfig { pdfium, tessdata: None }).render(&request) {
                Ok(png) => Response::Rendered { png: STANDARD.encode(png) },
                Err(error) => failed(error.kind(), error.to_string()),
            }
        }
        Work::RunScripts { kind, scripts: list, limits } => scripts::answer_calls(kind, &list, limits),
        Work::CheckScript { kind, source, limits } => scripts::check(kind, &source, limits),
        Work::ProbeLimits => probe(),
    }
}

fn encoded(file: EmbeddedFile) -> EncodedFile {
    EncodedFile { name: file.name, base64: STANDARD.encode(file.bytes) }
}

const fn failed(kind: ErrorKind, message: String) -> Response {
    Response::Failed { kind, message }
}

/// Writes a line; `false` when nobody listens any more.
fn send(response: &Response) -> bool {
    let Ok(mut line) = serde_json::to_vec(response) else { return false };
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line).and_then(|()| out.flush()).is_ok()
}

fn probe() -> Response {
    let outcome = |result: Result<(), std::io::Error>| match result {
        Ok(()) => "allowed".to_owned(),
        Err(error) => error.kind().to_string(),
    };
    Response::Probed {
        socket: outcome(std::net::TcpListener::bind("127.0.0.1:0").map(drop)),
        program: outcome(std::process::Command::new("/bin/true").status().map(drop)),
        environment: std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect(),
    }
}
