//! Whether a schema is one, and whether data is what it asks for.

use std::borrow::Cow;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::issue::{Issue, Severity, bounded, label, show};
use super::paths::{dot_path, is_present, join};

/// The check of issues that the schema itself finds.
pub const SCHEMA: &str = "schema";

/// The check of issues about fields that must be filled.
pub const REQUIRED: &str = "required";

/// A schema that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schema is not valid: {message}")]
pub struct InvalidSchema {
    /// What is wrong.
    pub message: String,
    /// Where, as a JSON pointer.
    pub path: String,
}

/// Checks that a schema is one, by the draft that it names (draft-07 when it names none).
///
/// # Errors
/// All that is wrong.
pub fn check_schema(json_schema: &Value) -> Result<(), Vec<InvalidSchema>> {
    if !json_schema.is_object() {
        let message = "a schema must be an object".to_owned();
        return Err(vec![InvalidSchema { message, path: String::new() }]);
    }
    let result = if json_schema.get("$schema").is_some() {
        jsonschema::meta::validate(json_schema).map_err(|error| vec![describe_schema_error(&error)])
    } else {
        let errors: Vec<InvalidSchema> =
            jsonschema::draft7::meta::validate(json_schema).err().iter().map(describe_schema_error).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    };
    // What the meta-schema lets pass may still not compile: a bad pattern, a reference to nowhere.
    result.and_then(|()| compile(json_schema).map(drop).map_err(|error| vec![error]))
}

fn describe_schema_error(error: &ValidationError<'_>) -> InvalidSchema {
    InvalidSchema { message: error.to_string(), path: error.instance_path().to_string() }
}

pub(crate) fn compile(json_schema: &Value) -> Result<Validator, InvalidSchema> {
    let mut options = jsonschema::options();
    options = options.should_validate_formats(true);
    if json_schema.get("$schema").is_none() {
        options = options.with_draft(jsonschema::Draft::Draft7);
    }
    options.build(json_schema).map_err(|error| describe_schema_error(&error))
}

/// What the system itself notes in data, which no schema speaks of.
const NOTES: &str = "_extraction_info";

/// Data as the user's schema knows it.
pub(super) fn without_notes(data: &Value) -> Cow<'_, Value> {
    match data.as_object() {
        Some(fields) if fields.contains_key(NOTES) => {
            let fields = fields.iter().filter(|(name, _)| *name != NOTES);
            Cow::Owned(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        _ => Cow::Borrowed(data),
    }
}

/// What the schema and its required paths find in data.
pub(super) fn issues(data: &Value, validator: &Validator, required_fields: &[String]) -> Vec<Issue> {
    let mut issues = Vec::new();
    for error in validator.iter_errors(data) {
        describe(&error, &mut issues);
    }
    let mut missing = Vec::new();
    for path in required_fields {
        let is_told = issues.iter().any(|issue| issue.field == *path);
        if !is_told && !is_present(data, path) {
            let message = format!("Required field '{path}' is missing or empty");
            missing.push(Issue::of_check(REQUIRED, Severity::Error, path.clone(), message));
        }
    }
    let mut issues = bounded(issues);
    issues.extend(bounded(missing));
    issues
}

/// Says it the way a person understands, with the field's own place.
fn describe(error: &ValidationError<'_>, issues: &mut Vec<Issue>) {
    let place = dot_path(&error.instance_path().to_string());
    if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } = error.kind()
        && let Some(branch) = nearest(context, &place)
    {
        branch.iter().for_each(|error| describe(error, issues));
        return;
    }
    let (check, field, message) = match error.kind() {
        ValidationErrorKind::Required { property } => {
            let field = join(&place, property.as_str().unwrap_or_default());
            let message = format!("Required field '{field}' is missing");
            (REQUIRED, field, message)
        }
        _ => (SCHEMA, place.clone(), format!("{} {}", label(&place), predicate(error))),
    };
    // Two branches may say the same.
    if !issues.iter().any(|issue: &Issue| issue.field == field && issue.message == message) {
        issues.push(Issue::of_check(check, Severity::Error, field, message));
    }
}

/// Of several forms, the one that the data was meant to have: whose kind of value it is, and that finds least.
fn nearest<'a>(
    branches: &'a [Vec<ValidationError<'static>>],
    place: &str,
) -> Option<&'a Vec<ValidationError<'static>>> {
    let is_of_another_kind = |branch: &Vec<ValidationError<'static>>| {
        branch.iter().any(|error| {
            let is_here = dot_path(&error.instance_path().to_string()) == place;
            is_here && matches!(error.kind(), ValidationErrorKind::Type { .. } | ValidationErrorKind::Constant { .. })
        })
    };
    let fitting = branches.iter().filter(|branch| !branch.is_empty() && !is_of_another_kind(branch));
    fitting.min_by_key(|branch| branch.len())
}

