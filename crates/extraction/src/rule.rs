//! Rules of a schema: their words, their settings, the fields they name.

use serde_json::{Map, Value, json};

use crate::schema::has_type;
use crate::validate;

/// What a rule is for.
pub const TYPES: [&str; 2] = ["verification", "restriction"];

/// What a rule does.
pub const OPERATORS: [&str; 7] = ["pattern", "enum", "range_min", "range_max", "length_min", "length_max", CORRECTION];

/// The operator that needs no field: what OCR often misreads.
pub const CORRECTION: &str = "ocr_correction";

/// The path of a rule that is about the whole document.
pub const ANYWHERE: &str = "*";

/// References are followed so far; a schema that refers to itself has no end.
const MAX_DEPTH: usize = 32;

/// Brings a rule's settings into the form that its operator asks for.
///
/// # Errors
/// What is wrong, for a person.
pub fn read_config(operator: &str, config: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let first = |keys: &[&str]| keys.iter().find_map(|key| config.get(*key)).filter(|value| !value.is_null());
    let (key, value) = match operator {
        "pattern" => ("regex", read_regex(first(&["regex", "pattern"]))?),
        "enum" => ("values", read_values(first(&["values", "enum"]))?),
        "range_min" => ("value", read_number(first(&["value", "min", "minimum"]))?),
        "range_max" => ("value", read_number(first(&["value", "max", "maximum"]))?),
        "length_min" => ("value", read_length(first(&["value", "min", "minLength"]))?),
        "length_max" => ("value", read_length(first(&["value", "max", "maxLength"]))?),
        CORRECTION => ("mappings", read_mappings(first(&["mappings"]))?),
        _ => return Err(format!("there is no ruleOperator {operator}")),
    };
    Ok(Map::from_iter([(key.to_owned(), value)]))
}

fn read_regex(value: Option<&Value>) -> Result<Value, String> {
    let regex = value.and_then(Value::as_str).filter(|regex| !regex.is_empty());
    let regex = regex.ok_or("ruleConfig.regex must be a text")?;
    // The dialect is that of JSON Schema, so its checker knows.
    match validate::check_schema(&json!({"pattern": regex})) {
        Ok(()) => Ok(json!(regex)),
        Err(_) => Err(format!("ruleConfig.regex is no regular expression: {regex}")),
    }
}

fn read_values(value: Option<&Value>) -> Result<Value, String> {
    let values = value.and_then(Value::as_array).filter(|values| !values.is_empty());
    Ok(json!(values.ok_or("ruleConfig.values must be a list with something in it")?))
}

fn read_number(value: Option<&Value>) -> Result<Value, String> {
    let number = value.and_then(|value| match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => text.trim().parse::<serde_json::Number>().ok().map(Value::Number),
        _ => None,
    });
    number.ok_or_else(|| "ruleConfig.value must be a number".to_owned())
}

fn read_length(value: Option<&Value>) -> Result<Value, String> {
    let number = read_number(value)?;
    if number.is_u64() { Ok(number) } else { Err("ruleConfig.value must be a whole number".to_owned()) }
}

fn read_mappings(value: Option<&Value>) -> Result<Value, String> {
    let text = |mapping: &Value, key: &str| mapping.get(key).and_then(Value::as_str).map(str::to_owned);
    let mappings: Vec<Value> = value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|mapping| Some(json!({"from": text(mapping, "from")?, "to": text(mapping, "to")?})))
        .filter(|mapping| mapping.get("from").is_some_and(|from| from != ""))
        .collect();
    if mappings.is_empty() {
        return Err("ruleConfig.mappings must be a list of {from, to}".to_owned());
    }
    Ok(Value::Array(mappings))
}

/// Writes a path the way schemas' required paths are written: `items.0.x`, `items.*.x` and `items[0].x` are `items[].x`.
#[must_use]
pub fn tidy_path(path: &str) -> String {
    let path = path.trim().trim_start_matches("$.").replace('[', ".[");
    let mut tidy = String::new();
    for segment in path.split('.').filter(|segment| !segment.is_empty()) {
        let inner = segment.trim_start_matches('[').trim_end_matches(']');
        let is_index = inner.is_empty() || inner == "*" || inner.bytes().all(|byte| byte.is_ascii_digit());
        if is_index {
            tidy.push_str("[]");
        } else {
            if !tidy.is_empty() {
                tidy.push('.');
            }
            tidy.push_str(inner.trim_matches(['"', '\'']));
        }
    }
    tidy
}

