//! The child that runs scripts, reads text layers and renders pages.

mod limits;
mod realm;
mod scripts;
mod serve;

use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_core::Classify;
use sluice_documents::{Reader, ReaderConfig};
use sluice_sandbox::protocol::{Response, Work};

use crate::serve::{failed, read_document, serve};

fn main() -> ExitCode {
    serve(run)
}

fn run(work: Work) -> Response {
    match work {
        Work::ReadDocument { request, pdfium, tessdata } => {
            let reader = Reader::new(ReaderConfig { pdfium, tessdata });
            read_document(|progress| reader.read_text_layers(&request, progress))
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
