//! The form that a model is asked for. It may differ from the user's schema: what a model must write decides what it
//! gets right, and what it writes is converted and checked by us afterwards.

use serde_json::{Map, Value, json};

use crate::schema::{asked_properties, has_type};

/// Keywords that models' grammars know; the others are checked by us.
const KEPT: [&str; 4] = ["description", "enum", "const", "title"];

/// Derives the form.
///
/// Every object is closed, every property required, every scalar nullable, so that nothing has to be guessed and nothing
/// can be added. Numbers stay numbers: forced into strings, small models spoil them. `None` when the
/// schema uses what can't be brought into this form; then the user's schema is asked for as it is.
#[must_use]
pub fn derive(schema: &Value) -> Option<Value> {
    if ["$ref", "oneOf", "anyOf", "allOf", "not", "if"].iter().any(|word| schema.get(*word).is_some()) {
        return None;
    }
    if has_type(schema, "object") || schema.get("properties").is_some() {
        let mut properties = Map::new();
        for (name, property) in asked_properties(schema) {
            properties.insert(name.clone(), derive(property)?);
        }
        let required: Vec<Value> = properties.keys().cloned().map(Value::String).collect();
        let mut form = kept(schema);
        form.insert("type".to_owned(), json!("object"));
        form.insert("properties".to_owned(), Value::Object(properties));
        form.insert("required".to_owned(), Value::Array(required));
        form.insert("additionalProperties".to_owned(), json!(false));
        return Some(Value::Object(form));
    }
    let mut form = kept(schema);
    if has_type(schema, "array") {
        form.insert("type".to_owned(), json!("array"));
        form.insert("items".to_owned(), derive(schema.get("items")?)?);
        return Some(Value::Object(form));
    }
    let words = ["string", "number", "integer", "boolean"].into_iter().filter(|word| has_type(schema, word));
    let mut types: Vec<Value> = words.map(|word| json!(word)).collect();
    if let Some(Value::Array(options)) = form.get_mut("enum") {
        if !options.contains(&Value::Null) {
            options.push(Value::Null);
        }
    } else if types.is_empty() {
        return None;
    }
    if !types.is_empty() {
        types.push(json!("null"));
        form.insert("type".to_owned(), Value::Array(types));
    }
    Some(Value::Object(form))
}

fn kept(schema: &Value) -> Map<String, Value> {
    let hint = schema.get("x-extraction-hint").and_then(Value::as_str);
    let mut form: Map<String, Value> =
        KEPT.iter().filter_map(|word| Some(((*word).to_owned(), schema.get(*word)?.clone()))).collect();
    if let (Some(hint), false) = (hint, form.contains_key("description")) {
        form.insert("description".to_owned(), json!(hint));
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_closed_and_scalars_may_be_null() {
        let schema = json!({
            "type": "object", "required": ["total"], "$schema": "http://json-schema.org/draft-07/schema#",
            "properties": {
                "total": {"type": "number", "minimum": 0},
                "currency": {"type": "string", "enum": ["EUR", "USD"]},
                "items": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
            }
        });
        let expected = json!({
            "type": "object", "additionalProperties": false, "required": ["total", "currency", "items"],
            "properties": {
                "total": {"type": ["number", "null"]},
                "currency": {"enum": ["EUR", "USD", null], "type": ["string", "null"]},
                "items": {"type": "array", "items": {
                    "type": "object", "additionalProperties": false, "required": ["name"],
                    "properties": {"name": {"type": ["string", "null"]}}}}
            }
        });
        assert_eq!(derive(&schema), Some(expected));
    }

    #[test]
    fn what_does_not_fit_the_form_is_not_forced_into_it() {
        assert_eq!(derive(&json!({"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}]}}})), None);
        assert_eq!(derive(&json!({"type": "object", "properties": {"a": {}}})), None);
    }
}
