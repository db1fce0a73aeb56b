//! Which value of an equation OCR may have misread.
//!
//! One value is replaced by what looks like it in print; if exactly one such value in all of the equation makes it meet, it is
//! suggested. Nothing is ever replaced here.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::equation::{Equation, Form, apart, half_a_cent};

/// Digits that look alike in print.
const ALIKE: [(char, char); 6] = [('1', '7'), ('5', '6'), ('3', '8'), ('6', '8'), ('0', '8'), ('0', '6')];

/// Documents with more values than this have too many that could be misread.
const MOST_OPERANDS: usize = 2_000;

/// The path and the value of the one replacement that makes the equation meet. Values that others vouch for are not doubted.
pub(super) fn of(equation: &Equation, corroborated: &BTreeSet<String>) -> Option<(String, Decimal)> {
    let operands: Vec<_> = equation.operands().collect();
    if operands.len() > MOST_OPERANDS {
        return None;
    }
    let values: Vec<Decimal> = equation.inputs.iter().map(|operand| operand.value).collect();
    let computed = equation.computed()?;
    let mut found: Vec<(String, Decimal)> = Vec::new();
    for (index, operand) in
        operands.into_iter().enumerate().filter(|(_, operand)| !corroborated.contains(&operand.path))
    {
        for variant in lookalikes(operand.value) {
            let sides = match (&equation.form, values.get(index)) {
                (_, None) => Some((computed, variant)),
                (Form::Sum { added }, Some(value)) => {
                    let change = variant.checked_sub(*value);
                    let change = if index < *added { change } else { change.map(|change| -change) };
                    change.and_then(|change| computed.checked_add(change)).map(|sum| (sum, equation.result.value))
                }
                (Form::Other(_), Some(_)) => {
                    let mut values = values.clone();
                    values.iter_mut().skip(index).take(1).for_each(|value| *value = variant);
                    equation.compute(&values).map(|computed| (computed, equation.result.value))
                }
            };
            let meets = sides.and_then(|(left, right)| apart(left, right)).is_some_and(|apart| apart <= half_a_cent());
            if meets && !found.iter().any(|(path, value)| *path == operand.path && *value == variant) {
                found.push((operand.path.clone(), variant));
                if found.len() > 1 {
                    return None;
                }
            }
        }
    }
    found.pop()
}

/// The values that may be printed where this one was read: a digit for one that looks like it, a point that was lost or is none,
/// a digit that was lost.
fn lookalikes(value: Decimal) -> BTreeSet<Decimal> {
    let mut found = BTreeSet::new();
    // As it is, and with the two places that amounts are printed with.
    let plain = value.abs().normalize();
    for text in [plain.to_string(), format!("{plain:.2}")] {
        // Rounding to two places would be another value.
        if text.parse() != Ok(plain) {
            continue;
        }
        let digits: Vec<char> = text.chars().collect();
        for (index, digit) in digits.iter().enumerate() {
            for (left, right) in ALIKE {
                let other = if *digit == left {
                    right
                } else if *digit == right {
                    left
                } else {
                    continue;
                };
                add(&mut found, digits.iter().enumerate().map(|(at, old)| if at == index { other } else { *old }));
            }
        }
        for index in 0..=digits.len() {
            for inserted in '0'..='9' {
                let (before, after) = digits.split_at_checked(index).unwrap_or_default();
                add(&mut found, before.iter().chain([&inserted]).chain(after).copied());
            }
        }
    }
    for power in 1..=3_u32 {
        let factor = Decimal::from(10_u32.pow(power));
        found.extend(plain.checked_div(factor));
        if plain.scale() > 0 {
            found.extend(plain.checked_mul(factor));
        }
    }
    found.remove(&plain);
    if value.is_sign_negative() { found.into_iter().map(|value| -value).collect() } else { found }
}

fn add(found: &mut BTreeSet<Decimal>, characters: impl Iterator<Item = char>) {
    found.extend(characters.collect::<String>().parse::<Decimal>().ok().map(|value| value.normalize()));
}

/// A text with one character for one that looks like it.
pub(super) fn lookalike_texts(text: &str) -> Vec<String> {
    const LETTERS: [(char, char); 7] =
        [('0', 'O'), ('1', 'I'), ('1', 'L'), ('5', 'S'), ('8', 'B'), ('2', 'Z'), ('6', 'G')];
    let characters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    for (index, character) in characters.iter().enumerate() {
        for (left, right) in ALIKE.into_iter().chain(LETTERS) {
            let other = if *character == left {
                right
            } else if *character == right {
                left
            } else {
                continue;
            };
            found.push(characters.iter().enumerate().map(|(at, old)| if at == index { other } else { *old }).collect());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_looks_like_what_it_may_be_misread_for() {
        let has = |read: &str, printed: &str| lookalikes(read.parse().unwrap()).contains(&printed.parse().unwrap());
        for (read, printed) in [
            ("110", "170"),
            ("110", "118"),
            ("53.5", "58.50"),
            ("12345", "123.45"),
            ("1.234", "1234"),
            ("10", "100"),
            ("99.9", "199.9"),
            ("-1", "-7"),
            ("100", "100.06"),
        ] {
            assert!(has(read, printed), "{read} {printed}");
        }
        for (read, printed) in [("110", "110"), ("110", "120"), ("110", "1000"), ("-1", "7"), ("12", "87")] {
            assert!(!has(read, printed), "{read} {printed}");
        }
        assert_eq!(lookalike_texts("O1"), ["01", "O7", "OI", "OL"]);
        lookalikes(Decimal::MAX);
        lookalikes(Decimal::MIN);
    }
}
