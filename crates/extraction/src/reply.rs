//! What a model answered becomes data in the user's form.

use serde_json::{Map, Number, Value};

use crate::grounding::notation;
use crate::schema::has_type;

/// Why an answer can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// It was cut at the limit of tokens.
    #[error("the model's answer was cut at its limit of tokens")]
    Cut,
    /// It holds no JSON object.
    #[error("the model's answer is no JSON object: {reason}")]
    NoObject {
        /// What the parser says.
        reason: String,
    },
    /// It does not speak of the one field that was asked for.
    #[error("the model's answer has no {field}")]
    NoField {
        /// The field.
        field: String,
    },
}

/// Reads the JSON object of an answer; a code fence or words around it are passed over.
///
/// # Errors
/// `Cut` when `finish_reason` is `length` and the JSON is not whole, else `NoObject`.
pub fn parse(content: &str, finish_reason: &str) -> Result<Value, ReplyError> {
    let start = content.find('{');
    let candidate = start.and_then(|start| content.get(start..)).unwrap_or(content);
    let mut values = serde_json::Deserializer::from_str(candidate).into_iter::<Value>();
    match values.next() {
        Some(Ok(value @ Value::Object(_))) => Ok(value),
        _ if finish_reason == "length" => Err(ReplyError::Cut),
        Some(Ok(_)) | None => Err(ReplyError::NoObject { reason: "there is none".to_owned() }),
        Some(Err(error)) => Err(ReplyError::NoObject { reason: error.to_string() }),
    }
}

/// The top-level fields of an answer that was cut, as far as they are whole.
#[must_use]
pub fn whole_fields(content: &str) -> Map<String, Value> {
    let content = content.find('{').and_then(|start| content.get(start..)).unwrap_or_default();
    let (mut depth, mut is_text, mut is_escaped, mut end) = (0_u32, false, false, None);
    for (position, character) in content.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            _ if is_text => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 1 => end = Some(position),
            _ => {}
        }
    }
    let whole = end.and_then(|end| content.get(..end)).map(|fields| format!("{fields}}}"));
    whole.and_then(|whole| serde_json::from_str(&whole).ok()).unwrap_or_default()
}

/// Converts what a model wrote into what the schema asks for, where that is exact.
///
/// Numbers written as texts become numbers and dates in other notations ISO dates where they can be read in one way only, a
/// choice is written as the schema writes it, texts are trimmed and empty ones null where that may be, and a null where the
/// schema knows none is left out unless the field is required.
#[must_use]
pub fn convert(value: Value, schema: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(convert_fields(fields, schema)),
        Value::Array(items) => {
            let item_schema = schema.get("items").unwrap_or(&Value::Null);
            Value::Array(items.into_iter().map(|item| convert(item, item_schema)).collect())
        }
        Value::String(text) => convert_text(&text, schema),
        Value::Number(number)
            if has_type(schema, "string") && !has_type(schema, "number") && !has_type(schema, "integer") =>
        {
            Value::String(number.to_string())
        }
        Value::Number(number) => Value::Number(whole_if_asked(number, schema)),
        Value::Null | Value::Bool(_) => value,
    }
}

fn convert_fields(fields: Map<String, Value>, schema: &Value) -> Map<String, Value> {
    let properties = schema.get("properties");
    let required = schema.get("required").and_then(Value::as_array);
    fields
        .into_iter()
        .filter_map(|(name, value)| {
            let property = properties.and_then(|properties| properties.get(&name)).unwrap_or(&Value::Null);
            let is_required = required.is_some_and(|names| names.iter().any(|required| required == &name));
            let knows_null = has_type(property, "null") || property.get("type").is_none();
            if value.is_null() && !knows_null && !is_required {
                return None;
            }
            Some((name, convert(value, property)))
        })
        .collect()
}

