//! The places of a truth that are scored.

use serde_json::Value;

use super::compare::{Kind, Manner, is_empty};
use super::rows::{is_list_met, is_table_met};
use crate::data_filter::{MAX_PARTS, branches};

/// A value of the truth, the path to it, and what the schema says of it. An array is one value.
#[derive(Debug, Clone)]
pub(super) struct Leaf<'a> {
    pub(super) root: &'a Value,
    /// Dot path.
    pub(super) path: String,
    pub(super) value: &'a Value,
    pub(super) schemas: Vec<&'a Value>,
    kind: Kind,
}

impl<'a> Leaf<'a> {
    /// The last name of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// What the schema says of an array's entries.
    pub(super) fn row_schemas(&self) -> Vec<&'a Value> {
        below(self.root, &self.schemas, |schema| schema.get("items"))
    }

    /// The rows, when the value is a table.
    pub(super) fn rows(&self) -> Option<&'a Vec<Value>> {
        self.value.as_array().filter(|rows| rows.iter().any(Value::is_object))
    }

    /// Whether the object has the value of the truth at this path.
    pub(super) fn is_met_in(&self, object: &Value, manner: Manner) -> bool {
        let value = at(object, &self.path);
        match (self.rows(), self.value.as_array()) {
            (Some(rows), _) => is_table_met(self, rows, value, manner),
            (None, Some(list)) => is_list_met(self, list, value, manner),
            (None, None) => !is_empty(value) && self.kind.is_met(self.value, value, manner),
        }
    }

    /// How dear a comparison is.
    pub(super) fn price(&self) -> u8 {
        match self.kind {
            Kind::Number => 0,
            Kind::Id | Kind::Truth | Kind::Word | Kind::Date | Kind::Time => 1,
            Kind::Text => 2,
        }
    }

    /// Whether the schema knows the place.
    pub(super) fn is_known(&self) -> bool {
        !self.schemas.is_empty()
    }
}

/// The values of an object that are not empty, with objects within taken apart. Names that begin with `_` are skipped.
pub(super) fn leaves<'a>(root: &'a Value, schemas: &[&'a Value], object: &'a Value) -> Vec<Leaf<'a>> {
    let mut found = Vec::new();
    if !object.is_object() {
        return found;
    }
    let mut open: Vec<(String, &'a Value, Vec<&'a Value>)> = vec![(String::new(), object, schemas.to_vec())];
    while let Some((path, value, schemas)) = open.pop() {
        let Some(fields) = value.as_object() else {
            let kind = Kind::of(&schemas, path.rsplit('.').next().unwrap_or_default(), value);
            found.push(Leaf { root, path, value, schemas, kind });
            continue;
        };
        for (name, value) in fields.iter().rev().filter(|(name, value)| !name.starts_with('_') && !is_empty(value)) {
            let schemas = below(root, &schemas, |schema| schema.get("properties")?.get(name));
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            open.push((path, value, schemas));
        }
    }
    found
}

/// The schemas one step below others, with all that stand for them.
pub(super) fn below<'a>(
    root: &'a Value,
    schemas: &[&'a Value],
    step: impl Fn(&'a Value) -> Option<&'a Value>,
) -> Vec<&'a Value> {
    let steps = schemas.iter().filter_map(|schema| step(schema)).collect();
    branches(root, steps, &mut { MAX_PARTS })
}

/// The value of an object at a dot path; null when there is none.
pub(super) fn at<'a>(object: &'a Value, path: &str) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    path.split('.').try_fold(object, |value, name| value.get(name)).unwrap_or(NOTHING)
}