fn predicate(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    let found = show(error.instance());
    match error.kind() {
        Kind::Type { kind: TypeKind::Single(kind) } => format!("must be {kind}, but is {found}"),
        Kind::Type { kind: TypeKind::Multiple(kinds) } => {
            let kinds: Vec<String> = kinds.iter().map(|kind| kind.to_string()).collect();
            format!("must be {}, but is {found}", kinds.join(" or "))
        }
        Kind::Enum { options } => format!("must be one of {}, but is {found}", list(options)),
        Kind::Constant { expected_value } => format!("must be {}, but is {found}", show(expected_value)),
        Kind::Pattern { pattern } => format!("is {found}, which does not match the pattern {pattern}"),
        Kind::Format { format } => format!("is {found}, which is no valid {format}"),
        Kind::Minimum { limit } => format!("must be at least {limit}, but is {found}"),
        Kind::Maximum { limit } => format!("must be at most {limit}, but is {found}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}, but is {found}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}, but is {found}"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters, but is {found}"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters, but is {found}"),
        Kind::MinItems { limit } => format!("must have at least {limit} rows, but is {found}"),
        Kind::MaxItems { limit } => format!("must have at most {limit} rows, but is {found}"),
        Kind::UniqueItems => "has rows that are the same".to_owned(),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names: Vec<&str> = unexpected.iter().map(String::as_str).take(10).collect();
            format!("has fields that the schema does not know: {}", names.join(", "))
        }
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            format!("is {found}, which has none of the forms that the schema allows")
        }
        // The crate's own words, but without the value, which may be the whole document.
        _ => {
            let told = error.masked().to_string();
            told.chars().take(300).collect()
        }
    }
}