fn convert_text(text: &str, schema: &Value) -> Value {
    let text = text.trim();
    let wants_number = (has_type(schema, "number") || has_type(schema, "integer")) && !has_type(schema, "string");
    if wants_number && let Some(number) = read_number(text) {
        return Value::Number(whole_if_asked(number, schema));
    }
    if has_type(schema, "boolean") && !has_type(schema, "string") {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" => return Value::Bool(true),
            "false" | "no" => return Value::Bool(false),
            _ => {}
        }
    }
    if text.is_empty() && has_type(schema, "null") {
        return Value::Null;
    }
    if schema.get("format").and_then(Value::as_str) == Some("date") {
        return Value::String(notation::of_date(text).map_or_else(|| text.to_owned(), |date| date.to_string()));
    }
    let options = schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let chosen = options.clone().find(|option| *option == text);
    let chosen = chosen.or_else(|| options.clone().find(|option| option.to_lowercase() == text.to_lowercase()));
    Value::String(chosen.unwrap_or(text).to_owned())
}

/// `2.0` is `2` where an integer is asked for.
fn whole_if_asked(number: Number, schema: &Value) -> Number {
    if !has_type(schema, "integer") || has_type(schema, "number") {
        return number;
    }
    let text = number.to_string();
    text.strip_suffix(".0").and_then(|whole| whole.parse::<i64>().ok()).map_or(number, Number::from)
}

/// Reads a printed number: `1,234.50`, `1.234,50`, `1 234,50`, `1'234.50`, `(12.00)`, `12,5 %`, `€ 7,00`, `-3`. `None` when it
/// could be read in two ways (`1,234`) or in none.
#[must_use]
pub fn read_number(text: &str) -> Option<Number> {
    let negative = text.contains('-') || text.contains('\u{2212}') || text.starts_with('(') && text.ends_with(')');
    let digits_and_marks: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    let is_plain = text.chars().all(|c| !c.is_alphabetic() || c.is_ascii_uppercase()) && !digits_and_marks.is_empty();
    if !is_plain || text.chars().filter(|c| matches!(c, '-' | '\u{2212}')).count() > 1 {
        return None;
    }
    let plain = with_point(&digits_and_marks)?;
    let signed = if negative { format!("-{plain}") } else { plain };
    serde_json::from_str(&signed).ok()
}

