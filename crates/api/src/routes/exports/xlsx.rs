//! Spooled rows as a workbook with three sheets. A row is written to disk once the next one begins, so the workbook is
//! never in memory; when all is written the file is sent.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Seek, Write};

use chrono::{DateTime, Datelike, Timelike, Utc};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use serde_json::{Number, Value, json};
use sluice_db::models::manifests::export::Selection;

use super::cells::Cell;
use super::columns::METADATA;
use super::formula::defuse;
use super::problem::Problem;
use super::scope::Scope;
use super::spool::Spooled;

/// The columns of the sheet of items. Manifests have no items of their own, so it has no rows.
const ITEM_COLUMNS: [&str; 7] =
    ["manifest_id", "task_path", "item_id", "description", "quantity", "unit_price", "total_price"];
/// Programs that read workbooks take no longer text, in UTF-16 units; what is cut ends with an ellipsis.
const MAX_TEXT_UNITS: usize = 32_767;
/// More bytes of texts are not written: columns may repeat what a row has once.
const MAX_TEXT_BYTES: usize = 512 * 1024 * 1024;

/// A sheet that is being written from its first row on.
struct Sheet<'a> {
    sheet: &'a mut Worksheet,
    row: u32,
    date: Format,
    text_bytes: usize,
}

/// Writes the workbook into a file without a name; it takes a while and is not for the runtime's threads.
pub(crate) fn write(spooled: Spooled, scope: &Scope, now: DateTime<Utc>) -> Result<(File, u64), Problem> {
    let mut workbook = Workbook::new();
    let created = DocProperties::new().set_creation_datetime(&excel_time(now)?);
    workbook.set_properties(&created);
    let Spooled { mut rows, columns, manifests } = spooled;
    let mut sheet = Sheet::begin(&mut workbook, "Manifests")?;
    sheet.row(METADATA.into_iter().chain(columns.names()).map(|name| Cell::Text(name.into())))?;
    while let Some((origin, row)) = rows.next()? {
        sheet.row(origin.cells(&columns, &row))?;
    }
    Sheet::begin(&mut workbook, "Items")?.row(ITEM_COLUMNS.into_iter().map(|name| Cell::Text(name.into())))?;
    let mut sheet = Sheet::begin(&mut workbook, "Meta")?;
    for (key, value) in about(scope, manifests, now) {
        sheet.row([Cell::Text(key.into()), value].into_iter())?;
    }
    let mut file = BufWriter::new(tempfile::tempfile()?);
    workbook.save_to_writer(&mut file)?;
    file.flush()?;
    let mut file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    let size = file.stream_position()?;
    file.rewind()?;
    Ok((file, size))
}

/// The rows about the export itself.
fn about(scope: &Scope, manifests: u64, now: DateTime<Utc>) -> [(&'static str, Cell<'static>); 6] {
    let text = |text: String| Cell::Text(Cow::Owned(text));
    let (asked, how) = match &scope.selection {
        Selection::Matching(_) => ("filters", Value::Object(scope.filters.clone())),
        Selection::Listed(ids) => ("manifestIds", json!(ids)),
    };
    [
        ("key", text("value".to_owned())),
        ("exported_at", Cell::Time(now)),
        ("scope", text(scope.word().to_owned())),
        ("manifests", Cell::Number(manifests.into())),
        ("items", Cell::Number(0.into())),
        (asked, text(how.to_string())),
    ]
}

impl<'a> Sheet<'a> {
    fn begin(workbook: &'a mut Workbook, name: &str) -> Result<Self, XlsxError> {
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        let date = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
        Ok(Self { sheet, row: 0, date, text_bytes: 0 })
    }

