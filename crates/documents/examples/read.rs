//! Reads one trusted file in this process and prints each page as a line of JSON: `read LIBPDFIUM FILE`.

use std::io::Write;

use sluice_core::{FileFormat, ReadOptions, ReadRequest};
use sluice_documents::{Progress, Reader, ReaderConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(pdfium), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("read LIBPDFIUM FILE".into());
    };
    let reader = Reader::new(ReaderConfig { pdfium: pdfium.into(), tessdata: None });
    let format = FileFormat::sniff(&std::fs::read(&file)?).ok_or("no format that is read")?;
    let options = ReadOptions::default();
    let request = ReadRequest { path: file.into(), format, options, skip: Vec::new() };
    let mut failed = None;
    reader.read(&request, &mut |progress| {
        if let Progress::Page(page) = progress {
            let line = serde_json::to_string(&page).unwrap_or_default();
            failed = writeln!(std::io::stdout(), "{line}").err().or(failed.take());
        }
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}
