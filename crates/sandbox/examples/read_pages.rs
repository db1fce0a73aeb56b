//! Prints the pages of files as a language model would read them: `read_pages FILE…`

use std::io::Write;
use std::time::Instant;

use sluice_core::{FileFormat, ReadOptions, ReadRequest};
use sluice_sandbox::{Config, Reading, Sandbox};
use sluice_service::Env;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut env = Env::from_process();
    let sandbox = Sandbox::new(Config::read(&mut env));
    env.finish()?;
    let mut out = std::io::stdout();
    for file in std::env::args().skip(1) {
        let start = Instant::now();
        let Some(format) = FileFormat::sniff(&std::fs::read(&file)?) else {
            writeln!(out, "=== {file}: no format that is read")?;
            continue;
        };
        let request =
            ReadRequest { path: file.clone().into(), format, options: ReadOptions::default(), skip: Vec::new() };
        let mut reading = sandbox.read_document(&request).await?;
        loop {
            match reading.next().await {
                Ok(None) => break,
                Ok(Some(Reading::Opened { pages })) => writeln!(out, "=== {file}: {pages} pages")?,
                Ok(Some(Reading::Embedded(files))) => {
                    for file in files {
                        writeln!(out, "--- carries {}, {} bytes", file.name, file.bytes.len())?;
                    }
                }
                Ok(Some(Reading::Page(page))) => {
                    let (number, source, confidence) = (page.number, page.source, page.confidence());
                    let turned = page.turned_degrees;
                    let elapsed = start.elapsed();
                    writeln!(
                        out,
                        "--- page {number}: {source:?} turned {turned} confidence {confidence:?} at {elapsed:?}"
                    )?;
                    writeln!(out, "{}", page.markdown)?;
                }
                Err(error) => {
                    writeln!(out, "=== {file}: {error}")?;
                    break;
                }
            }
        }
    }
    Ok(())
}
