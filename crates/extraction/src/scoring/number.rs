//! Numbers as decimals, in any common notation.

use serde_json::Value;

/// Digits after the point that are kept; no document prints more.
const PLACES: u32 = 12;

/// A decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    /// In units of 1e-12.
    units: i128,
    /// Digits after the point as written.
    places: u32,
}

impl Decimal {
    /// Reads a JSON number, or a text that holds one.
    pub(super) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => plain(&number.to_string()),
            Value::String(text) => in_text(text),
            _ => None,
        }
    }

    /// Whether a value is this one, to two places or to as many as this one has.
    pub(super) fn is_met_by(self, other: Self, is_any_sign_right: bool) -> bool {
        let (own, other) =
            if is_any_sign_right { (self.units.abs(), other.units.abs()) } else { (self.units, other.units) };
        let places = self.places.clamp(2, PLACES);
        let unit = 10_i128.saturating_pow(PLACES - places);
        own.abs_diff(other).saturating_mul(2) <= unit.unsigned_abs()
    }
}

/// `-12.5e3`, as JSON writes it.
fn plain(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (negative, digits) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    // "5.0" is how a float writes 5.
    let fraction = if fraction == "0" { "" } else { fraction };
    let places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let mut units: i128 = format!("{whole}{fraction}").parse().ok()?;
    let shift = i32::try_from(PLACES).ok()?.checked_sub(places)?;
    let factor = 10_i128.checked_pow(shift.unsigned_abs())?;
    units = if shift >= 0 { units.checked_mul(factor)? } else { units.checked_div(factor)? };
    let places = u32::try_from(places.max(0)).ok()?;
    Some(Decimal { units: if negative { -units } else { units }, places })
}

/// The first number of a text such as `1.234,56 EUR`, `(12.00)` or `8.79-`.
fn in_text(text: &str) -> Option<Decimal> {
    let text = text.trim().replace('\u{2212}', "-").replace(['\u{a0}', '\u{202f}'], " ");
    let start = text.find(|letter: char| letter.is_ascii_digit())?;
    let (before, rest) = text.split_at_checked(start)?;
    let length = rest.find(|letter: char| !letter.is_ascii_digit() && !".,' ’".contains(letter)).unwrap_or(rest.len());
    let (digits, after) = rest.split_at_checked(length)?;
    let is_in_brackets = before.starts_with('(') && text.ends_with(')');
    let negative = is_in_brackets || before.contains('-') || after.starts_with('-');
    let digits: String = digits.chars().filter(|letter| !"' ’".contains(*letter)).collect();
    // ".5" is a half, "No.5" is not.
    let stands_alone = |rest: &str| rest.is_empty() || rest.ends_with([' ', '-']);
    let digits = if before.strip_suffix(['.', ',']).is_some_and(stands_alone) {
        format!("0.{digits}")
    } else {
        with_point(digits.trim_end_matches(['.', ',']))
    };
    let number = plain(&digits)?;
    Some(if negative { Decimal { units: -number.units, ..number } } else { number })
}

/// Digits with dots and commas as JSON writes them: of both kinds the last one is the point, and a comma before exactly
/// three digits parts thousands.
fn with_point(digits: &str) -> String {
    let without = |sign: char| digits.replace(sign, "");
    match (digits.rfind('.'), digits.rfind(',')) {
        (Some(dot), Some(comma)) if dot > comma => without(','),
        (Some(_), Some(_)) => without('.').replace(',', "."),
        (None, Some(_)) => {
            let (head, tail) = digits.rsplit_once(',').unwrap_or((digits, ""));
            let parts_thousands = head.contains(',') || tail.len() == 3 && !matches!(head, "" | "0");
            if parts_thousands { without(',') } else { format!("0{head}.{tail}") }
        }
        (Some(_), None) if digits.matches('.').count() > 1 => without('.'),
        _ => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn same(truth: impl Into<Value>, prediction: impl Into<Value>) -> bool {
        let read = |value: Value| Decimal::read(&value);
        read(truth.into()).zip(read(prediction.into())).is_some_and(|(truth, other)| truth.is_met_by(other, false))
    }

    #[test]
    fn notations_of_one_number_are_the_same() {
        for (text, number) in [
            ("1.234,56 €", json!(1234.56)),
            ("1,234.56", json!(1234.56)),
            ("1'234.50", json!(1234.5)),
            ("-8,79", json!(-8.79)),
            ("8.79-", json!(-8.79)),
            ("(12.00)", json!(-12)),
            ("82,000", json!(82000)),
            ("0,123", json!(0.123)),
            ("₹ 7,08,000.00", json!(708_000)),
            ("1.01488", json!(1.01488)),
            (",5", json!(0.5)),
            ("-.01488", json!(-0.01488)),
            ("No.5", json!(5)),
        ] {
            assert!(same(number.clone(), text), "{text}");
            assert!(same(text, number), "{text}");
        }
    }

    #[test]
    fn numbers_differ_by_what_is_printed() {
        assert!(same(12.3, 12.30));
        assert!(!same(1190.0, 1190.01));
        assert!(same(1.014, "1.0140"));
        assert!(!same(1.01488, 1.0149), "a truth with more places wants them");
        assert!(same(1e15, "1000000000000000"));
        assert!(same(0.000_000_1, 1e-7));
        assert!(!same(5, "five") && !same(5, json!(null)) && !same(5, json!(true)));
    }

    #[test]
    fn absurd_numbers_are_no_numbers_and_harm_nothing() {
        let digits = "9".repeat(400);
        assert_eq!(Decimal::read(&json!(digits)), None);
        assert_eq!(Decimal::read(&json!(1e300)), None);
        assert_eq!(Decimal::read(&json!("-")), None);
    }
}