/// Brings digits with marks into the form of JSON.
fn with_point(text: &str) -> Option<String> {
    let (points, commas) = (text.matches('.').count(), text.matches(',').count());
    let (decimal, grouping) = match (text.rfind('.'), text.rfind(',')) {
        (Some(point), Some(comma)) if point > comma && points == 1 => (Some('.'), ','),
        (Some(point), Some(comma)) if comma > point && commas == 1 => (Some(','), '.'),
        (Some(_), Some(_)) => return None,
        (Some(_), None) if points > 1 => (None, '.'),
        (None, Some(_)) if commas > 1 => (None, ','),
        (Some(_), None) => (Some('.'), ','),
        // Three digits behind a single comma may be a group or decimals.
        (None, Some(comma)) if text.len() - comma == 4 => return None,
        (None, Some(_)) => (Some(','), '.'),
        (None, None) => (None, ','),
    };
    let (whole, fraction) = match decimal {
        Some(mark) => text.rsplit_once(mark)?,
        None => (text, ""),
    };
    let mut groups = whole.split(grouping);
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    if rest.iter().any(|group| group.len() != 3) || !rest.is_empty() && !(1..=3).contains(&first.len()) {
        return None;
    }
    let digits = format!("{first}{}", rest.concat());
    let digits = digits.trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    if fraction.is_empty() { Some(digits.to_owned()) } else { Some(format!("{digits}.{fraction}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn answers_are_read_through_fences_and_words() {
        for content in ["{\"a\": 1}", "```json\n{\"a\": 1}\n```", "Here it is:\n{\"a\": 1}\nDone."] {
            assert_eq!(parse(content, "stop"), Ok(json!({"a": 1})));
        }
    }

    #[test]
    fn a_cut_answer_is_told_from_nonsense() {
        assert_eq!(parse("{\"a\": [1, 2", "length"), Err(ReplyError::Cut));
        assert_eq!(parse("{\"a\": 1}", "length"), Ok(json!({"a": 1})));
        for content in ["", "no", "[1]", "{\"a\": "] {
            assert!(matches!(parse(content, "stop"), Err(ReplyError::NoObject { .. })), "{content}");
        }
    }

    #[test]
    fn what_is_whole_of_a_cut_answer_is_kept() {
        let cut = r#"```json {"a": "x, \"y\" {", "b": {"c": [1, 2]}, "items": [{"d": 1}, {"d""#;
        assert_eq!(Value::Object(whole_fields(cut)), json!({"a": "x, \"y\" {", "b": {"c": [1, 2]}}));
        assert_eq!(whole_fields("{\"a\": 1"), Map::new());
        assert_eq!(whole_fields("no"), Map::new());
    }

    #[test]
    fn values_take_the_form_of_the_schema() {
        let schema = json!({"type": "object", "required": ["total"], "properties": {
            "total": {"type": "number"}, "count": {"type": "integer"}, "number": {"type": "string"},
            "note": {"type": "string"}, "free": {"type": ["string", "null"]}, "paid": {"type": "boolean"},
            "items": {"type": "array", "items": {"type": "object", "properties": {"amount": {"type": "number"}}}}}});
        let answer = json!({"total": "1.234,50", "count": 2.0, "number": 4711, "note": null, "free": null, "paid": "yes",
                            "items": [{"amount": "7,5"}, {"amount": null}]});
        let expected = json!({"total": 1234.50, "count": 2, "number": "4711", "free": null, "paid": true,
                              "items": [{"amount": 7.5}, {}]});
        assert_eq!(convert(answer, &schema), expected);
        assert_eq!(convert(json!({"total": null}), &schema), json!({"total": null}));
    }

    #[test]
    fn dates_and_choices_take_the_form_of_the_schema() {
        let date = json!({"type": ["string", "null"], "format": "date"});
        for (text, expected) in [
            ("2026-03-05", "2026-03-05"),
            ("05.03.2026", "2026-03-05"),
            ("25/03/2026", "2026-03-25"),
            ("March 5, 2026", "2026-03-05"),
            ("5. März 2026", "2026-03-05"),
            ("2026年3月5日", "2026-03-05"),
            // Which is the month?
            ("05/03/2026", "05/03/2026"),
            ("soon", "soon"),
        ] {
            assert_eq!(convert(json!(text), &date), json!(expected), "{text}");
        }
        assert_eq!(convert(json!(" "), &date), Value::Null);
        let choice = json!({"enum": ["invoice", "Credit_Note"]});
        assert_eq!(convert(json!("credit_note"), &choice), json!("Credit_Note"));
        assert_eq!(convert(json!("other"), &choice), json!("other"));
    }

    #[test]
    fn printed_numbers_are_read_where_there_is_one_way_to() {
        for (text, expected) in [
            ("1,234.50", "1234.50"),
            ("1.234,50", "1234.50"),
            ("1 234,50", "1234.50"),
            ("1'234.50", "1234.50"),
            ("(12.00)", "-12.00"),
            ("-3", "-3"),
            ("€ 7,00", "7.00"),
            ("EUR 1.000.000", "1000000"),
            ("12,5 %", "12.5"),
            ("0,07", "0.07"),
            ("1.5", "1.5"),
        ] {
            assert_eq!(
                read_number(text).map(|number| number.to_string().parse::<f64>().unwrap()),
                Some(expected.parse().unwrap()),
                "{text}"
            );
        }
        for text in ["1,234", "", "n/a", "1-2-3", "1,2,3", "12 pieces", "1.2.3,4,5"] {
            assert_eq!(read_number(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_notations_of_an_amount_read_alike(cents in 0_u64..10_000_000_000) {
            let (whole, fraction) = (cents / 100, cents % 100);
            let mut groups = Vec::new();
            let mut rest = whole;
            loop {
                groups.push(if rest >= 1000 { format!("{:03}", rest % 1000) } else { rest.to_string() });
                rest /= 1000;
                if rest == 0 { break; }
            }
            groups.reverse();
            let expected: f64 = format!("{whole}.{fraction:02}").parse().unwrap();
            for (group, point) in [(",", "."), (".", ","), (" ", ",")] {
                let text = format!("{}{point}{fraction:02}", groups.join(group));
                prop_assert_eq!(read_number(&text).and_then(|number| number.as_f64()), Some(expected), "{}", text);
            }
        }
    }
}
