//! Says what is missing on this machine and how to get it.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};

use crate::data_folder::DataFolder;
use crate::find;

/// One thing that is looked at.
struct Finding {
    name: &'static str,
    /// What was found, or how to get it.
    result: std::result::Result<String, &'static str>,
    is_needed: bool,
}

/// Looks at everything and prints what it finds.
///
/// # Errors
/// When something is missing that is needed.
pub async fn doctor(folder: &DataFolder) -> Result<()> {
    let program = |name, advice| {
        let found = find::program(name, &folder.tools, &folder.path);
        found.map(|path| path.display().to_string()).ok_or(advice)
    };
    let file = |path: &Path, advice| if path.is_file() { Ok(path.display().to_string()) } else { Err(advice) };
    let beside = |name| Ok::<_, std::io::Error>(std::env::current_exe()?.with_file_name(name));
    let findings = [
        needed("Postgres", program("postgres", "apt-get install postgresql, or set SLUICE_DB_URL")),
        needed("Redis", program("redis-server", "apt-get install redis-server, or set SLUICE_REDIS_URL")),
        needed("S3 server", program("weed", "scripts/install run, or set SLUICE_S3_ENDPOINT")),
        needed("setpriv", program("setpriv", "apt-get install util-linux")),
        needed(
            "sandbox",
            file(&beside("sluice-sandbox")?, "cargo build --release: sluice-sandbox belongs beside sluice"),
        ),
        needed("OCR", file(&beside("sluice-ocr")?, "cargo build --release: sluice-ocr belongs beside sluice")),
        needed(
            "PDFium",
            file(&folder.tools.join("lib/libpdfium.so"), "scripts/install run, or set SLUICE_SANDBOX_PDFIUM"),
        ),
        needed("Tesseract's languages", languages()),
        Finding {
            name: "local model",
            result: file(
                &folder.tools.join("llm/model.gguf"),
                "scripts/install model, or enter another endpoint as a model",
            ),
            is_needed: false,
        },
        needed("data folder", room(folder)),
    ];
    let mut out = std::io::stdout();
    for Finding { name, result, is_needed } in &findings {
        match result {
            Ok(found) => writeln!(out, "found    {name}: {found}")?,
            Err(advice) if *is_needed => writeln!(out, "MISSING  {name}: {advice}")?,
            Err(advice) => writeln!(out, "optional {name}: {advice}")?,
        }
    }
    if findings.iter().any(|finding| finding.is_needed && finding.result.is_err()) {
        bail!("something that is needed is missing");
    }
    Ok(())
}

const fn needed(name: &'static str, result: std::result::Result<String, &'static str>) -> Finding {
    Finding { name, result, is_needed: true }
}

fn languages() -> std::result::Result<String, &'static str> {
    const WANTED: [&str; 3] = ["eng", "deu", "fra"];
    let folders =
        ["/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tesseract-ocr/4.00/tessdata", "/usr/share/tessdata"];
    folders
        .iter()
        .find(|folder| {
            WANTED.iter().all(|language| Path::new(folder).join(format!("{language}.traineddata")).is_file())
        })
        .map(|folder| format!("{} in {folder}", WANTED.join(", ")))
        .ok_or("apt-get install tesseract-ocr-eng tesseract-ocr-deu tesseract-ocr-fra")
}

fn room(folder: &DataFolder) -> std::result::Result<String, &'static str> {
    const LEAST_MIB: u64 = 1024;
    let existing = folder.root.ancestors().find(|path| path.exists()).unwrap_or_else(|| Path::new("/"));
    let free =
        rustix::fs::statvfs(existing).map(|found| found.f_bavail.saturating_mul(found.f_frsize) >> 20).unwrap_or(0);
    if free < LEAST_MIB {
        return Err("less than 1 GiB is free; set SLUICE_DATA_DIR to where there is room");
    }
    Ok(format!("{} ({free} MiB free)", folder.root.display()))
}
