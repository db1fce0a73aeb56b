//! What an edit changed.

use serde::Serialize;
use serde_json::Value;

/// One changed value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Diff {
    /// Names and indexes, joined by dots; empty for the whole.
    pub(crate) path: String,
    /// What was there; null when nothing was.
    pub(crate) before: Value,
    /// What is there now.
    pub(crate) after: Value,
}

/// The differences between two values: nothing and null are the same, arrays are compared by index, and a value that
/// changes its type is one difference.
pub(crate) fn diff(before: &Value, after: &Value) -> Vec<Diff> {
    let mut diffs = Vec::new();
    compare(String::new(), before, after, &mut diffs);
    diffs
}

fn compare(path: String, before: &Value, after: &Value, diffs: &mut Vec<Diff>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                compare(join(&path, key), child(old.get(key)), child(new.get(key)), diffs);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for index in 0..old.len().max(new.len()) {
                compare(join(&path, &index.to_string()), child(old.get(index)), child(new.get(index)), diffs);
            }
        }
        // What comes into being is named by its leaves, so an empty object is no difference.
        (Value::Null, Value::Object(_) | Value::Array(_)) | (Value::Object(_) | Value::Array(_), Value::Null) => {
            compare(path, &filled(before, after), &filled(after, before), diffs);
        }
        (before, after) if before == after => {}
        (before, after) => diffs.push(Diff { path, before: before.clone(), after: after.clone() }),
    }
}

/// An empty container of the other's type in place of null.
fn filled(value: &Value, other: &Value) -> Value {
    match (value, other) {
        (Value::Null, Value::Object(_)) => Value::Object(serde_json::Map::new()),
        (Value::Null, Value::Array(_)) => Value::Array(Vec::new()),
        _ => value.clone(),
    }
}

fn child(value: Option<&Value>) -> &Value {
    value.unwrap_or(&Value::Null)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(path: &str, before: Value, after: Value) -> Diff {
        Diff { path: path.to_owned(), before, after }
    }

    #[test]
    fn differences_are_named_by_their_path() {
        let cases = [
            (json!({"a": 1}), json!({"a": 1}), vec![]),
            (json!({"a": null}), json!({}), vec![]),
            (json!(null), json!({}), vec![]),
            (json!({"a": 1}), json!({"a": 2}), vec![of("a", json!(1), json!(2))]),
            (json!({"a": {"b": 1}}), json!({"a": [1]}), vec![of("a", json!({"b": 1}), json!([1]))]),
            (
                json!({"items": [{"q": 1}, {"q": 2}]}),
                json!({"items": [{"q": 3}]}),
                vec![of("items.0.q", json!(1), json!(3)), of("items.1.q", json!(2), json!(null))],
            ),
            (json!(null), json!({"a": {"b": 1}}), vec![of("a.b", json!(null), json!(1))]),
            (json!("1"), json!(1), vec![of("", json!("1"), json!(1))]),
        ];
        for (before, after, expected) in cases {
            assert_eq!(diff(&before, &after), expected, "{before} → {after}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3_i64..3).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Puts a value at a path; numbers are indexes, because the names of [`any_json`] are none.
    fn put(place: &mut Value, path: &[&str], value: &Value) {
        let Some((first, rest)) = path.split_first() else {
            *place = value.clone();
            return;
        };
        match first.parse::<usize>() {
            Ok(index) => {
                if !place.is_array() {
                    *place = json!([]);
                }
                let items = place.as_array_mut().unwrap();
                if items.len() <= index {
                    items.resize(index + 1, Value::Null);
                }
                put(&mut items[index], rest, value);
            }
            Err(_) => {
                if !place.is_object() {
                    *place = json!({});
                }
                put(place.as_object_mut().unwrap().entry(*first).or_insert(Value::Null), rest, value);
            }
        }
    }

    /// Without what counts as nothing.
    fn pruned(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let kept = fields.iter().map(|(name, value)| (name.clone(), pruned(value)));
                let kept: serde_json::Map<_, _> = kept.filter(|(_, value)| !value.is_null()).collect();
                if kept.is_empty() { Value::Null } else { Value::Object(kept) }
            }
            Value::Array(items) => {
                let mut kept: Vec<_> = items.iter().map(pruned).collect();
                while kept.last() == Some(&Value::Null) {
                    kept.pop();
                }
                if kept.is_empty() { Value::Null } else { Value::Array(kept) }
            }
            leaf => leaf.clone(),
        }
    }

    proptest! {
        #[test]
        fn the_differences_lead_from_one_to_the_other_and_back(before in any_json(), after in any_json()) {
            let (mut there, mut back) = (before.clone(), after.clone());
            for Diff { path, before, after } in diff(&before, &after) {
                let names: Vec<&str> = path.split('.').filter(|name| !name.is_empty()).collect();
                put(&mut there, &names, &after);
                put(&mut back, &names, &before);
            }
            prop_assert_eq!(pruned(&there), pruned(&after));
            prop_assert_eq!(pruned(&back), pruned(&before));
        }

        #[test]
        fn nothing_differs_from_itself(value in any_json()) {
            prop_assert_eq!(diff(&value, &value), vec![]);
        }

        #[test]
        fn the_way_back_is_the_mirror(before in any_json(), after in any_json()) {
            let mut there: Vec<_> = diff(&before, &after).into_iter().map(|d| (d.path, d.before, d.after)).collect();
            let mut back: Vec<_> = diff(&after, &before).into_iter().map(|d| (d.path, d.after, d.before)).collect();
            there.sort_by(|a, b| a.0.cmp(&b.0));
            back.sort_by(|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(there, back);
        }

        #[test]
        fn every_difference_is_one(before in any_json(), after in any_json()) {
            for diff in diff(&before, &after) {
                prop_assert_ne!(&diff.before, &diff.after);
                let pointer = if diff.path.is_empty() { String::new() } else { format!("/{}", diff.path.replace('.', "/")) };
                prop_assert_eq!(before.pointer(&pointer).unwrap_or(&Value::Null), &diff.before);
                prop_assert_eq!(after.pointer(&pointer).unwrap_or(&Value::Null), &diff.after);
            }
        }
    }
}
