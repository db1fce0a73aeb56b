//! Which columns an export has beside those of every manifest, and what stands in their cells.

use std::collections::HashSet;

use serde_json::Value;

/// The columns of every manifest.
pub(crate) const METADATA: [&str; 10] = [
    "project_name",
    "group_name",
    "manifest_id",
    "original_filename",
    "status",
    "created_at",
    "confidence",
    "human_verified",
    "extraction_cost",
    "extraction_cost_currency",
];

/// The column that stands in when no row has a key.
const WHOLE_ROW: &str = "extractedDataJson";

/// The columns of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Columns {
    /// One for each of these keys or paths.
    Named(Vec<String>),
    /// One, with the whole row as JSON.
    Whole,
}

/// What is in a cell of the data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found<'a> {
    /// A value, or nothing.
    Value(Option<&'a Value>),
    /// All of the row.
    Whole(&'a Value),
}

/// Collects the columns while rows pass.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    given: Vec<String>,
    seen: HashSet<String>,
    order: Vec<String>,
}

impl Columns {
    /// Their headers.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Named(names) => names.iter().map(String::as_str).collect(),
            Self::Whole => vec![WHOLE_ROW],
        }
    }

    /// What a row has for each of them.
    pub(crate) fn find<'a>(&'a self, row: &'a Value) -> impl Iterator<Item = Found<'a>> + 'a {
        let names = match self {
            Self::Named(names) => names.as_slice(),
            Self::Whole => &[],
        };
        let whole = matches!(self, Self::Whole).then_some(Found::Whole(row));
        names.iter().map(|name| Found::Value(find(row, name))).chain(whole)
    }
}

impl Collector {
    /// Starts with the columns that the schema names; when it names none, those of the rows are collected.
    pub(crate) fn new(given: Vec<String>) -> Self {
        Self { given, ..Self::default() }
    }

    /// Takes note of a row's keys.
    pub(crate) fn see(&mut self, row: &Value) {
        let Some(fields) = row.as_object().filter(|_| self.given.is_empty()) else { return };
        for key in fields.keys() {
            if !self.seen.contains(key) {
                self.seen.insert(key.clone());
                self.order.push(key.clone());
            }
        }
    }

    /// How many there are until now.
    pub(crate) fn count(&self) -> usize {
        self.given.len().max(self.order.len())
    }

    /// All of them.
    pub(crate) fn finish(self) -> Columns {
        let names = if self.given.is_empty() { self.order } else { self.given };
        if names.is_empty() { Columns::Whole } else { Columns::Named(names) }
    }
}

/// The columns that a schema asks for in `x-table-columns`, each once.
pub(crate) fn of_schema(schema: &Value) -> Vec<String> {
    let listed = schema.get("x-table-columns").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut seen = HashSet::new();
    let names = listed.iter().filter_map(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
    names.filter(|name| seen.insert(*name)).map(str::to_owned).collect()
}

/// The value under a key with this very name, or else at the end of this path. There is no path into arrays.
fn find<'a>(row: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = row.as_object()?;
    if let Some(value) = fields.get(name) {
        return Some(value);
    }
    if name.contains("[]") {
        return None;
    }
    name.split('.').try_fold(row, |value, key| value.as_object()?.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn collected(given: &[&str], rows: &[Value]) -> Columns {
        let mut collector = Collector::new(given.iter().map(|name| (*name).to_owned()).collect());
        rows.iter().for_each(|row| collector.see(row));
        collector.finish()
    }

    fn named(names: &[&str]) -> Columns {
        Columns::Named(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_schema_names_columns_or_none() {
        assert_eq!(of_schema(&json!({"x-table-columns": ["a.b", " c ", "", 7, "a.b"]})), ["a.b", "c"]);
        for schema in [json!({}), json!({"x-table-columns": []}), json!({"x-table-columns": "a"}), json!(true)] {
            assert!(of_schema(&schema).is_empty(), "{schema}");
        }
    }

    #[test]
    fn keys_are_columns_in_the_order_they_were_first_seen() {
        let rows = [json!({"b": 1, "a": 2}), json!({"c": 1, "a": 2}), json!({})];
        assert_eq!(collected(&[], &rows), named(&["b", "a", "c"]));
        assert_eq!(collected(&["x"], &rows), named(&["x"]));
        assert_eq!(collected(&[], &[json!({}), json!([1])]), Columns::Whole);
        assert_eq!(collected(&[], &[]), Columns::Whole);
        assert_eq!(Columns::Whole.names(), ["extractedDataJson"]);
    }

    #[test]
    fn a_cell_is_found_by_its_key_and_then_by_its_path() {
        let row = json!({"a.b": 1, "a": {"b": 2, "c": {"d": 3}}, "items": [{"n": 4}], "items[].n": 5});
        let value = |name| find(&row, name).cloned();
        assert_eq!(value("a.b"), Some(json!(1)));
        assert_eq!(value("a.c.d"), Some(json!(3)));
        assert_eq!(value("a.c"), Some(json!({"d": 3})));
        assert_eq!(value("items[].n"), Some(json!(5)));
        for missing in ["a.x", "a.b.c", "items.0", "items.n", "items[].m", "a[].b", "", "."] {
            assert_eq!(value(missing), None, "{missing}");
        }
        assert_eq!(find(&json!([1]), "0"), None);
    }

    #[test]
    fn each_column_has_its_cell() {
        let row = json!({"a": 1});
        let columns = named(&["b", "a"]);
        let cells: Vec<_> = columns.find(&row).collect();
        assert_eq!(cells, [Found::Value(None), Found::Value(Some(&json!(1)))]);
        assert_eq!(Columns::Whole.find(&row).collect::<Vec<_>>(), [Found::Whole(&row)]);
    }
}
