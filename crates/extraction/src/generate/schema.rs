//! A JSON Schema from a description.

use serde_json::{Map, Value};

use super::{Result, Unusable, read_object};
use crate::prompt::Prompt;
use crate::schema::{derive, has_type};
use crate::validate;

const INSTRUCTION: &str = "\
You design JSON Schemas (draft-07) for extracting data from documents. Answer with one JSON object, the schema, and nothing else.

- The root has \"type\": \"object\", a \"title\", \"properties\", and \"required\" with the fields that every such document has.
- Names of properties are short, in snake_case, in English.
- Lists of things, such as lines of an invoice, are arrays of objects with properties of their own.
- Amounts and quantities are numbers; dates are strings with \"format\": \"date\"; what has few values is an enum.
- Each property has a \"description\" of one line.
- Add no fields that nobody asked for.";

const HINTS: &str = "
- Each property that is easily misread or mistaken for another has an \"x-extraction-hint\": one sentence on where such \
documents print it and how to tell it apart.";

/// The messages.
#[must_use]
pub fn prompt(description: &str, with_hints: bool) -> Prompt {
    let hints = if with_hints { HINTS } else { "" };
    Prompt {
        system: format!("{INSTRUCTION}{hints}"),
        user: format!("The documents and what is wanted of them:\n\n{description}"),
    }
}

/// Reads the answer.
///
/// # Errors
/// When it is no schema of an object with properties.
pub fn read(content: &str, finish_reason: &str) -> Result<Value> {
    let mut fields = unwrap(read_object(content, finish_reason)?)?;
    if !fields.contains_key("type") && fields.contains_key("properties") {
        fields.insert("type".to_owned(), Value::from("object"));
    }
    let schema = derive(&Value::Object(fields)).json_schema;
    if !has_type(&schema, "object") {
        return Err(Unusable::new("the root of the schema must have \"type\": \"object\""));
    }
    if schema.get("properties").and_then(Value::as_object).is_none_or(Map::is_empty) {
        return Err(Unusable::new("the schema has no properties"));
    }
    validate::check_schema(&schema).map_err(|errors| {
        let errors: Vec<String> =
            errors.iter().take(5).map(|error| format!("{} at {}", error.message, place(&error.path))).collect();
        Unusable::new(format!("it is no valid JSON Schema: {}", errors.join("; ")))
    })?;
    Ok(schema)
}

fn place(pointer: &str) -> &str {
    if pointer.is_empty() { "the root" } else { pointer }
}

/// Some models put the schema into a field of its own.
fn unwrap(answer: Value) -> Result<Map<String, Value>> {
    let Value::Object(mut fields) = answer else { return Err(Unusable::new("it is no JSON object")) };
    if !fields.contains_key("properties") {
        for key in ["schema", "jsonSchema", "json_schema"] {
            if fields.get(key).is_some_and(|inner| inner.get("properties").is_some())
                && let Some(Value::Object(inner)) = fields.remove(key)
            {
                return Ok(inner);
            }
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(answer: &Value) -> String {
        read(&answer.to_string(), "stop").unwrap_err().to_string()
    }

    #[test]
    fn a_schema_is_taken_out_of_what_surrounds_it() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        for content in [
            schema.to_string(),
            format!("```json\n{schema}\n```"),
            json!({"jsonSchema": schema}).to_string(),
            json!({"type": "object", "a": {"type": "string"}}).to_string(),
        ] {
            assert_eq!(read(&content, "stop"), Ok(schema.clone()), "{content}");
        }
        let untyped = json!({"properties": {"a": {"type": "string"}}});
        assert_eq!(read(&untyped.to_string(), "stop").unwrap()["type"], "object");
    }

    #[test]
    fn what_is_no_schema_is_told_so() {
        assert_eq!(refusal(&json!({"type": "object"})), "the schema has no properties");
        assert_eq!(refusal(&json!({"type": "object", "properties": {}})), "the schema has no properties");
        assert!(refusal(&json!({"type": "array", "properties": {"a": {}}})).contains("\"type\": \"object\""));
        let wrong = refusal(&json!({"type": "object", "properties": {"a": {"type": "money"}}}));
        assert!(wrong.contains("no valid JSON Schema") && wrong.contains("/properties/a/type"), "{wrong}");
        assert!(read("I can't.", "stop").unwrap_err().to_string().contains("no JSON object"));
        assert!(read("{\"type\": \"obj", "length").unwrap_err().to_string().contains("limit of tokens"));
    }

    #[test]
    fn hints_are_asked_for_when_wanted() {
        assert!(prompt("Invoices", true).system.contains("x-extraction-hint"));
        assert!(!prompt("Invoices", false).system.contains("x-extraction-hint"));
        assert!(prompt("Invoices", false).user.contains("Invoices"));
    }
}
