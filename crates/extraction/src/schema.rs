//! What follows from a JSON Schema: its name, its required paths, its version, the order of its properties.

mod simplify;

use serde_json::{Map, Value};

use crate::fingerprint;

pub use simplify::simplify;

/// What is derived when a schema is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The schema with stray fields moved into `properties`.
    pub json_schema: Value,
    /// Its title, if it has one.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Dot paths of what must be present; items of an array as `items[].x`.
    pub required_fields: Vec<String>,
    /// The SHA-256 of the schema with sorted keys.
    pub version: String,
}

/// Words of JSON Schema at the root of an object; any other key there that holds a schema is a property that somebody
/// forgot to put into `properties`.
const KEYWORDS: [&str; 44] = [
    "type",
    "properties",
    "required",
    "items",
    "title",
    "description",
    "default",
    "examples",
    "enum",
    "const",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "additionalProperties",
    "additionalItems",
    "propertyNames",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "definitions",
    "readOnly",
    "writeOnly",
    "prefixItems",
    "unevaluatedProperties",
];

/// Derives what is stored beside a schema.
#[must_use]
pub fn derive(json_schema: &Value) -> Derived {
    let json_schema = normalise(json_schema);
    let text = |key: &str| {
        json_schema.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let mut required_fields = Vec::new();
    collect_required(&json_schema, "", &mut required_fields);
    Derived {
        name: text("title"),
        description: json_schema.get("description").and_then(Value::as_str).map(str::to_owned),
        version: fingerprint::of_json(&json_schema),
        required_fields,
        json_schema,
    }
}

fn normalise(schema: &Value) -> Value {
    let Some(fields) = schema.as_object() else { return schema.clone() };
    let is_object = fields.get("properties").is_some_and(Value::is_object) || has_type(schema, "object");
    let is_stray = |name: &str, value: &Value| {
        !KEYWORDS.contains(&name) && !name.starts_with('$') && !name.starts_with("x-") && looks_like_schema(value)
    };
    if !is_object || !fields.iter().any(|(name, value)| is_stray(name, value)) {
        return schema.clone();
    }
    let mut properties = fields.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut kept = Map::new();
    for (name, value) in fields {
        if is_stray(name, value) {
            if !properties.contains_key(name) {
                properties.insert(name.clone(), value.clone());
            }
        } else {
            kept.insert(name.clone(), value.clone());
        }
    }
    kept.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(kept)
}

fn looks_like_schema(value: &Value) -> bool {
    const MARKS: [&str; 8] = ["type", "properties", "items", "enum", "anyOf", "oneOf", "allOf", "$ref"];
    value.as_object().is_some_and(|fields| MARKS.iter().any(|mark| fields.contains_key(*mark)))
}

/// Whether a schema's `type` is, or contains, a word.
#[must_use]
pub fn has_type(schema: &Value, word: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == word,
        Some(Value::Array(words)) => words.iter().any(|one| one == word),
        _ => false,
    }
}

/// Descends only through what is itself required: a field of an optional part is not missing when the part is.
fn collect_required(schema: &Value, path: &str, found: &mut Vec<String>) {
    if has_type(schema, "array") || schema.get("items").is_some_and(Value::is_object) {
        if let Some(items) = schema.get("items") {
            collect_required(items, &format!("{path}[]"), found);
        }
        return;
    }
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in names {
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        if !found.contains(&path) {
            found.push(path.clone());
        }
        if let Some(property) = schema.get("properties").and_then(|properties| properties.get(name)) {
            collect_required(property, &path, found);
        }
    }
}

/// The properties of an object in the order in which people see them: those with an `x-ui-order` first, by it; the others
/// as they stand.
#[must_use]
pub fn ordered_properties(schema: &Value) -> Vec<(&String, &Value)> {
    let mut properties: Vec<(&String, &Value)> =
        schema.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
    let order = |schema: &Value| schema.get("x-ui-order").and_then(Value::as_f64).unwrap_or(f64::INFINITY);
    properties.sort_by(|(_, a), (_, b)| order(a).total_cmp(&order(b)));
    properties
}

/// The properties that a model is asked for, in their order: those whose names begin with `_` are about the data, and
/// none of the document's.
#[must_use]
pub fn asked_properties(schema: &Value) -> Vec<(&String, &Value)> {
    ordered_properties(schema).into_iter().filter(|(name, _)| !name.starts_with('_')).collect()
}

/// The schema with the properties of every object in their order.
#[must_use]
pub fn in_order(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| {
                    let value = if name == "properties" && value.is_object() {
                        let ordered = ordered_properties(schema);
                        Value::Object(
                            ordered.into_iter().map(|(name, value)| (name.clone(), in_order(value))).collect(),
                        )
                    } else {
                        in_order(value)
                    };
                    (name.clone(), value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(in_order).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn required_paths_go_through_required_parts_only() {
        let derived = derive(&json!({
            "type": "object", "title": " Invoice ", "required": ["seller", "items"],
            "properties": {
                "seller": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                "buyer": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                "items": {"type": "array", "items": {"type": "object", "required": ["amount"], "properties": {}}},
            }
        }));
        assert_eq!(derived.name.as_deref(), Some("Invoice"));
        assert_eq!(derived.required_fields, ["seller", "seller.name", "items", "items[].amount"]);
        let array = json!({"type": "array", "items": {"type": "object", "required": ["x"]}});
        assert_eq!(derive(&array).required_fields, ["[].x"]);
    }

    #[test]
    fn stray_fields_become_properties_and_existing_ones_win() {
        let derived = derive(&json!({
            "type": "object", "properties": {"a": {"type": "string"}},
            "a": {"type": "number"}, "b": {"type": "number"}, "x-table-columns": ["a"], "$defs": {"c": {"type": "null"}}
        }));
        let expected = json!({
            "type": "object", "x-table-columns": ["a"], "$defs": {"c": {"type": "null"}},
            "properties": {"a": {"type": "string"}, "b": {"type": "number"}}
        });
        assert_eq!(derived.json_schema, expected);
    }

    #[test]
    fn properties_stand_in_the_order_people_see() {
        let schema = json!({"type": "object", "properties": {
            "c": {"type": "string"}, "b": {"type": "string", "x-ui-order": 2}, "a": {"type": "string", "x-ui-order": 1}}});
        let names: Vec<String> = ordered_properties(&schema).into_iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(in_order(&schema)["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
