//! The child that reads documents whose pages are pictures. A program of its own, because the libraries of Tesseract take longer
//! to load than a page with a text layer takes to be read.

mod limits;
mod serve;

use std::process::ExitCode;

use sluice_core::ErrorKind;
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
            read_document(|progress| reader.read(&request, progress))
        }
        _ => failed(ErrorKind::Internal, "this program only reads documents".to_owned()),
    }
}
