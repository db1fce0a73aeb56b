//! Single values: what kind of value a place holds, and whether another is the same.

use serde_json::Value;

use super::moment::{read_date, read_time};
use super::number::Decimal;
use super::text::{are_alike, fold, letters_and_digits};
use crate::schema::has_type;

/// Words in the name of a property that holds an identifier.
const ID_WORDS: [&str; 22] = [
    "number",
    "no",
    "nr",
    "num",
    "id",
    "code",
    "iban",
    "bic",
    "swift",
    "phone",
    "tel",
    "fax",
    "vat",
    "tax",
    "ref",
    "reference",
    "order",
    "sku",
    "ean",
    "gtin",
    "account",
    "currency",
];
/// The longest thing that can be an identifier, in characters.
const MAX_ID: usize = 40;

/// How values of a place are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Truth,
    Date,
    Time,
    /// By letters and digits.
    Id,
    /// By the whole word.
    Word,
    /// By similarity.
    Text,
}

/// What is known of a truth that changes how its values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// Credit notes are printed with and without signs.
    pub(super) is_any_sign_right: bool,
    /// Off where a transcript has lost its spaces.
    pub(super) spaces_count: bool,
}

impl Kind {
    /// The kind that the schema gives a property, or else its name and the truth itself.
    pub(super) fn of(parts: &[&Value], name: &str, truth: &Value) -> Self {
        let has = |word: &str| parts.iter().any(|part| has_type(part, word));
        let has_format = |word: &str| parts.iter().any(|part| part.get("format").is_some_and(|format| format == word));
        let has_key = |key: &str| parts.iter().any(|part| part.get(key).is_some());
        let text = match truth {
            Value::Number(_) => return Self::Number,
            Value::String(text) => text.as_str(),
            _ => return Self::Truth,
        };
        if (has("number") || has("integer")) && Decimal::read(truth).is_some() {
            Self::Number
        } else if has_format("date") || is_iso_date(text) {
            Self::Date
        } else if has_format("time") || text.len() <= 8 && read_time(text).is_some() {
            Self::Time
        } else if has_key("enum") || has_key("const") {
            Self::Word
        } else if has_key("pattern") || is_id(name, text) {
            Self::Id
        } else {
            Self::Text
        }
    }

    /// Whether a value is the one of the truth.
    pub(super) fn is_met(self, truth: &Value, value: &Value, manner: Manner) -> bool {
        if truth == value {
            return true;
        }
        if self == Self::Number {
            let read = Decimal::read(truth).zip(Decimal::read(value));
            return read.is_some_and(|(own, other)| own.is_met_by(other, manner.is_any_sign_right));
        }
        let (Some(own), Some(other)) = (as_text(truth), as_text(value)) else { return false };
        match self {
            Self::Number => false,
            Self::Date => read_date(&own).is_some_and(|date| read_date(&other) == Some(date)),
            Self::Time => read_time(&own).is_some_and(|time| read_time(&other) == Some(time)),
            Self::Id => letters_and_digits(&own) == letters_and_digits(&other) && !letters_and_digits(&own).is_empty(),
            // Words of a list are written as the list has them, or the schema refuses them.
            Self::Word => own.trim() == other.trim(),
            Self::Truth => fold(own.trim()) == fold(other.trim()),
            Self::Text => are_alike(&own, &other, manner.spaces_count),
        }
    }
}

/// A value that is none: what models write where a document says nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => matches!(text.trim().to_ascii_lowercase().as_str(), "" | "null" | "none" | "n/a"),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_iso_date(text: &str) -> bool {
    text.len() == 10 && text.matches('-').count() == 2 && read_date(text).is_some()
}

/// Whether a text is an identifier: by the property's name, or because most of it is digits.
fn is_id(name: &str, text: &str) -> bool {
    let length = text.chars().count();
    if length > MAX_ID || !text.chars().any(char::is_alphanumeric) {
        return false;
    }
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    let is_named_so = name_words(name).iter().any(|word| ID_WORDS.contains(&word.as_str()));
    let is_mostly_digits = digits > letters;
    (is_named_so && (digits > 0 || letters == length)) || is_mostly_digits
}

/// The words of `vatId`, `vat_id` or `VAT ID`.
fn name_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && was_small) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        was_small = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLAIN: Manner = Manner { is_any_sign_right: false, spaces_count: true };

    #[test]
    fn the_schema_the_name_and_the_value_tell_the_kind() {
        let of = |schema: Value, name: &str, truth: Value| Kind::of(&[&schema], name, &truth);
        assert_eq!(of(json!({"type": ["number", "null"]}), "total", json!("12.00")), Kind::Number);
        assert_eq!(of(json!({"type": "string"}), "total", json!(12)), Kind::Number);
        assert_eq!(of(json!({"type": "string", "format": "date"}), "due", json!("2018-03-05")), Kind::Date);
        assert_eq!(of(json!({}), "due", json!("2018-03-05")), Kind::Date);
        assert_eq!(of(json!({}), "time", json!("21:54")), Kind::Time);
        assert_eq!(of(json!({"enum": ["a", "b"]}), "kind", json!("a")), Kind::Word);
        assert_eq!(of(json!({}), "invoiceNumber", json!("RE-2018/17")), Kind::Id);
        assert_eq!(of(json!({}), "currency", json!("EUR")), Kind::Id);
        assert_eq!(of(json!({}), "barcode", json!("4006381333931")), Kind::Id);
        assert_eq!(of(json!({}), "name", json!("Müller & Söhne GmbH")), Kind::Text);
        assert_eq!(of(json!({}), "order_note", json!("please deliver to the back door, thank you")), Kind::Text);
        assert_eq!(of(json!({}), "address", json!("Lange Straße 5, 10115 Berlin")), Kind::Text);
        assert_eq!(of(json!({}), "paid", json!(true)), Kind::Truth);
    }

    #[test]
    fn values_are_compared_by_their_kind() {
        let met = |kind: Kind, truth: Value, value: Value| kind.is_met(&truth, &value, PLAIN);
        assert!(met(Kind::Number, json!(1190), json!("1.190,00 EUR")));
        assert!(!met(Kind::Number, json!(-5), json!(5)));
        assert!(Kind::Number.is_met(&json!(-5), &json!(5), Manner { is_any_sign_right: true, ..PLAIN }));
        assert!(met(Kind::Id, json!("RE-2018/17"), json!("re 2018 17")));
        assert!(!met(Kind::Id, json!("RE-2018/17"), json!("RE-2018/18")));
        assert!(met(Kind::Id, json!("4711"), json!(4711)));
        assert!(met(Kind::Date, json!("2018-03-05"), json!("5.3.2018")));
        assert!(met(Kind::Truth, json!(true), json!("true")));
        assert!(!met(Kind::Text, json!("a"), json!(null)) && !met(Kind::Text, json!("a"), json!({"a": 1})));
    }

    #[test]
    fn nothing_has_many_words() {
        assert!(is_empty(&json!({"a": [null, "", "N/A"], "b": {}})));
        assert!(!is_empty(&json!([0])) && !is_empty(&json!(false)));
    }
}
