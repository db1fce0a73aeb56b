#![cfg(test)]

//! Real children on documents that are drawn here.
#![expect(clippy::as_conversions, reason = "coordinates of pictures drawn here are small")]

mod broken;
mod limits;
mod reading;
mod rendering;
mod scripts;

use std::path::Path;

use sluice_core::{FileFormat, Page, ReadOptions, ReadRequest};
use sluice_sandbox::{Config, Error, Reading, Sandbox};
use sluice_service::Env;
use sluice_test_support::process::{our_binary, tools_folder};

fn config() -> Config {
    let binary = our_binary("sluice-sandbox").unwrap();
    let pdfium = tools_folder().join("lib/libpdfium.so").canonicalize().expect("scripts/install run was run");
    let mut env = Env::from_pairs(
        [("SLUICE_SANDBOX_BINARY", binary), ("SLUICE_SANDBOX_PDFIUM", pdfium)]
            .map(|(name, path)| (name, path.to_string_lossy().into_owned())),
    );
    let config = Config::read(&mut env);
    env.finish().unwrap();
    config
}

fn request(path: &Path, format: FileFormat) -> ReadRequest {
    let options = ReadOptions { languages: vec!["eng".to_owned()], ..ReadOptions::default() };
    ReadRequest { path: path.to_owned(), format, options, skip: Vec::new() }
}

async fn read(sandbox: &Sandbox, request: &ReadRequest) -> Result<Vec<Page>, Error> {
    let mut reading = sandbox.read_document(request).await?;
    let mut pages = Vec::new();
    while let Some(progress) = reading.next().await? {
        if let Reading::Page(page) = progress {
            pages.push(*page);
        }
    }
    Ok(pages)
}

/// Reads bytes as a file of a format.
async fn read_bytes(bytes: &[u8], format: FileFormat) -> Result<Vec<Page>, Error> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    read(&Sandbox::new(config()), &request(file.path(), format)).await
}