/// Whether a schema has the field of a tidy path.
#[must_use]
pub fn has_field(json_schema: &Value, path: &str) -> bool {
    let steps: Vec<&str> = path.split('.').flat_map(steps_of).filter(|step| !step.is_empty()).collect();
    !steps.is_empty() && leads(json_schema, json_schema, &steps, MAX_DEPTH)
}

/// `items[]` is two steps: into the field, and into its items.
fn steps_of(segment: &str) -> Vec<&str> {
    let name = segment.trim_end_matches("[]");
    let arrays = segment.len().saturating_sub(name.len()) / "[]".len();
    std::iter::once(name).chain(std::iter::repeat_n("[]", arrays)).collect()
}

fn leads(root: &Value, schema: &Value, steps: &[&str], depth: usize) -> bool {
    let Some((step, rest)) = steps.split_first() else { return true };
    let Some(depth) = depth.checked_sub(1) else { return false };
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        if target.is_some_and(|target| leads(root, target, steps, depth)) {
            return true;
        }
    }
    let branches = ["allOf", "anyOf", "oneOf"].iter().filter_map(|word| schema.get(*word)?.as_array()).flatten();
    if branches.into_iter().any(|branch| leads(root, branch, steps, depth)) {
        return true;
    }
    if *step == "[]" {
        return schema.get("items").is_some_and(|items| leads(root, items, rest, depth));
    }
    // A path that forgets to step into the items means them.
    if has_type(schema, "array") {
        return schema.get("items").is_some_and(|items| leads(root, items, steps, depth));
    }
    let property = schema.get("properties").and_then(|properties| properties.get(*step));
    property.is_some_and(|property| leads(root, property, rest, depth))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(operator: &str, config: Value) -> Result<Value, String> {
        read_config(operator, config.as_object().unwrap()).map(Value::Object)
    }

    #[test]
    fn settings_take_the_form_of_their_operator() {
        assert_eq!(config("pattern", json!({"pattern": "^\\d+$"})), Ok(json!({"regex": "^\\d+$"})));
        assert_eq!(config("enum", json!({"values": ["a", 1]})), Ok(json!({"values": ["a", 1]})));
        assert_eq!(config("range_min", json!({"min": "1.5", "x": 1})), Ok(json!({"value": 1.5})));
        assert_eq!(config("length_max", json!({"value": 3})), Ok(json!({"value": 3})));
        let mappings = json!({"mappings": [{"from": "O", "to": "0"}, {"from": 1}, {"from": "", "to": "x"}]});
        assert_eq!(config(CORRECTION, mappings), Ok(json!({"mappings": [{"from": "O", "to": "0"}]})));
        for (operator, wrong) in [
            ("pattern", json!({"regex": "("})),
            ("pattern", json!({})),
            ("enum", json!({"values": []})),
            ("range_max", json!({"value": "many"})),
            ("length_min", json!({"value": 1.5})),
            (CORRECTION, json!({"mappings": [{"to": "x"}]})),
            ("magic", json!({})),
        ] {
            assert!(config(operator, wrong.clone()).is_err(), "{operator} {wrong}");
        }
    }

    #[test]
    fn paths_are_written_one_way() {
        for path in ["items[].x", "items.0.x", "items.*.x", "items[0].x", "$.items[*].x", " items.[].x "] {
            assert_eq!(tidy_path(path), "items[].x", "{path}");
        }
        assert_eq!(tidy_path("[].x"), "[].x");
        assert_eq!(tidy_path(""), "");
    }

    #[test]
    fn fields_are_found_through_arrays_references_and_branches() {
        let schema = json!({
            "type": "object",
            "$defs": {"party": {"type": "object", "properties": {"name": {}, "parent": {"$ref": "#/$defs/party"}}}},
            "properties": {
                "seller": {"$ref": "#/$defs/party"},
                "items": {"type": "array", "items": {"type": "object", "properties": {"x": {}}}},
                "either": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"y": {}}}]},
                "loop": {"$ref": "#/properties/loop"},
            }
        });
        for path in ["seller.name", "seller.parent.parent.name", "items", "items[]", "items[].x", "items.x", "either.y"]
        {
            assert!(has_field(&schema, path), "{path}");
        }
        for path in ["", "x", "seller.x", "items[].y", "items[][]", "loop.x", "either.z", "seller[]"] {
            assert!(!has_field(&schema, path), "{path}");
        }
    }
}
