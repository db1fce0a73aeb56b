use std::io::Cursor;

use serde_json::Value;
use sluice_test_support::documents::{invoice_pdf, tiny_png};
use sluice_test_support::eventually;

use crate::LONG;
use crate::services::{Person, Services};

/// Most that a worker's own process may have taken; what it reads, its children read.
const MOST_KIB: u64 = 300 * 1024;

fn encrypted_pdf() -> Vec<u8> {
    // The standard security handler with check values that no empty password meets (ISO 32000-1, 7.6.3).
    let key = "00".repeat(32);
    let encrypt =
        format!("/Encrypt << /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >> /ID [<00> <00>] /Root");
    String::from_utf8(invoice_pdf("2")).unwrap().replace("/Root", &encrypt).into_bytes()
}

/// One white pixel that claims to be 20,000 × 20,000.
fn huge_png() -> Vec<u8> {
    let mut png = tiny_png();
    png[16..20].copy_from_slice(&20_000_u32.to_be_bytes());
    png[20..24].copy_from_slice(&20_000_u32.to_be_bytes());
    // CRC-32 as PNG wants it (ISO/IEC 15948, annex D).
    let crc = !png[12..29].iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    png
}

/// 16 megapixels in some 20 kB.
fn bomb() -> Vec<u8> {
    let picture = image::GrayImage::from_pixel(4_000, 4_000, image::Luma([255]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Extracts and answers how the job ended.
async fn run(ada: &Person, manifest: &Value) -> Value {
    ada.extract(&manifest["id"]).await;
    let path = format!("/manifests/{}/extraction-history", manifest["id"]);
    eventually(LONG, || async {
        let job = ada.get(&path).await[0].clone();
        if ["completed", "failed"].contains(&job["status"].as_str().unwrap_or_default()) { Ok(job) } else { Err(job) }
    })
    .await
    .unwrap()
}

fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_files_are_told_at_upload_or_fail_their_own_job_and_nothing_else() {
    let mut services = Services::start().await;
    let ada = services.person().await;
    for (content_type, bytes) in [
        ("application/pdf", b"".as_slice()),
        ("application/pdf", b"MZ not a document"),
        ("image/png", b"%PDF-1.7 but not a picture"),
    ] {
        let (status, answer) = ada.upload(content_type, bytes).await;
        assert_eq!(status, 400, "{answer}");
        assert!(!answer["error"]["message"].as_str().unwrap().is_empty(), "{answer}");
    }
    let pdf = invoice_pdf("1");
    for (content_type, bytes, told) in [
        ("application/pdf", pdf[..pdf.len() / 3].to_vec(), "damaged"),
        ("application/pdf", encrypted_pdf(), "encrypted"),
        ("image/png", huge_png(), "20000"),
    ] {
        let (status, manifest) = ada.upload(content_type, &bytes).await;
        assert_eq!(status, 201, "{manifest}");
        let job = run(&ada, &manifest).await;
        assert_eq!(job["status"], "failed", "{job}");
        assert!(job.to_string().contains(told), "{told}: {job}");
    }
    assert_eq!(services.llm.calls(), 0);
    let (_, manifest) = ada.upload("image/png", &bomb()).await;
    let job = run(&ada, &manifest).await;
    assert!(["completed", "failed"].contains(&job["status"].as_str().unwrap()), "{job}");

    let (_, manifest) = ada.upload("application/pdf", &invoice_pdf("9")).await;
    let job = run(&ada, &manifest).await;
    assert_eq!(job["status"], "completed", "{job}");
    assert!(services.worker.is_running().unwrap());
    let peak = peak_kib(services.worker.id());
    assert!(peak < MOST_KIB, "{peak} KiB");
}
