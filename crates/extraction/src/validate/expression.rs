//! The language of cross-field rules.
//!
//! ```text
//! total == sum(items[].amount)                                  a list is added up
//! abs(totals.net + totals.tax - totals.gross) <= 0.02           arithmetic with precedence and parentheses
//! items[].quantity * items[].unit_price == items[].amount       for each row
//! due_date == null or due_date >= issue_date                    dates are compared as dates
//! not (currency == "EUR" and seller.country == "US")
//! ```
//!
//! A value that the data does not have makes a comparison unknown, and a rule that is unknown passes; so does one that divides by
//! zero. Only a comparison with `null` asks whether a value is there. Amounts are exact decimals; where one side was multiplied or
//! divided, half a unit of the last place that is printed (at least of cents) is let pass.

mod lexer;
mod outcome;
mod parser;
mod run;

use std::fmt;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::validate::paths::{Path, Step};

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {message}")]
pub(super) struct ParseError {
    /// Which character, counted from one.
    pub(super) position: usize,
    /// What is wrong there.
    pub(super) message: String,
}

/// A rule that can be asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    root: Node,
    /// The list that the rule is asked for each row of.
    rows: Option<Vec<Step>>,
}

/// Where and how a rule does not hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Violation {
    /// Dot path of the value that the rule is about; empty when there is none.
    pub(super) field: String,
    /// What stands on the left of the comparison, if the rule is one.
    pub(super) actual: Option<Value>,
    /// What stands on its right.
    pub(super) expected: Option<Value>,
}

/// What asking a rule of some data came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Verdict {
    /// Where it does not hold.
    pub(super) violations: Vec<Violation>,
    /// Dot paths of the values that take part in an equation that holds.
    pub(super) corroborated: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Null,
    Truth(bool),
    Number(Decimal),
    Text(String),
    Path(Path),
    Negative(Box<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Sum,
    Count,
    Least,
    Most,
    Absolute,
    Round,
}

impl Function {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "sum" => Self::Sum,
            "count" => Self::Count,
            "min" => Self::Least,
            "max" => Self::Most,
            "abs" => Self::Absolute,
            "round" => Self::Round,
            _ => return None,
        })
    }

    /// Whether its arguments are taken from all rows of a list.
    const fn gathers(self, arguments: usize) -> bool {
        match self {
            Self::Sum | Self::Count => true,
            Self::Least | Self::Most => arguments == 1,
            Self::Absolute | Self::Round => false,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        })
    }
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn parse(text: &str) -> Result<Self, ParseError> {
        parser::parse(text)
    }

    /// The paths that it names, as schemas write them: `items[].amount`.
    #[must_use]
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.root.visit(false, &mut |path, _is_gathered| paths.push(path.to_string()));
        paths
    }

    /// Asks the rule of data.
    #[must_use]
    pub(super) fn ask(&self, data: &Value) -> Verdict {
        run::ask(self, data)
    }
}

impl Node {
    /// Shows each path, and whether a function takes it from all rows of its list.
    fn visit<'a>(&'a self, is_gathered: bool, see: &mut dyn FnMut(&'a Path, bool)) {
        match self {
            Self::Null | Self::Truth(_) | Self::Number(_) | Self::Text(_) => {}
            Self::Path(path) => see(path, is_gathered),
            Self::Negative(inner) | Self::Not(inner) => inner.visit(is_gathered, see),
            Self::Arithmetic(_, left, right)
            | Self::Compare(_, left, right)
            | Self::And(left, right)
            | Self::Or(left, right) => {
                left.visit(is_gathered, see);
                right.visit(is_gathered, see);
            }
            Self::Call(function, arguments) => {
                let is_gathered = is_gathered || function.gathers(arguments.len());
                arguments.iter().for_each(|argument| argument.visit(is_gathered, see));
            }
        }
    }
}

#[cfg(test)]
mod tests;
