//! What the parts of a rule come to, and how that is compared.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::Value;

use super::Arithmetic;
use crate::decimal;
use crate::validate::dates::Moment;

/// Decimal places of money.
const PLACES: u32 = 2;

/// No currency and no price has more.
pub(super) const MAX_PLACES: u32 = 12;

/// What a part of a rule comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// The data does not have it, or it can't be worked out.
    Missing,
    Truth(bool),
    Number(Quantity),
    Text(String),
    /// A value of a kind that can't be compared or counted with.
    Strange,
}

/// A number and how exact it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantity {
    pub(super) value: Decimal,
    /// The most decimal places of what it was worked out from.
    pub(super) places: u32,
    /// Whether it was multiplied or divided, so that the document may have rounded it.
    pub(super) is_product: bool,
}

impl Quantity {
    pub(super) fn printed(value: Decimal) -> Self {
        let value = value.normalize();
        Self { value, places: value.scale(), is_product: false }
    }

    /// How far apart two numbers may be that are meant to be the same.
    fn tolerance(self, other: Self) -> Decimal {
        let places = match (self.is_product, other.is_product) {
            (false, false) => return Decimal::ZERO,
            (true, false) => other.places,
            (false, true) => self.places,
            (true, true) => self.places.min(other.places),
        };
        Decimal::new(5, places.clamp(PLACES, MAX_PLACES) + 1)
    }

    /// A value that was worked out from this and another.
    pub(super) fn with(self, value: Decimal, other: Self) -> Self {
        Self { value, places: self.places.max(other.places), is_product: self.is_product || other.is_product }
    }
}

impl Outcome {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Missing,
            Value::Bool(truth) => Self::Truth(*truth),
            Value::Number(number) => {
                decimal::of_number(number).map_or(Self::Missing, |number| Self::Number(Quantity::printed(number)))
            }
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(_) | Value::Object(_) => Self::Strange,
        }
    }

    /// What can be counted with: a number, or a text that is one.
    pub(super) fn to_number(&self) -> Self {
        match self {
            Self::Text(text) => {
                decimal::read_text(text).map_or(Self::Strange, |number| Self::Number(Quantity::printed(number)))
            }
            Self::Truth(_) => Self::Strange,
            other => other.clone(),
        }
    }

    pub(super) const fn quantity(&self) -> Option<Quantity> {
        if let Self::Number(quantity) = self { Some(*quantity) } else { None }
    }

    pub(super) fn to_value(&self) -> Option<Value> {
        match self {
            Self::Missing | Self::Strange => None,
            Self::Truth(truth) => Some(Value::Bool(*truth)),
            Self::Number(quantity) => Some(decimal::to_value(quantity.value)),
            Self::Text(text) => Some(Value::String(text.clone())),
        }
    }
}

pub(super) fn calculate(operator: Arithmetic, left: &Outcome, right: &Outcome) -> Outcome {
    if operator == Arithmetic::Subtract
        && let Some(days) = days_between(left, right)
    {
        return Outcome::Number(Quantity::printed(days));
    }
    let (left, right) = match (left.to_number(), right.to_number()) {
        (Outcome::Number(left), Outcome::Number(right)) => (left, right),
        (Outcome::Missing, _) | (_, Outcome::Missing) => return Outcome::Missing,
        _ => return Outcome::Strange,
    };
    let (value, is_product) = match operator {
        Arithmetic::Add => (left.value.checked_add(right.value), false),
        Arithmetic::Subtract => (left.value.checked_sub(right.value), false),
        Arithmetic::Multiply => (left.value.checked_mul(right.value), true),
        Arithmetic::Divide => (left.value.checked_div(right.value), true),
    };
    // Divided by zero, or more digits than can be counted with.
    let Some(value) = value else { return Outcome::Missing };
    let quantity = left.with(value, right);
    Outcome::Number(Quantity { is_product: quantity.is_product || is_product, ..quantity })
}

fn days_between(left: &Outcome, right: &Outcome) -> Option<Decimal> {
    let (Outcome::Text(left), Outcome::Text(right)) = (left, right) else { return None };
    Some(Decimal::from(Moment::read(left)?.date().signed_duration_since(Moment::read(right)?.date()).num_days()))
}

/// How two values stand to each other: outer `None` when one is missing, inner `None` when they can't be compared.
pub(super) fn order(left: &Outcome, right: &Outcome) -> Option<Option<Ordering>> {
    Some(match (left, right) {
        (Outcome::Missing, _) | (_, Outcome::Missing) => return None,
        (Outcome::Truth(left), Outcome::Truth(right)) => Some(left.cmp(right)),
        (Outcome::Text(left), Outcome::Text(right)) => order_of_texts(left, right),
        _ => match (left.to_number(), right.to_number()) {
            (Outcome::Number(left), Outcome::Number(right)) => Some(order_of_numbers(left, right)),
            _ => None,
        },
    })
}

fn order_of_numbers(left: Quantity, right: Quantity) -> Ordering {
    let is_same =
        left.value.checked_sub(right.value).is_some_and(|difference| difference.abs() <= left.tolerance(right));
    if is_same { Ordering::Equal } else { left.value.cmp(&right.value) }
}

/// Texts that are the same are equal, whatever they say; else they are dates, numbers, or different.
fn order_of_texts(left: &str, right: &str) -> Option<Ordering> {
    if left == right {
        return Some(Ordering::Equal);
    }
    if let (Some(left), Some(right)) = (Moment::read(left), Moment::read(right)) {
        return Some(left.order(right));
    }
    match (decimal::read_text(left), decimal::read_text(right)) {
        // "007" is another number of a document than "7".
        (Some(left), Some(right)) if left != right => Some(left.cmp(&right)),
        _ => None,
    }
}
