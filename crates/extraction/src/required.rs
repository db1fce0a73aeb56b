//! Whether data has all that its schema asks for, told as lists of texts: what the schema editor of a client shows.

use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::schema::derive;
use crate::validate::{InvalidSchema, compile, dot_path, is_present};

/// What is wrong with some data; empty lists when nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// What is wrong, each with its place.
    pub errors: Vec<String>,
    /// Dot paths of what is missing.
    pub missing_fields: Vec<String>,
}

/// Checks data against a schema and, when it has the right form, that its required fields are filled.
///
/// # Errors
/// When the schema is none.
pub fn check(data: &Value, json_schema: &Value) -> Result<Findings, InvalidSchema> {
    let derived = derive(json_schema);
    let validator = compile(&derived.json_schema)?;
    let mut findings = Findings::default();
    for error in validator.iter_errors(data) {
        let pointer = error.instance_path().to_string();
        let place = if pointer.is_empty() { "root" } else { &pointer };
        findings.errors.push(format!("{place}: {error}"));
        if let ValidationErrorKind::Required { property } = error.kind() {
            let parent = dot_path(&pointer);
            let name = property.as_str().unwrap_or_default();
            let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
            findings.missing_fields.push(path);
        }
    }
    if findings.errors.is_empty() {
        for path in derived.required_fields.into_iter().filter(|path| !is_present(data, path)) {
            findings.errors.push(format!("Required field '{path}' is missing or empty"));
            findings.missing_fields.push(path);
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "required": ["number", "items"], "properties": {
            "number": {"type": ["string", "null"]},
            "items": {"type": "array", "items": {"type": "object", "required": ["x"], "properties": {"x": {}}}}}})
    }

    #[test]
    fn what_the_schema_misses_is_named_by_its_place() {
        let found = check(&json!({"items": [{"x": 1}, {}]}), &schema()).unwrap();
        assert_eq!(found.missing_fields, ["number", "items.1.x"]);
        assert_eq!(found.errors.len(), 2);
        assert!(found.errors.iter().any(|error| error.starts_with("root: ")), "{:?}", found.errors);
        assert!(found.errors.iter().any(|error| error.starts_with("/items/1: ")), "{:?}", found.errors);
        let found = check(&json!({"number": 1, "items": [{"x": 1}]}), &schema()).unwrap();
        assert_eq!((found.errors.len(), found.missing_fields.len()), (1, 0));
    }

    #[test]
    fn a_required_field_must_be_filled() {
        let found = check(&json!({"number": null, "items": []}), &schema()).unwrap();
        assert_eq!(found.missing_fields, ["number", "items[].x"]);
        assert_eq!(found.errors[0], "Required field 'number' is missing or empty");
        assert_eq!(check(&json!({"number": "1", "items": [{"x": 1}]}), &schema()), Ok(Findings::default()));
    }

    #[test]
    fn a_schema_that_is_none_is_an_error() {
        assert!(check(&json!({}), &json!({"type": "strange"})).is_err());
    }
}
