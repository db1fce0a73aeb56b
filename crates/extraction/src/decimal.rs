//! Amounts in extracted data as exact decimals.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromStr as _;
use serde_json::{Number, Value};

use crate::reply::read_number;

/// The longest text that is looked at as a number.
const MAX_TEXT_BYTES: usize = 60;

/// Reads a number, or a text that is a printed number. `None` when it is neither, or has more digits than can be counted with.
#[must_use]
pub fn read(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => of_number(number),
        Value::String(text) => read_text(text),
        _ => None,
    }
}

/// The exact value of a JSON number: the digits that it is written with, not the nearest binary fraction.
#[must_use]
pub fn of_number(number: &Number) -> Option<Decimal> {
    let text = number.to_string();
    let decimal =
        if text.contains(['e', 'E']) { Decimal::from_scientific(&text) } else { Decimal::from_str_exact(&text) };
    decimal.ok().map(|decimal| decimal.normalize())
}

/// Reads a printed number, such as `1.234,50 EUR`.
#[must_use]
pub fn read_text(text: &str) -> Option<Decimal> {
    let text = text.trim();
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    let plain = Decimal::from_str(text).map(|decimal| decimal.normalize()).ok();
    plain.or_else(|| if has_letters_inside(text) { None } else { of_number(&read_number(text)?) })
}

/// Whether letters stand among the digits, or a single one beside them: it may be a digit that was misread (`1O.5O`). What stands
/// before or behind is a currency or a unit.
fn has_letters_inside(text: &str) -> bool {
    let is_digit = |character: char| character.is_ascii_digit();
    let (Some(first), Some(last)) = (text.find(is_digit), text.rfind(is_digit)) else { return false };
    let inside = text.get(first..=last).unwrap_or_default();
    let behind = text.get(last + 1..).unwrap_or_default();
    let before = text.get(..first).unwrap_or_default();
    inside.contains(char::is_alphabetic) || is_single_letter(behind.chars()) || is_single_letter(before.chars().rev())
}

fn is_single_letter(mut characters: impl Iterator<Item = char>) -> bool {
    characters.next().is_some_and(char::is_alphabetic) && !characters.next().is_some_and(char::is_alphabetic)
}

/// A decimal as a JSON number.
#[must_use]
pub fn to_value(decimal: Decimal) -> Value {
    let text = decimal.normalize().to_string();
    text.parse::<Number>().map_or(Value::String(text), Value::Number)
}

/// An amount as a person writes it: with two places, or as many as it has.
#[must_use]
pub fn show(decimal: Decimal) -> String {
    let decimal = decimal.normalize();
    let places = usize::try_from(decimal.scale()).unwrap_or(0).max(2);
    format!("{decimal:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn numbers_keep_the_digits_that_they_are_written_with() {
        let sum = read(&json!(0.1)).unwrap() + read(&json!(0.2)).unwrap();
        assert_eq!(sum, read(&json!(0.3)).unwrap());
        assert_eq!(read(&json!(1e-7)).unwrap().to_string(), "0.0000001");
        assert_eq!(read(&json!("1.234,50 EUR")), read(&json!(1234.5)));
        for value in [
            json!("many"),
            json!(null),
            json!([1]),
            json!(1e300),
            json!(""),
            json!("9".repeat(61)),
            json!("1O.5"),
            json!("15O"),
            json!("S5.00"),
        ] {
            assert_eq!(read(&value), None, "{value}");
        }
    }

    #[test]
    fn amounts_are_shown_with_two_places_at_least() {
        for (value, shown) in
            [(json!(100), "100.00"), (json!(0.5), "0.50"), (json!(1.0149), "1.0149"), (json!(-3.0), "-3.00")]
        {
            assert_eq!(show(read(&value).unwrap()), shown);
        }
        assert_eq!(to_value(read(&json!(110.5)).unwrap()), json!(110.5));
        assert_eq!(to_value(read(&json!(7.0)).unwrap()), json!(7));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".{0,70}") {
            if let Some(decimal) = read_text(&text) {
                prop_assert!(!show(decimal).is_empty() && !to_value(decimal).is_null());
            }
        }
    }
}
