//! A schema in the words that a model reads: what a JSON Schema says, in a quarter of its tokens.

use serde_json::Value;

use crate::schema::{asked_properties, has_type};

/// Writes the outline of a schema: names in their order, what each value is, and what is said about it.
#[must_use]
pub fn write(schema: &Value) -> String {
    let mut outline = Outline::default();
    outline.value(schema, 0, "");
    outline.text
}

#[derive(Default)]
struct Outline {
    text: String,
}

impl Outline {
    fn value(&mut self, schema: &Value, depth: usize, end: &str) {
        let is_object = schema.get("properties").is_some_and(Value::is_object);
        if is_object {
            self.text.push('{');
            self.note(schema);
            for (name, property) in asked_properties(schema) {
                self.line(depth + 1);
                self.text.push_str(&format!("{}: ", Value::from(name.as_str())));
                self.value(property, depth + 1, ",");
            }
            self.line(depth);
            self.text.push('}');
            self.text.push_str(end);
        } else if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
            self.text.push('[');
            self.note(schema);
            self.line(depth + 1);
            self.value(items, depth + 1, ", ...");
            self.line(depth);
            self.text.push(']');
            self.text.push_str(end);
        } else {
            self.text.push_str(&scalar(schema));
            self.text.push_str(end);
            self.note(schema);
        }
    }

    fn line(&mut self, depth: usize) {
        self.text.push('\n');
        self.text.push_str(&"  ".repeat(depth));
    }

    /// What the schema's author says about a value.
    fn note(&mut self, schema: &Value) {
        let said =
            ["title", "description", "x-extraction-hint"].into_iter().filter_map(|word| schema.get(word)?.as_str());
        let said: Vec<&str> = said.map(str::trim).filter(|text| !text.is_empty()).collect();
        if !said.is_empty() {
            self.text.push_str(&format!("  // {}", said.join("; ").replace('\n', " ")));
        }
    }
}

/// What a value may be, in words.
fn scalar(schema: &Value) -> String {
    if let Some(options) = schema.get("enum").and_then(Value::as_array) {
        return options.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    if let Some(only) = schema.get("const") {
        return only.to_string();
    }
    if ["$ref", "oneOf", "anyOf", "allOf", "not", "if"].iter().any(|word| schema.get(*word).is_some()) {
        return schema.to_string();
    }
    let words = [("string", "text"), ("number", "number"), ("integer", "whole number"), ("boolean", "true or false")];
    let mut kinds: Vec<String> =
        words.into_iter().filter(|(word, _)| has_type(schema, word)).map(|(_, said)| said.to_owned()).collect();
    match schema.get("format").and_then(Value::as_str) {
        Some("date") => kinds = vec!["date YYYY-MM-DD".to_owned()],
        Some(format) => kinds = vec![format!("text ({format})")],
        None => {}
    }
    for (word, said) in
        [("pattern", "matching"), ("minimum", "at least"), ("maximum", "at most"), ("maxLength", "of at most")]
    {
        if let (Some(limit), false) = (schema.get(word), schema.get("format").is_some()) {
            let unit = if word == "maxLength" { " characters" } else { "" };
            let limit = limit.as_str().map_or_else(|| limit.to_string(), str::to_owned);
            kinds.push(format!("{said} {limit}{unit}"));
        }
    }
    if kinds.is_empty() { "any value or null".to_owned() } else { format!("{} or null", kinds.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_outline_says_what_the_schema_says() {
        let schema = json!({"type": "object", "description": "An invoice", "properties": {
            "kind": {"enum": ["invoice", "other"]},
            "date": {"type": ["string", "null"], "format": "date", "pattern": "^\\d", "description": "of issue"},
            "seller": {"type": "object", "properties": {"name": {"type": "string", "x-extraction-hint": "top left"}}},
            "items": {"type": "array", "items": {"type": "object", "properties": {"amount": {"type": "number", "minimum": 0}}}},
            "_note": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
            "odd": {"oneOf": [{"type": "string"}]}, "free": {}}});
        let expected = r#"{  // An invoice
  "kind": "invoice" | "other",
  "date": date YYYY-MM-DD or null,  // of issue
  "seller": {
    "name": text or null,  // top left
  },
  "items": [
    {
      "amount": number at least 0 or null,
    }, ...
  ],
  "tags": [
    text or null, ...
  ],
  "odd": {"oneOf":[{"type":"string"}]},
  "free": any value or null,
}"#;
        assert_eq!(write(&schema), expected);
    }

    #[test]
    fn the_order_of_the_user_interface_is_kept() {
        let schema = json!({"properties": {"b": {"type": "string"}, "a": {"type": "string", "x-ui-order": 1}}});
        let outline = write(&schema);
        assert!(outline.find("\"a\"") < outline.find("\"b\""), "{outline}");
    }
}
