//! How a list filters and orders manifests by their extracted data: the path, the type that the schema gives it, and what a
//! value that somebody typed then means.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde_json::Value;

/// The longest path, in characters.
const MAX_PATH: usize = 200;
/// How many parts of a schema are looked at for one path: references may go round in circles.
pub(crate) const MAX_PARTS: usize = 10_000;
/// The longest text that is read as a number, and the longest exponent: what the column of the database reads, too.
const MAX_NUMBER: usize = 100;
const MAX_EXPONENT: usize = 3;

/// Names that lead to a value, joined by dots; indexes of arrays are not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPath(String);

/// What the schema says that a path holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// `integer` or `number`.
    Number,
    /// `boolean`.
    Boolean,
    /// `string` of the format `date`.
    Date,
    /// `string` of the format `date-time`.
    DateTime,
    /// Any other, or nothing.
    Text,
}

/// What a value must be for a manifest to be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// This number; the text of one, in which `1.0` equals `1`.
    Number(String),
    /// True or false, in any of their words.
    Truth(bool),
    /// A time on this day.
    Day(NaiveDate),
    /// This time.
    Moment(DateTime<Utc>),
    /// A text that a pattern of `ilike` matches.
    Matches(String),
}

impl DataPath {
    /// Reads a path: names of `[A-Za-z_][A-Za-z0-9_]*` joined by dots, at most 200 characters in all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        (text.len() <= MAX_PATH && text.split('.').all(is_name)).then(|| Self(text.to_owned()))
    }

    /// The path as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The type that a schema gives to the path, looked for through `properties`, the branches of `oneOf`, `anyOf` and
    /// `allOf`, and references within the schema. Of several types a number counts before a boolean, that before a text.
    #[must_use]
    pub fn type_in(&self, schema: &Value) -> ValueType {
        let mut budget = MAX_PARTS;
        let mut parts = branches(schema, vec![schema], &mut budget);
        for name in self.0.split('.') {
            let properties = parts.iter().filter_map(|part| part.get("properties")?.get(name)).collect();
            parts = branches(schema, properties, &mut budget);
        }
        let has = |word: &str| parts.iter().any(|part| super::schema::has_type(part, word));
        let is_text_of = |format: &str| {
            parts
                .iter()
                .any(|part| super::schema::has_type(part, "string") && part.get("format").is_some_and(|f| f == format))
        };
        if has("integer") || has("number") {
            ValueType::Number
        } else if has("boolean") {
            ValueType::Boolean
        } else if is_text_of("date") {
            ValueType::Date
        } else if is_text_of("date-time") {
            ValueType::DateTime
        } else {
            ValueType::Text
        }
    }
}

/// Schemas with all that stand for them, at any depth.
pub(crate) fn branches<'a>(root: &'a Value, schemas: Vec<&'a Value>, budget: &mut usize) -> Vec<&'a Value> {
    let mut found = Vec::new();
    let mut open = schemas;
    while let Some(schema) = open.pop() {
        if *budget == 0 {
            break;
        }
        *budget -= 1;
        found.push(schema);
        for word in ["oneOf", "anyOf", "allOf"] {
            open.extend(schema.get(word).and_then(Value::as_array).into_iter().flatten());
        }
        let reference = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
        open.extend(reference.and_then(|pointer| root.pointer(pointer)));
    }
    found
}

impl Test {
    /// What a value means for a path of a type. What can't be read as the type is looked for as text.
    #[must_use]
    pub fn read(value_type: ValueType, value: &str) -> Self {
        let test = match value_type {
            ValueType::Number => is_number(value).then(|| Self::Number(value.to_owned())),
            ValueType::Boolean => read_truth(value).map(Self::Truth),
            ValueType::Date => read_day(value).map(Self::Day),
            ValueType::DateTime => read_moment(value).map(Self::Moment),
            ValueType::Text => None,
        };
        test.unwrap_or_else(|| Self::containing(value))
    }

