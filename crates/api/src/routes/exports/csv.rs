//! Spooled rows as CSV: UTF-8 without a mark, `\n` between lines and none after the last, fields in quotes where they
//! must be. Texts that could be formulas are defused, see [`super::formula`].

use std::borrow::Cow;

use bytes::Bytes;
use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};
use futures_util::{Stream, stream};

use super::cells::Cell;
use super::columns::{Columns, METADATA};
use super::formula::defuse_unless_number;
use super::problem::{Problem, log_break};
use super::spool::{Rows, Spooled};
use crate::error::ApiError;
use crate::wire;

/// About how many bytes are sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Rows that are being written.
struct Lines {
    rows: Rows,
    columns: Columns,
    is_header_written: bool,
    /// The end of the last line, which is written when another one follows.
    pending: &'static [u8],
}

/// Gives the file piece by piece, each made when the one before is taken.
pub(crate) fn stream(spooled: Spooled) -> impl Stream<Item = Result<Bytes, ApiError>> {
    let Spooled { rows, columns, .. } = spooled;
    let lines = Lines { rows, columns, is_header_written: false, pending: b"" };
    stream::try_unfold(lines, |lines| async {
        // It reads from disk.
        let next = tokio::task::spawn_blocking(move || lines.next()).await;
        next.map_err(Problem::from).and_then(|next| next).map_err(log_break)
    })
}

impl Lines {
    fn next(mut self) -> Result<Option<(Bytes, Self)>, Problem> {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        if !self.is_header_written {
            self.is_header_written = true;
            let names = METADATA.into_iter().chain(self.columns.names());
            self.pending = add(&mut chunk, self.pending, &line(names.map(defuse_unless_number))?);
        }
        while chunk.len() < CHUNK_BYTES {
            let Some((origin, row)) = self.rows.next()? else { break };
            let line = line(origin.cells(&self.columns, &row).map(text))?;
            self.pending = add(&mut chunk, self.pending, &line);
        }
        Ok(if chunk.is_empty() { None } else { Some((Bytes::from(chunk), self)) })
    }
}

/// Adds a line but for its end, which is answered.
fn add(chunk: &mut Vec<u8>, pending: &[u8], line: &[u8]) -> &'static [u8] {
    chunk.extend_from_slice(pending);
    chunk.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
    b"\n"
}

fn line<'a>(fields: impl Iterator<Item = Cow<'a, str>>) -> Result<Vec<u8>, Problem> {
    let mut writer: Writer<Vec<u8>> = WriterBuilder::new()
        .quote_style(QuoteStyle::Necessary)
        .terminator(Terminator::Any(b'\n'))
        .buffer_capacity(1024)
        .from_writer(Vec::new());
    for field in fields {
        writer.write_field(field.as_bytes()).map_err(std::io::Error::other)?;
    }
    writer.write_record(None::<&[u8]>).map_err(std::io::Error::other)?;
    Ok(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

/// A cell's text.
fn text(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Empty => Cow::Borrowed(""),
        Cell::Text(Cow::Borrowed(text)) => defuse_unless_number(text),
        Cell::Text(Cow::Owned(text)) => Cow::Owned(defuse_unless_number(&text).into_owned()),
        Cell::Number(number) => Cow::Owned(number.to_string()),
        Cell::Boolean(truth) => Cow::Borrowed(if truth { "true" } else { "false" }),
        Cell::Time(time) => Cow::Owned(wire::iso(time)),
        Cell::Amount(amount) => Cow::Owned(amount.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fields: &[&str]) -> String {
        String::from_utf8(line(fields.iter().map(|field| Cow::Borrowed(*field))).unwrap()).unwrap()
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(written(&["a", "", "b c", "Größe", "'=1", "x;y"]), "a,,b c,Größe,'=1,x;y\n");
        assert_eq!(
            written(&["a,b", "say \"hi\"", "two\nlines", "cr\r"]),
            "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"cr\r\"\n"
        );
    }

    #[test]
    fn cells_are_texts() {
        let cells = [
            (Cell::Empty, ""),
            (Cell::Text("=1+1".into()), "'=1+1"),
            (Cell::Text("-12.5".into()), "-12.5"),
            (Cell::Number((-3).into()), "-3"),
            (Cell::Boolean(false), "false"),
            (Cell::Time("2026-03-14T09:26:53Z".parse().unwrap()), "2026-03-14T09:26:53.000Z"),
            (Cell::Amount(sluice_core::NanoAmount(10_755_000)), "0.010755000"),
        ];
        for (cell, expected) in cells {
            assert_eq!(text(cell), expected);
        }
    }
}