fn list(options: &Value) -> String {
    const MOST: usize = 20;
    let options: Vec<String> = options.as_array().into_iter().flatten().map(show).collect();
    let shown = options.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if options.len() > MOST { format!("{shown}, …") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const DRAFT_2020: &str = "https://json-schema.org/draft/2020-12/schema";
    const DRAFT_7: &str = "http://json-schema.org/draft-07/schema#";

    fn found(data: &Value, schema: &Value, required: &[&str]) -> Vec<Issue> {
        let required: Vec<String> = required.iter().map(|path| (*path).to_owned()).collect();
        issues(data, &compile(schema).unwrap(), &required)
    }

    fn fields(data: &Value, schema: &Value, required: &[&str]) -> Vec<String> {
        found(data, schema, required).into_iter().map(|issue| issue.field).collect()
    }

    fn messages(data: &Value, schema: &Value) -> Vec<String> {
        found(data, schema, &[]).into_iter().map(|issue| issue.message).collect()
    }

    #[test]
    fn types_and_formats_are_checked() {
        let schema = json!({"type": "object", "properties": {
            "total": {"type": "number"}, "date": {"type": "string", "format": "date"}, "items": {"type": "array", "items": {"type": "object", "properties": {"q": {"type": "integer"}}}}}});
        let data = json!({"total": "12", "date": "2026-02-30", "items": [{"q": 1}, {"q": 1.5}]});
        assert_eq!(fields(&data, &schema, &[]), ["total", "date", "items.1.q"]);
        assert_eq!(fields(&json!({"total": 12, "date": "2026-02-28"}), &schema, &[]), Vec::<String>::new());
    }

    #[test]
    fn what_the_system_notes_is_no_field() {
        let schema = json!({"additionalProperties": false, "properties": {"a": {"type": "number"}}});
        let data = json!({"a": 1, "_extraction_info": {"confidence": 1}});
        assert_eq!(fields(&without_notes(&data), &schema, &[]), Vec::<String>::new());
        assert_eq!(crate::validate::check(&data, &schema, &[]), Ok(vec![]));
        assert_eq!(fields(&json!({"_other": 1}), &schema, &[]), [""]);
    }

    #[test]
    fn formats_are_known_in_both_drafts() {
        for draft in [None, Some(DRAFT_7), Some(DRAFT_2020)] {
            for (format, good, bad) in [
                ("date", "2026-02-28", "28.02.2026"),
                ("date-time", "2026-02-28T10:00:00Z", "2026-02-28"),
                ("time", "10:00:00Z", "25:00:00Z"),
                ("email", "ada@example.org", "ada at example"),
                ("uri", "https://example.org/a", "example org"),
                ("ipv4", "10.0.0.1", "10.0.0.300"),
                ("hostname", "example.org", "-example-"),
            ] {
                let mut schema = json!({"type": "object", "properties": {"x": {"type": "string", "format": format}}});
                if let Some(draft) = draft {
                    schema["$schema"] = json!(draft);
                }
                assert_eq!(fields(&json!({"x": good}), &schema, &[]), Vec::<String>::new(), "{draft:?} {format}");
                assert_eq!(fields(&json!({"x": bad}), &schema, &[]), ["x"], "{draft:?} {format}");
            }
        }
    }

    #[test]
    fn drafts_differ_where_they_do_and_ids_may_be_used_twice() {
        let newer = json!({"$schema": DRAFT_2020, "$id": "https://example.org/invoice", "type": "object",
            "$defs": {"money": {"type": "number", "minimum": 0}},
            "properties": {"net": {"$ref": "#/$defs/money"}, "pair": {"type": "array", "prefixItems": [{"type": "string"}]}}});
        let older = json!({"$schema": DRAFT_7, "$id": "https://example.org/invoice", "type": "object",
            "definitions": {"money": {"type": "number", "minimum": 0}},
            "properties": {"net": {"$ref": "#/definitions/money"}, "pair": {"type": "array", "items": [{"type": "string"}]}}});
        for schema in [&newer, &older, &newer] {
            assert_eq!(check_schema(schema), Ok(()));
            assert_eq!(fields(&json!({"net": -1, "pair": [1]}), schema, &[]), ["net", "pair.0"], "{schema}");
        }
    }

    #[test]
    fn patterns_are_those_of_ecma_script() {
        let schema = json!({"properties": {"x": {"type": "string", "pattern": "^(?=.*\\d)[A-Z\\d]{2,}(?:-\\d+)?$"}}});
        for (text, is_good) in [("A1", true), ("A-1", false), ("AB-1", true), ("A1-22", true), ("AB", false)] {
            assert_eq!(fields(&json!({"x": text}), &schema, &[]).is_empty(), is_good, "{text}");
        }
        let letters = json!({"properties": {"x": {"pattern": "^\\p{Lu}+$"}}});
        assert_eq!(fields(&json!({"x": "ÄÖ"}), &letters, &[]), Vec::<String>::new());
    }

    #[test]
    fn messages_name_the_place_and_the_value() {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["number"], "properties": {
            "number": {"type": "string", "pattern": "^R-"}, "currency": {"enum": ["EUR", "USD"]}, "net": {"type": ["number", "null"], "minimum": 1},
            "date": {"type": "string", "format": "date"}, "seller": {"type": "object", "required": ["name"]},
            "items": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {"q": {"type": "integer", "maximum": 9}}}}}});
        let data =
            json!({"currency": "EURO", "net": "12", "date": "soon", "seller": {}, "items": [{"q": 10}], "extra": 1});
        let mut told = messages(&data, &schema);
        told.sort();
        assert_eq!(
            told,
            [
                "Required field 'number' is missing",
                "Required field 'seller.name' is missing",
                "currency must be one of \"EUR\", \"USD\", but is \"EURO\"",
                "date is \"soon\", which is no valid date",
                "items.0.q must be at most 9, but is 10",
                "net must be null or number, but is \"12\"",
                "the document has fields that the schema does not know: extra",
            ]
        );
        assert_eq!(
            messages(&json!({"number": "1"}), &schema),
            ["number is \"1\", which does not match the pattern ^R-"]
        );
        let long = messages(&json!({"number": "x".repeat(10_000), "items": []}), &schema);
        assert!(long.iter().all(|message| message.len() < 300), "{long:?}");
        assert_eq!(long[1], "items must have at least 1 rows, but is a list of 0");
    }

    #[test]
    fn of_several_forms_the_nearest_is_told() {
        let schema = json!({"properties": {"seller": {"anyOf": [{"type": "null"}, {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}]},
            "id": {"oneOf": [{"type": "integer"}, {"type": "null"}]}}});
        assert_eq!(messages(&json!({"seller": {"name": 1}}), &schema), ["seller.name must be string, but is 1"]);
        assert_eq!(messages(&json!({"seller": {}}), &schema), ["Required field 'seller.name' is missing"]);
        assert_eq!(
            messages(&json!({"id": "x"}), &schema),
            ["id is \"x\", which has none of the forms that the schema allows"]
        );
    }

    #[test]
    fn required_paths_must_lead_to_something() {
        let schema = json!({});
        let data = json!({"a": {"b": ""}, "items": [{"x": null}, {"x": 1}], "empty": []});
        let required = ["a.b", "a.c", "items[].x", "items[].y", "empty[]", "none", "items"];
        assert_eq!(fields(&data, &schema, &required), ["a.b", "a.c", "items[].y", "empty[]", "none"]);
    }

    #[test]
    fn a_long_document_is_told_in_short() {
        let schema = json!({"properties": {"items": {"items": {"properties": {"q": {"type": "number"}}}}}});
        let rows: Vec<Value> = (0..10_000).map(|_| json!({"q": "x"})).collect();
        let told = found(&json!({"items": rows}), &schema, &[]);
        assert_eq!(told.len(), 101);
        assert_eq!((told[99].field.as_str(), told[100].message.as_str()), ("items.99.q", "and 9900 more of this kind"));
    }

    #[test]
    fn both_drafts_are_known_and_nonsense_is_told() {
        assert_eq!(check_schema(&json!({"type": "object"})), Ok(()));
        assert_eq!(check_schema(&json!({"$schema": DRAFT_2020, "type": "object"})), Ok(()));
        for schema in [
            json!({"type": "strin"}),
            json!({"properties": 1}),
            json!([]),
            json!({"$ref": "#/nowhere"}),
            json!({"pattern": "("}),
        ] {
            let errors = check_schema(&schema).unwrap_err();
            assert!(!errors.is_empty() && !errors[0].message.is_empty(), "{schema}");
        }
    }
}
