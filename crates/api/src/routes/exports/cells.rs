//! The cells of a row before they are written as CSV or XLSX.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use sluice_core::NanoAmount;
use sluice_db::models::manifests::export::ExportedManifest;

use super::columns::{Columns, Found};

/// What an export tells of the manifest that a row comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) id: i32,
    project_name: String,
    group_name: String,
    original_filename: String,
    status: String,
    created_at: DateTime<Utc>,
    confidence: Option<f64>,
    human_verified: bool,
    cost_nano: Option<i64>,
    currency: Option<String>,
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    Empty,
    Text(Cow<'a, str>),
    Number(Number),
    Boolean(bool),
    Time(DateTime<Utc>),
    Amount(NanoAmount),
}

impl Origin {
    pub(crate) fn of(manifest: &ExportedManifest) -> Self {
        Self {
            id: manifest.id,
            project_name: manifest.project_name.clone(),
            group_name: manifest.group_name.clone(),
            original_filename: manifest.original_filename.clone(),
            status: manifest.status.clone(),
            created_at: manifest.created_at,
            confidence: manifest.confidence,
            human_verified: manifest.human_verified,
            cost_nano: manifest.extraction_cost_nano,
            currency: manifest.extraction_cost_currency.clone(),
        }
    }

    /// All cells of a row, those of [`super::columns::METADATA`] first.
    pub(crate) fn cells<'a>(&'a self, columns: &'a Columns, row: &'a Value) -> impl Iterator<Item = Cell<'a>> {
        self.metadata().into_iter().chain(columns.find(row).map(Cell::from))
    }

    fn metadata(&self) -> [Cell<'_>; 10] {
        let text = |text: &'_ str| Cell::Text(Cow::Owned(text.to_owned()));
        [
            text(&self.project_name),
            text(&self.group_name),
            Cell::Number(self.id.into()),
            text(&self.original_filename),
            text(&self.status),
            Cell::Time(self.created_at),
            self.confidence.and_then(Number::from_f64).map_or(Cell::Empty, Cell::Number),
            Cell::Boolean(self.human_verified),
            self.cost_nano.map_or(Cell::Empty, |nano| Cell::Amount(NanoAmount(nano))),
            self.currency.as_deref().map_or(Cell::Empty, text),
        ]
    }
}

impl<'a> From<Found<'a>> for Cell<'a> {
    fn from(found: Found<'a>) -> Self {
        match found {
            Found::Value(None | Some(Value::Null)) => Self::Empty,
            Found::Value(Some(Value::String(text))) => Self::Text(Cow::Borrowed(text)),
            Found::Value(Some(Value::Number(number))) => Self::Number(number.clone()),
            Found::Value(Some(Value::Bool(truth))) => Self::Boolean(*truth),
            Found::Value(Some(json @ (Value::Array(_) | Value::Object(_)))) | Found::Whole(json) => {
                Self::Text(Cow::Owned(json.to_string()))
            }
        }
    }
}

/// Turns numbers such as `12.0` into whole ones, as they are written where JavaScript writes them.
pub(crate) fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let is_float = number.as_i64().is_none() && number.as_u64().is_none();
            if let Some(whole) = number.as_f64().filter(|_| is_float).and_then(whole) {
                *number = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The integer that a float is exactly.
fn whole(number: f64) -> Option<i64> {
    /// Up to here every integer is a float.
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= LIMIT { format!("{number:.0}").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        let mut value = json!({"a": [12.0, 12.5, -0.0, 7], "b": {"c": 1e15, "d": 1e300}, "e": "1.0", "f": null});
        make_whole(&mut value);
        assert_eq!(
            value.to_string(),
            r#"{"a":[12,12.5,0,7],"b":{"c":1000000000000000,"d":1e+300},"e":"1.0","f":null}"#
        );
    }

    #[test]
    fn what_is_no_plain_value_is_json() {
        let (list, text, null) = (json!([1, {"a": null}]), json!("x"), json!(null));
        assert_eq!(Cell::from(Found::Value(Some(&list))), Cell::Text(r#"[1,{"a":null}]"#.into()));
        assert_eq!(Cell::from(Found::Value(Some(&text))), Cell::Text("x".into()));
        assert_eq!(Cell::from(Found::Whole(&text)), Cell::Text("\"x\"".into()));
        assert_eq!(Cell::from(Found::Value(Some(&null))), Cell::Empty);
        assert_eq!(Cell::from(Found::Value(None)), Cell::Empty);
    }
}