    /// Looks for a text anywhere. One with `%` or `_` is a pattern already.
    #[must_use]
    pub fn containing(value: &str) -> Self {
        if !value.contains(['%', '_']) {
            return Self::Matches(format!("%{}%", value.replace('\\', "\\\\")));
        }
        let trailing = value.len() - value.trim_end_matches('\\').len();
        // A pattern must not end with the sign that takes the next one literally.
        Self::Matches(if trailing % 2 == 1 { format!("{value}\\") } else { value.to_owned() })
    }
}

/// Whether the database will read a text as a number.
fn is_number(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, rest)| (whole, Some(rest)));
    text.len() <= MAX_NUMBER
        && is_digits(whole)
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(|digits| is_digits(digits) && digits.len() <= MAX_EXPONENT)
}

fn read_truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

fn read_day(text: &str) -> Option<NaiveDate> {
    let is_whole = text.len() == "2026-01-01".len() && text.starts_with(|first: char| first.is_ascii_digit());
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| is_whole)
}

/// A time with an offset, or one of UTC.
fn read_moment(text: &str) -> Option<DateTime<Utc>> {
    read_day(text.get(..10)?)?;
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.to_utc());
    }
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok()).map(|moment| moment.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn path(text: &str) -> DataPath {
        DataPath::parse(text).unwrap()
    }

    #[test]
    fn types_come_from_properties_branches_and_references() {
        let schema = json!({
            "type": "object",
            "$defs": {"money": {"type": "object", "properties": {"amount": {"type": ["null", "number"]}}}, "loop": {"$ref": "#/$defs/loop"}},
            "properties": {
                "count": {"type": "integer"},
                "total": {"$ref": "#/$defs/money"},
                "round": {"$ref": "#/$defs/loop"},
                "paid": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
                "due": {"type": ["string", "null"], "format": "date"},
                "sent": {"oneOf": [{"type": "string"}, {"type": "string", "format": "date-time"}]},
                "mixed": {"type": ["string", "boolean", "integer"]},
                "format_alone": {"format": "date"},
                "party": {"allOf": [{"properties": {"name": {"type": "string"}}}, {"properties": {"age": {"type": "number"}}}]},
                "items": {"type": "array", "items": {"properties": {"q": {"type": "number"}}}}
            },
            "anyOf": [{"properties": {"extra": {"type": "boolean"}}}]
        });
        for (text, expected) in [
            ("count", ValueType::Number),
            ("total.amount", ValueType::Number),
            ("total", ValueType::Text),
            ("round", ValueType::Text),
            ("paid", ValueType::Boolean),
            ("due", ValueType::Date),
            ("sent", ValueType::DateTime),
            ("mixed", ValueType::Number),
            ("format_alone", ValueType::Text),
            ("party.name", ValueType::Text),
            ("party.age", ValueType::Number),
            ("items.q", ValueType::Text),
            ("extra", ValueType::Boolean),
            ("missing.deeper", ValueType::Text),
        ] {
            assert_eq!(path(text).type_in(&schema), expected, "{text}");
        }
        assert_eq!(path("a").type_in(&Value::Null), ValueType::Text);
    }

    #[test]
    fn values_mean_what_the_type_says_or_are_looked_for() {
        let matches = |pattern: &str| Test::Matches(pattern.to_owned());
        let day = NaiveDate::from_ymd_opt(2026, 3, 14).unwrap();
        let noon = day.and_hms_opt(12, 0, 0).unwrap().and_utc();
        for (value_type, value, expected) in [
            (ValueType::Number, "12.50", Test::Number("12.50".to_owned())),
            (ValueType::Number, "-1e3", Test::Number("-1e3".to_owned())),
            (ValueType::Number, "1,5", matches("%1,5%")),
            (ValueType::Number, "1e9999", matches("%1e9999%")),
            (ValueType::Number, "NaN", matches("%NaN%")),
            (ValueType::Boolean, "YES", Test::Truth(true)),
            (ValueType::Boolean, "0", Test::Truth(false)),
            (ValueType::Boolean, "maybe", matches("%maybe%")),
            (ValueType::Date, "2026-03-14", Test::Day(day)),
            (ValueType::Date, "2026-02-30", matches("%2026-02-30%")),
            (ValueType::Date, "2026-03", matches("%2026-03%")),
            (ValueType::DateTime, "2026-03-14T12:00:00Z", Test::Moment(noon)),
            (ValueType::DateTime, "2026-03-14T14:00:00.000+02:00", Test::Moment(noon)),
            (ValueType::DateTime, "2026-03-14T12:00", Test::Moment(noon)),
            (ValueType::DateTime, "2026-03-14", matches("%2026-03-14%")),
            (ValueType::DateTime, "2026-03-14T99:00:00Z", matches("%2026-03-14T99:00:00Z%")),
            (ValueType::Text, "12", matches("%12%")),
            (ValueType::Text, r"a\b", matches(r"%a\\b%")),
            (ValueType::Text, "PO-%", matches("PO-%")),
            (ValueType::Text, r"50\%", matches(r"50\%")),
            (ValueType::Text, r"50%\", matches(r"50%\\")),
            (ValueType::Text, r"50%\\", matches(r"50%\\")),
        ] {
            assert_eq!(Test::read(value_type, value), expected, "{value_type:?} {value}");
        }
    }

    fn any_schema() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!({"type": "integer"})),
            Just(json!({"type": ["null", "boolean"]})),
            Just(json!({"type": "string", "format": "date"})),
            Just(json!({"$ref": "#"})),
            Just(json!({"$ref": "#/properties/a"})),
            Just(json!(true)),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 32, 3, |inner| {
            prop_oneof![
                prop::collection::btree_map("[a-c]", inner.clone(), 0..3)
                    .prop_map(|properties| json!({"properties": properties})),
                (prop::sample::select(vec!["oneOf", "anyOf", "allOf"]), prop::collection::vec(inner, 0..3))
                    .prop_map(|(word, parts)| json!({word: parts})),
            ]
        })
    }

    const TYPES: [ValueType; 5] =
        [ValueType::Number, ValueType::Boolean, ValueType::Date, ValueType::DateTime, ValueType::Text];

    proptest! {
        #[test]
        fn any_schema_gives_a_type_also_one_that_goes_round(schema in any_schema(), text in "[a-c](\\.[a-c]){0,3}") {
            prop_assert!(TYPES.contains(&path(&text).type_in(&schema)));
        }

        #[test]
        fn wrapping_a_type_does_not_change_it(index in 0_usize..4, word in prop::sample::select(vec!["oneOf", "anyOf", "allOf"])) {
            let plain = [json!({"type": "number"}), json!({"type": "boolean"}), json!({"type": "string", "format": "date"}),
                         json!({"type": "string", "format": "date-time"})];
            let bare = json!({"properties": {"a": plain[index]}});
            let wrapped = json!({word: [{"properties": {"a": {word: [{"type": "null"}, plain[index]]}}}]});
            prop_assert_eq!(path("a").type_in(&wrapped), path("a").type_in(&bare));
            prop_assert_eq!(path("a").type_in(&bare), TYPES[index]);
        }

        #[test]
        fn only_names_joined_by_dots_are_paths(text in "[a-z0-9_.\\[\\]\" -]{0,12}") {
            let names: Vec<&str> = text.split('.').collect();
            let is_path = names.iter().all(|name| {
                !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())
                    && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
            });
            prop_assert_eq!(DataPath::parse(&text).is_some(), is_path);
        }

        #[test]
        fn plain_numbers_are_numbers(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let text = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(Test::read(ValueType::Number, &text), Test::Number(text));
        }

        #[test]
        fn a_pattern_never_ends_within_an_escape(value in "[a%_\\\\]{0,8}", index in 0_usize..5) {
            if let Test::Matches(pattern) = Test::read(TYPES[index], &value) {
                let trailing = pattern.len() - pattern.trim_end_matches('\\').len();
                prop_assert_eq!(trailing % 2, 0);
            }
        }
    }
}
