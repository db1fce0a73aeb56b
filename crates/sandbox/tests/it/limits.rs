use std::path::Path;
use std::time::Duration;

use sluice_core::{Classify, ErrorKind, FileFormat};
use sluice_sandbox::protocol::Response;
use sluice_sandbox::{Config, Error, Sandbox};
use sluice_test_support::{documents, eventually};

use crate::{config, read, request};

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

#[tokio::test]
async fn a_child_has_no_sockets_no_programs_and_no_secrets() {
    let probed = Sandbox::new(config()).probe_limits().await.unwrap();
    let Response::Probed { socket, program, environment } = probed else { panic!("{probed:?}") };
    assert_eq!((socket.as_str(), program.as_str()), ("permission denied", "permission denied"));
    assert_eq!(environment, ["OMP_THREAD_LIMIT"]);
}

#[tokio::test]
async fn a_child_without_memory_costs_its_document_an_error_and_the_next_is_read() {
    let invoice = file(&documents::invoice_pdf("1"));
    let small = Sandbox::new(Config { memory_mib: 16, ..config() });
    let error = read(&small, &request(invoice.path(), FileFormat::Pdf)).await.unwrap_err();
    assert!(matches!(error, Error::Died { .. } | Error::Refused { .. }), "{error:?}");
    let sandbox = Sandbox::new(config());
    assert_eq!(read(&sandbox, &request(invoice.path(), FileFormat::Pdf)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_child_that_says_nothing_for_too_long_is_killed() {
    // Long before it has loaded what it needs to read a picture.
    let picture = file(&documents::tiny_png());
    let sandbox = Sandbox::new(Config { page_timeout: Duration::from_millis(1), ..config() });
    let mut reading = sandbox.read_document(&request(picture.path(), FileFormat::Png)).await.unwrap();
    let child = reading.child_id().unwrap();
    let error = reading.next().await.unwrap_err();
    assert!(matches!(error, Error::TimedOut), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    drop(reading);
    gone(child).await;
}

#[tokio::test]
async fn a_child_nobody_waits_for_is_killed_and_its_place_is_free() {
    let invoice = file(&documents::invoice_pdf("1"));
    let sandbox = Sandbox::new(Config { children: 1, ..config() });
    let reading = sandbox.read_document(&request(invoice.path(), FileFormat::Pdf)).await.unwrap();
    let child = reading.child_id().unwrap();
    drop(reading);
    gone(child).await;
    assert_eq!(read(&sandbox, &request(invoice.path(), FileFormat::Pdf)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_missing_library_and_a_missing_language_say_so() {
    let invoice = file(&documents::invoice_pdf("1"));
    let sandbox = Sandbox::new(Config { pdfium: "/nowhere.so".into(), ..config() });
    let error = read(&sandbox, &request(invoice.path(), FileFormat::Pdf)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    let png = file(&documents::tiny_png());
    let mut unknown = request(png.path(), FileFormat::Png);
    unknown.options.languages = vec!["xxx".to_owned()];
    let error = read(&Sandbox::new(config()), &unknown).await.unwrap_err();
    assert!(error.to_string().contains("xxx"), "{error}");
}

async fn gone(child: u32) {
    let path = format!("/proc/{child}");
    eventually(Duration::from_secs(10), || async { if Path::new(&path).exists() { Err("runs") } else { Ok(()) } })
        .await
        .unwrap();
}
