//! Rows on their way to the client wait in a file without a name, so that a failing script fails before the first byte
//! is sent and no export is held in memory. The file is gone with its last handle, whatever happens.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};

use serde_json::Value;
use tokio::io::AsyncWriteExt;

use super::cells::Origin;
use super::columns::{Collector, Columns};
use super::problem::Problem;

/// More bytes are not spooled.
const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// More rows don't fit into a sheet under its header.
const MAX_ROWS: u64 = 1_048_575;
/// More columns don't fit into a sheet beside those of every manifest.
const MAX_COLUMNS: usize = 16_384 - 10;
/// How much is gathered before it is written.
const BUFFER_BYTES: usize = 256 * 1024;

/// Marks a line that tells of a manifest; the rows that follow come from it.
const ORIGIN: u8 = b'M';
/// Marks a line with a row.
const ROW: u8 = b'R';

/// Takes rows.
#[derive(Debug)]
pub(crate) struct Spool {
    file: tokio::fs::File,
    buffer: Vec<u8>,
    columns: Collector,
    bytes: u64,
    rows: u64,
    manifests: u64,
    origin: Option<i32>,
}

/// All rows, and what they have in common.
#[derive(Debug)]
pub(crate) struct Spooled {
    /// The rows.
    pub(crate) rows: Rows,
    /// The columns of the data.
    pub(crate) columns: Columns,
    /// How many manifests the rows come from.
    pub(crate) manifests: u64,
}

/// Gives rows.
#[derive(Debug)]
pub(crate) struct Rows {
    lines: BufReader<File>,
    origin: Option<Origin>,
}

impl Spool {
    /// Starts with the columns that the schema names, if any.
    pub(crate) async fn create(columns: Vec<String>) -> Result<Self, Problem> {
        let file = tokio::task::spawn_blocking(tempfile::tempfile).await??;
        Ok(Self {
            file: tokio::fs::File::from_std(file),
            buffer: Vec::with_capacity(BUFFER_BYTES),
            columns: Collector::new(columns),
            bytes: 0,
            rows: 0,
            manifests: 0,
            origin: None,
        })
    }

    /// Takes a row of a manifest. Rows of one manifest come one after the other.
    pub(crate) async fn push(&mut self, origin: &Origin, row: &Value) -> Result<(), Problem> {
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(Problem::TooManyRows { limit: MAX_ROWS });
        }
        self.columns.see(row);
        if self.columns.count() > MAX_COLUMNS {
            return Err(Problem::TooManyColumns { limit: MAX_COLUMNS });
        }
        if self.origin != Some(origin.id) {
            self.origin = Some(origin.id);
            self.manifests += 1;
            self.line(ORIGIN, origin)?;
        }
        self.line(ROW, row)?;
        if self.buffer.len() >= BUFFER_BYTES {
            self.write().await?;
        }
        Ok(())
    }

    /// Ends the taking and begins the giving.
    pub(crate) async fn finish(mut self) -> Result<Spooled, Problem> {
        self.write().await?;
        self.file.flush().await?;
        let mut file = self.file.into_std().await;
        let file = tokio::task::spawn_blocking(move || file.rewind().map(|()| file)).await??;
        let rows = Rows { lines: BufReader::with_capacity(BUFFER_BYTES, file), origin: None };
        Ok(Spooled { rows, columns: self.columns.finish(), manifests: self.manifests })
    }

    fn line(&mut self, mark: u8, value: &impl serde::Serialize) -> Result<(), Problem> {
        self.buffer.push(mark);
        serde_json::to_writer(&mut self.buffer, value).map_err(std::io::Error::from)?;
        self.buffer.push(b'\n');
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Problem> {
        self.bytes = self.bytes.saturating_add(u64::try_from(self.buffer.len()).unwrap_or(u64::MAX));
        if self.bytes > MAX_BYTES {
            return Err(Problem::TooLarge { limit_mib: MAX_BYTES / 1024 / 1024 });
        }
        self.file.write_all(&self.buffer).await?;
        self.buffer.clear();
        Ok(())
    }
}

impl Rows {
    /// The next row and where it comes from. It reads from disk, so it is not for the runtime's threads.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<(&Origin, Value)>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            match line.split_first() {
                Some((&ORIGIN, json)) => self.origin = Some(serde_json::from_slice(json)?),
                Some((&ROW, json)) => {
                    let row = serde_json::from_slice(json)?;
                    return match &self.origin {
                        Some(origin) => Ok(Some((origin, row))),
                        None => Err(broken()),
                    };
                }
                _ => return Err(broken()),
            }
        }
    }
}

fn broken() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, "a line of the spool has no mark")
}
