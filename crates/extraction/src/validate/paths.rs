//! Places in data: `seller.name`, `items[].amount` for every row, `items.0.amount` for one.

use std::fmt;

use serde_json::Value;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into a field.
    Name(String),
    /// Into one row of a list.
    Index(usize),
    /// Into every row of a list, or every field of an object.
    Rows,
}

/// Where values stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<Step>);

/// A value and its dot path.
pub(crate) type Found<'a> = (String, &'a Value);

impl Path {
    /// Reads `a.b`, `a[].b`, `a.*.b`, `a[*].b`, `a.0.b`, `a[0].b`, `a["b"]`; a path of nothing is the whole document.
    pub(crate) fn read(text: &str) -> Self {
        let text = text.trim().trim_start_matches("$.").replace('[', ".[");
        let steps = text.split('.').filter(|segment| !segment.is_empty()).map(|segment| {
            let inner = segment.trim_start_matches('[').trim_end_matches(']');
            match inner.parse() {
                Ok(index) => Step::Index(index),
                Err(_) if inner.is_empty() || inner == "*" => Step::Rows,
                Err(_) => Step::Name(inner.trim_matches(['"', '\'']).to_owned()),
            }
        });
        Self(steps.collect())
    }

    /// Everything that stands there.
    pub(crate) fn find_all<'a>(&self, data: &'a Value) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        collect(data, &self.0, String::new(), &mut found);
        found
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Rows => formatter.write_str("[]")?,
                Step::Name(name) if number == 0 => formatter.write_str(name)?,
                Step::Name(name) => write!(formatter, ".{name}")?,
                Step::Index(index) if number == 0 => write!(formatter, "{index}")?,
                Step::Index(index) => write!(formatter, ".{index}")?,
            }
        }
        Ok(())
    }
}

pub(crate) fn join(parent: &str, step: &str) -> String {
    if parent.is_empty() { step.to_owned() } else { format!("{parent}.{step}") }
}

fn collect<'a>(value: &'a Value, steps: &[Step], place: String, found: &mut Vec<Found<'a>>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push((place, value));
        return;
    };
    match (step, value) {
        (Step::Name(name), Value::Object(fields)) => {
            if let Some(inner) = fields.get(name) {
                collect(inner, rest, join(&place, name), found);
            }
        }
        (Step::Index(index), Value::Array(items)) => {
            if let Some(inner) = items.get(*index) {
                collect(inner, rest, join(&place, &index.to_string()), found);
            }
        }
        (Step::Rows, Value::Array(items)) => {
            for (index, inner) in items.iter().enumerate() {
                collect(inner, rest, join(&place, &index.to_string()), found);
            }
        }
        (Step::Rows, Value::Object(fields)) => {
            for (name, inner) in fields.iter().filter(|(name, _)| !name.starts_with('_')) {
                collect(inner, rest, join(&place, name), found);
            }
        }
        // A path that forgets to step into the rows means them.
        (Step::Name(_), Value::Array(items)) => {
            for (index, inner) in items.iter().enumerate() {
                collect(inner, steps, join(&place, &index.to_string()), found);
            }
        }
        _ => {}
    }
}

/// Every value that is neither list nor object; what the system wrote itself (`_extraction_info`) is left out.
pub(crate) fn leaves(data: &Value) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    collect_leaves(data, String::new(), &mut found);
    found
}

fn collect_leaves<'a>(value: &'a Value, place: String, found: &mut Vec<Found<'a>>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields.iter().filter(|(name, _)| !name.starts_with('_')) {
                collect_leaves(inner, join(&place, name), found);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                collect_leaves(inner, join(&place, &index.to_string()), found);
            }
        }
        _ => found.push((place, value)),
    }
}

/// The dot path of a JSON pointer.
pub(crate) fn dot_path(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~")
}

/// The place of a concrete dot path.
pub(crate) fn find_mut<'a>(data: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').try_fold(data, |value, step| match value {
        Value::Object(fields) => fields.get_mut(step),
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Whether a path leads to something: `a[]` to an array with items, `a[].b` to a value in at least one of them.
pub(crate) fn is_present(data: &Value, path: &str) -> bool {
    let (segment, rest) = path.split_once('.').map_or((path, None), |(segment, rest)| (segment, Some(rest)));
    let (name, is_array) = segment.strip_suffix("[]").map_or((segment, false), |name| (name, true));
    let value = if name.is_empty() { Some(data) } else { data.get(name) };
    match (value, rest) {
        (None | Some(Value::Null), _) => false,
        (Some(value), Some(rest)) if is_array => {
            value.as_array().is_some_and(|items| items.iter().any(|item| is_present(item, rest)))
        }
        (Some(value), Some(rest)) => is_present(value, rest),
        (Some(value), None) if is_array => value.as_array().is_some_and(|items| !items.is_empty()),
        (Some(value), None) => value != "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_to_all_that_they_name() {
        let data =
            json!({"a": {"b": 1}, "rows": [{"x": 1, "y": {"z": 2}}, {"x": 3}, {}], "tags": ["t"], "_info": {"b": 9}});
        let places = |path: &str| -> Vec<String> {
            Path::read(path).find_all(&data).into_iter().map(|(place, _)| place).collect()
        };
        assert_eq!(places("a.b"), ["a.b"]);
        for path in ["rows[].x", "rows.*.x", "rows[*].x", "rows.x", "$.rows[].x"] {
            assert_eq!(places(path), ["rows.0.x", "rows.1.x"], "{path}");
        }
        assert_eq!(places("rows.1.x"), ["rows.1.x"]);
        assert_eq!(places("rows[0].y.z"), ["rows.0.y.z"]);
        assert_eq!(places("tags[]"), ["tags.0"]);
        assert_eq!(places("a.*"), ["a.b"]);
        assert_eq!(places("none.b"), Vec::<String>::new());
        assert_eq!(Path::read("rows[0].y['z'].*.w").to_string(), "rows.0.y.z[].w");
        let all: Vec<String> = leaves(&data).into_iter().map(|(place, _)| place).collect();
        assert_eq!(all, ["a.b", "rows.0.x", "rows.0.y.z", "rows.1.x", "tags.0"]);
    }

    #[test]
    fn pointers_become_dot_paths() {
        assert_eq!(dot_path("/rows/0/a~1b"), "rows.0.a/b");
        assert_eq!(dot_path(""), "");
    }
}
