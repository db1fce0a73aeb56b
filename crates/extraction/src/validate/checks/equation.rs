//! Amounts that should come to another amount.

use rust_decimal::Decimal;
use serde_json::Value;

use super::Notes;
use crate::concepts::Concept;
use crate::decimal;
use crate::validate::paths::join;

/// An amount of the document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operand {
    pub(super) path: String,
    pub(super) value: Decimal,
}

/// How operands come to the result; `None` when it can't be worked out.
pub(super) type Formula = fn(&[Decimal]) -> Option<Decimal>;

#[derive(Debug, Clone)]
pub(super) enum Form {
    /// All are added; those after the number of `added` are subtracted.
    Sum {
        added: usize,
    },
    Other(Formula),
}

/// An equation between printed amounts. Signs of both sides may differ: credit notes print either.
#[derive(Debug, Clone)]
pub(super) struct Equation {
    pub(super) check: &'static str,
    pub(super) inputs: Vec<Operand>,
    pub(super) form: Form,
    pub(super) result: Operand,
    /// How far apart the sides may be.
    pub(super) tolerance: Decimal,
    /// What is told: the computed value and the result are put at `{computed}` and `{result}`.
    pub(super) told: String,
}

/// Half of the smallest coin, of currencies that have a hundred of them.
pub(super) fn half_a_cent() -> Decimal {
    Decimal::new(5, 3)
}

pub(super) fn a_cent() -> Decimal {
    Decimal::new(1, 2)
}

impl Equation {
    pub(super) fn sum(
        check: &'static str,
        added: Vec<Operand>,
        subtracted: Vec<Operand>,
        result: Operand,
        told: impl Into<String>,
    ) -> Self {
        let form = Form::Sum { added: added.len() };
        let inputs = added.into_iter().chain(subtracted).collect();
        Self { check, inputs, form, result, tolerance: a_cent(), told: told.into() }
    }

    pub(super) fn formula(
        check: &'static str,
        inputs: Vec<Operand>,
        formula: Formula,
        result: Operand,
        told: impl Into<String>,
    ) -> Self {
        Self { check, inputs, form: Form::Other(formula), result, tolerance: half_a_cent(), told: told.into() }
    }

    pub(super) fn within(self, tolerance: Decimal) -> Self {
        Self { tolerance, ..self }
    }

    pub(super) fn operands(&self) -> impl Iterator<Item = &Operand> {
        self.inputs.iter().chain([&self.result])
    }

    pub(super) fn computed(&self) -> Option<Decimal> {
        let values: Vec<Decimal> = self.inputs.iter().map(|operand| operand.value).collect();
        self.compute(&values)
    }

    pub(super) fn compute(&self, values: &[Decimal]) -> Option<Decimal> {
        match self.form {
            Form::Other(formula) => formula(values),
            Form::Sum { added } => values.iter().enumerate().try_fold(Decimal::ZERO, |sum, (index, value)| {
                if index < added { sum.checked_add(*value) } else { sum.checked_sub(*value) }
            }),
        }
    }

    pub(super) fn difference(&self) -> Option<Decimal> {
        apart(self.computed()?, self.result.value)
    }

    pub(super) fn meets(&self) -> bool {
        self.difference().is_some_and(|difference| difference <= self.tolerance)
    }

    /// Whether it meets so well that it vouches for its values. What is all zero vouches for nothing.
    pub(super) fn is_exact(&self) -> bool {
        !self.result.value.is_zero() && self.difference().is_some_and(|difference| difference <= a_cent())
    }

    pub(super) fn message(&self) -> String {
        let computed = self.computed().map(|value| decimal::show(value.round_dp(4))).unwrap_or_default();
        self.told.replace("{computed}", &computed).replace("{result}", &decimal::show(self.result.value))
    }
}

/// How far apart two amounts are, whatever their signs.
pub(super) fn apart(left: Decimal, right: Decimal) -> Option<Decimal> {
    left.abs().checked_sub(right.abs()).map(|difference| difference.abs())
}

impl Notes<'_> {
    /// An amount that a document has once.
    pub(super) fn amount(&self, concept: Concept) -> Option<Operand> {
        let value = decimal::read(self.concepts.value(self.data, concept)?)?;
        Some(Operand { path: self.concepts.path(concept)?.to_owned(), value })
    }

    /// An amount that is there and not zero.
    pub(super) fn nonzero(&self, concept: Concept) -> Option<Operand> {
        self.amount(concept).filter(|operand| !operand.value.is_zero())
    }

    /// An amount of a row.
    pub(super) fn in_row(&self, (index, row): (usize, &Value), concept: Concept) -> Option<Operand> {
        let value = decimal::read(self.concepts.row_value(row, concept)?)?;
        let array = self.concepts.path(concept.array()?)?.trim_end_matches("[]");
        let path = join(&join(array, &index.to_string()), self.concepts.in_row(concept)?);
        Some(Operand { path, value })
    }

    /// An amount of every row; `None` when a row is without, or there are no rows.
    pub(super) fn column(&self, concept: Concept) -> Option<Vec<Operand>> {
        let rows = self.concepts.rows(self.data, concept.array()?)?;
        let column: Option<Vec<Operand>> = rows.iter().enumerate().map(|row| self.in_row(row, concept)).collect();
        column.filter(|column| !column.is_empty())
    }
}
