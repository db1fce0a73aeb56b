//! Answers about parts of a document become one.

use serde_json::{Map, Value};

/// How the answers are joined.
#[derive(Debug, Clone, Copy)]
pub struct Join<'a> {
    /// Path of the list whose rows are all kept, though two be alike; other lists keep alike entries once.
    pub rows: Option<&'a str>,
    /// Paths of values that stand at the end of a document, such as totals: the last part that shows one is right. Of other
    /// values the first is.
    pub last_wins: &'a [&'a str],
}

/// Joins answers about consecutive parts: lists are put one behind another, objects are joined field by field, and of
/// single values one counts.
#[must_use]
pub fn parts(answers: Vec<Value>, join: Join<'_>) -> Value {
    answers.into_iter().reduce(|known, next| join_values(known, next, "", join)).unwrap_or_default()
}

fn join_values(known: Value, next: Value, path: &str, join: Join<'_>) -> Value {
    match (known, next) {
        (Value::Object(known), Value::Object(next)) => Value::Object(join_fields(known, next, path, join)),
        (Value::Array(mut known), Value::Array(next)) => {
            let keeps_all = join.rows == Some(path);
            for entry in next {
                if keeps_all || !known.contains(&entry) {
                    known.push(entry);
                }
            }
            Value::Array(known)
        }
        (known, Value::Null) => known,
        (Value::Null, next) => next,
        (known, next) => {
            if join.last_wins.contains(&path) {
                next
            } else {
                known
            }
        }
    }
}

fn join_fields(
    mut known: Map<String, Value>,
    next: Map<String, Value>,
    path: &str,
    join: Join<'_>,
) -> Map<String, Value> {
    for (name, value) in next {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match known.get_mut(&name) {
            Some(place) => *place = join_values(place.take(), value, &path, join),
            None => drop(known.insert(name, value)),
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_become_one_document() {
        let answers = vec![
            json!({"number": "4711", "totals": {"gross": null, "net": 1}, "items": [{"a": 1}, {"a": 2}], "taxes": [{"rate": 19}]}),
            json!({"number": "0815", "totals": {"gross": 7, "net": 6}, "items": [{"a": 2}], "taxes": [{"rate": 19}, {"rate": 7}]}),
            json!({"number": null, "totals": null, "items": null, "note": "x"}),
        ];
        let join = Join { rows: Some("items"), last_wins: &["totals.net"] };
        assert_eq!(
            parts(answers, join),
            json!({"number": "4711", "totals": {"gross": 7, "net": 6}, "items": [{"a": 1}, {"a": 2}, {"a": 2}],
                   "taxes": [{"rate": 19}, {"rate": 7}], "note": "x"})
        );
    }

    #[test]
    fn nothing_joined_is_nothing() {
        assert_eq!(parts(Vec::new(), Join { rows: None, last_wins: &[] }), Value::Null);
    }
}