    fn row<'c>(&mut self, cells: impl Iterator<Item = Cell<'c>>) -> Result<(), Problem> {
        for (column, cell) in (0..).zip(cells) {
            self.write(column, cell)?;
        }
        self.row += 1;
        Ok(())
    }

    fn write(&mut self, column: u16, cell: Cell<'_>) -> Result<(), Problem> {
        let row = self.row;
        match cell {
            Cell::Empty => {}
            Cell::Text(text) => {
                let text = shortened(defuse(&text));
                self.text_bytes = self.text_bytes.saturating_add(text.len());
                if self.text_bytes > MAX_TEXT_BYTES {
                    return Err(Problem::TooLarge { limit_mib: 512 });
                }
                self.sheet.write_string(row, column, text)?;
            }
            Cell::Number(number) => match exact(&number) {
                Some(number) => self.sheet.write_number(row, column, number).map(drop)?,
                None => self.sheet.write_string(row, column, number.to_string()).map(drop)?,
            },
            Cell::Boolean(truth) => self.sheet.write_boolean(row, column, truth).map(drop)?,
            Cell::Time(time) => {
                self.sheet.write_datetime_with_format(row, column, &excel_time(time)?, &self.date)?;
            }
            Cell::Amount(amount) => self.sheet.write_number(row, column, amount.to_f64()).map(drop)?,
        }
        Ok(())
    }
}

/// The number, if a workbook can hold it as it is: it knows floats only.
fn exact(number: &Number) -> Option<f64> {
    let float = number.as_f64()?;
    let is_integer = number.is_i64() || number.is_u64();
    (!is_integer || format!("{float:.0}") == number.to_string()).then_some(float)
}

fn shortened(text: Cow<'_, str>) -> Cow<'_, str> {
    // A text has at most as many units as bytes.
    if text.len() <= MAX_TEXT_UNITS || text.encode_utf16().count() <= MAX_TEXT_UNITS {
        return text;
    }
    let mut units = 1;
    let fits = |letter: &char| {
        units += letter.len_utf16();
        units <= MAX_TEXT_UNITS
    };
    Cow::Owned(text.chars().take_while(fits).chain(['…']).collect())
}

fn excel_time(time: DateTime<Utc>) -> Result<ExcelDateTime, XlsxError> {
    let part = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    let year = u16::try_from(time.year()).unwrap_or(u16::MAX);
    let milli = u16::try_from(time.timestamp_subsec_millis()).unwrap_or(u16::MAX);
    let hour = u16::try_from(time.hour()).unwrap_or(u16::MAX);
    let day = ExcelDateTime::from_ymd(year, part(time.month()), part(time.day()))?;
    day.and_hms_milli(hour, part(time.minute()), part(time.second()), milli)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_where_they_may_be() {
        assert_eq!(shortened("short".into()), "short");
        let umlauts = "ä".repeat(MAX_TEXT_UNITS);
        assert_eq!(shortened(umlauts.as_str().into()), umlauts);
        let cut = shortened("a".repeat(MAX_TEXT_UNITS + 1).into());
        assert_eq!((cut.encode_utf16().count(), cut.ends_with("a…")), (MAX_TEXT_UNITS, true));
        // A pair of units is not parted.
        let cut = shortened("😀".repeat(MAX_TEXT_UNITS).into());
        assert_eq!((cut.encode_utf16().count(), cut.ends_with("😀…")), (MAX_TEXT_UNITS, true));
    }

    #[test]
    fn numbers_that_floats_do_not_hold_are_texts() {
        assert_eq!(exact(&12.into()), Some(12.0));
        assert_eq!(exact(&Number::from_f64(0.1).unwrap()), Some(0.1));
        assert_eq!(exact(&9_007_199_254_740_992_i64.into()), Some(9_007_199_254_740_992.0));
        assert_eq!(exact(&9_007_199_254_740_993_i64.into()), None);
        assert_eq!(exact(&u64::MAX.into()), None);
    }

    #[test]
    fn times_keep_their_milliseconds() {
        let time = excel_time("2026-03-14T12:00:00.500Z".parse().unwrap()).unwrap();
        let days = rust_xlsxwriter::IntoExcelDateTime::to_excel_serial_date(&&time);
        assert!((days - (46_095.5 + 0.5 / 86_400.0)).abs() < 1e-9, "{days}");
    }
}
