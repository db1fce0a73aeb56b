//! A schema without references: what a model and its grammar can be told.

use serde_json::{Map, Value};

use super::has_type;

/// References inside of references are followed so far; a schema that contains itself has no end.
const MAX_DEPTH: usize = 12;
/// A schema that grows beyond this by its references is left as it is.
const MAX_NODES: usize = 20_000;

/// Puts local definitions (`$ref` to `#/$defs/…` or `#/definitions/…`) in their places, and says `["string", "null"]` for
/// a choice between something and null. What can't be resolved stays as it stands.
#[must_use]
pub fn simplify(schema: &Value) -> Value {
    let mut nodes = 0;
    let simple = resolve(schema, schema, 0, &mut nodes);
    if nodes > MAX_NODES { schema.clone() } else { simple }
}

fn resolve(schema: &Value, root: &Value, depth: usize, nodes: &mut usize) -> Value {
    *nodes += 1;
    if *nodes > MAX_NODES {
        return schema.clone();
    }
    match schema {
        Value::Object(fields) => {
            let target = fields.get("$ref").and_then(Value::as_str).and_then(|reference| find(root, reference));
            if let Some(target) = target.filter(|_| depth < MAX_DEPTH) {
                return with_notes(resolve(target, root, depth + 1, nodes), fields);
            }
            let mut simple = Map::new();
            for (name, value) in fields {
                // They are where they are used now.
                if !matches!(name.as_str(), "$defs" | "definitions") || depth > 0 {
                    simple.insert(name.clone(), resolve(value, root, depth, nodes));
                }
            }
            or_null(Value::Object(simple))
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| resolve(item, root, depth, nodes)).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

fn find<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let pointer = reference.strip_prefix('#')?;
    let is_definition = ["/$defs/", "/definitions/"].iter().any(|start| pointer.starts_with(start));
    if is_definition { root.pointer(pointer) } else { None }
}

/// What stands beside a reference says more than what it refers to.
fn with_notes(mut target: Value, beside: &Map<String, Value>) -> Value {
    if let Some(fields) = target.as_object_mut() {
        for (name, value) in beside.iter().filter(|(name, _)| *name != "$ref") {
            fields.insert(name.clone(), value.clone());
        }
    }
    target
}

/// `anyOf: [X, {"type": "null"}]` is X that may be null.
fn or_null(schema: Value) -> Value {
    for word in ["anyOf", "oneOf"] {
        let Some([one, other]) = schema.get(word).and_then(Value::as_array).map(Vec::as_slice) else { continue };
        let is_null = |choice: &Value| choice.get("type").and_then(Value::as_str) == Some("null");
        let kept = match (is_null(one), is_null(other)) {
            (false, true) => one,
            (true, false) => other,
            _ => continue,
        };
        let Some(kinds) = kept.get("type").cloned() else { continue };
        let mut simple = kept.clone();
        let Some(fields) = simple.as_object_mut() else { continue };
        if !has_type(kept, "null") {
            let mut kinds = match kinds {
                Value::Array(kinds) => kinds,
                kind => vec![kind],
            };
            kinds.push("null".into());
            fields.insert("type".to_owned(), Value::Array(kinds));
        }
        let beside = schema.as_object().into_iter().flatten().filter(|(name, _)| *name != word);
        for (name, value) in beside {
            fields.insert(name.clone(), value.clone());
        }
        return simple;
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn definitions_are_put_where_they_are_used() {
        let schema = json!({"$defs": {"amount": {"type": "number", "description": "money"}}, "type": "object",
            "properties": {"net": {"$ref": "#/$defs/amount", "description": "without tax"}, "tax": {"$ref": "#/$defs/amount"}}});
        let expected = json!({"type": "object", "properties": {
            "net": {"type": "number", "description": "without tax"}, "tax": {"type": "number", "description": "money"}}});
        assert_eq!(simplify(&schema), expected);
    }

    #[test]
    fn a_choice_with_null_is_a_value_that_may_be_null() {
        let schema = json!({"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "A"},
                                           "b": {"oneOf": [{"type": "string"}, {"type": "number"}]}}});
        let expected = json!({"properties": {"a": {"type": ["string", "null"], "title": "A"},
                                             "b": {"oneOf": [{"type": "string"}, {"type": "number"}]}}});
        assert_eq!(simplify(&schema), expected);
    }

    #[test]
    fn a_schema_that_contains_itself_has_an_end() {
        let schema = json!({"$defs": {"n": {"type": "object", "properties": {"l": {"$ref": "#/$defs/n"}, "r": {"$ref": "#/$defs/n"}}}},
                            "$ref": "#/$defs/n"});
        let size = simplify(&schema).to_string().len();
        assert!(size < 2_000_000, "{size}");
        assert_eq!(simplify(&json!({"$ref": "https://elsewhere/x"})), json!({"$ref": "https://elsewhere/x"}));
    }
}
