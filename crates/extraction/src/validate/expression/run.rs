//! A tree is asked of data.

use std::cmp::Ordering;

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::outcome::{MAX_PLACES, Outcome, Quantity, calculate, order};
use super::{Comparison, Expression, Function, Node, Verdict, Violation};
use crate::validate::paths::{Found, Path, Step};

/// Where the rule is asked: of all data, or of one row of a list.
#[derive(Clone, Copy)]
struct Scope<'a> {
    data: &'a Value,
    row: Option<(usize, usize)>,
}

pub(super) fn ask(expression: &Expression, data: &Value) -> Verdict {
    let mut verdict = Verdict::default();
    match &expression.rows {
        None => ask_once(&expression.root, Scope { data, row: None }, &mut verdict),
        Some(list) => {
            for index in 0..rows_in(data, list) {
                ask_once(&expression.root, Scope { data, row: Some((list.len(), index)) }, &mut verdict);
            }
        }
    }
    verdict
}

fn rows_in(data: &Value, list: &[Step]) -> usize {
    let found = Path(list.to_vec()).find_all(data);
    found.first().and_then(|(_, value)| value.as_array()).map_or(0, Vec::len)
}

fn ask_once(root: &Node, scope: Scope<'_>, verdict: &mut Verdict) {
    match scope.truth(root) {
        None => {}
        Some(true) => {
            if let Node::Compare(Comparison::Equal, ..) = root {
                verdict.corroborated.extend(scope.equated(root));
            }
        }
        Some(false) => {
            let (actual, expected) = match root {
                Node::Compare(_, left, right) => (scope.outcome(left).to_value(), scope.outcome(right).to_value()),
                _ => (None, None),
            };
            verdict.violations.push(Violation { field: scope.subject(root), actual, expected });
        }
    }
}

impl Scope<'_> {
    fn place(self, path: &Path) -> Path {
        let Some((length, index)) = self.row else { return path.clone() };
        let mut steps = path.0.clone();
        if let Some(step @ Step::Rows) = steps.get_mut(length) {
            *step = Step::Index(index);
        }
        Path(steps)
    }

    /// All rows, which functions gather wherever they are called.
    fn of_all(self, is_gathered: bool) -> Self {
        if is_gathered { Scope { row: None, ..self } } else { self }
    }

    fn find_all(&self, path: &Path) -> Vec<Found<'_>> {
        self.place(path).find_all(self.data)
    }

    /// The place that a broken rule is told at: the first that it names by itself, else the first list.
    fn subject(self, root: &Node) -> String {
        let (mut single, mut gathered) = (None, None);
        root.visit(false, &mut |path, is_gathered| {
            let slot = if is_gathered { &mut gathered } else { &mut single };
            slot.get_or_insert_with(|| self.of_all(is_gathered).place(path));
        });
        let of_list = |path: Path| Path(path.0.into_iter().take_while(|step| *step != Step::Rows).collect());
        single.or(gathered).map(|path| of_list(path).to_string()).unwrap_or_default()
    }

    /// The values of an equation, if it says something about them: one that is compared with a constant it does not.
    fn equated(self, root: &Node) -> Vec<String> {
        let mut places = Vec::new();
        root.visit(false, &mut |path, is_gathered| {
            let scope = self.of_all(is_gathered);
            let found = scope.find_all(path).into_iter();
            let single = found.filter(|(_, value)| !value.is_null() && !value.is_array() && !value.is_object());
            places.extend(single.map(|(place, _)| place));
        });
        if places.len() < 2 { Vec::new() } else { places }
    }

    fn truth(self, node: &Node) -> Option<bool> {
        match node {
            Node::Truth(truth) => Some(*truth),
            Node::Not(inner) => self.truth(inner).map(|truth| !truth),
            Node::And(left, right) => match (self.truth(left), self.truth(right)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Node::Or(left, right) => match (self.truth(left), self.truth(right)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Node::Compare(comparison, left, right) => self.compare(*comparison, left, right),
            other => match self.outcome(other) {
                Outcome::Missing => None,
                Outcome::Truth(truth) => Some(truth),
                _ => Some(false),
            },
        }
    }

    fn compare(self, comparison: Comparison, left: &Node, right: &Node) -> Option<bool> {
        // Whether a value is there is all that can be asked with null.
        if *left == Node::Null || *right == Node::Null {
            let is_same = (self.outcome(left) == Outcome::Missing) == (self.outcome(right) == Outcome::Missing);
            return match comparison {
                Comparison::Equal => Some(is_same),
                Comparison::NotEqual => Some(!is_same),
                _ => None,
            };
        }
        let order = order(&self.outcome(left), &self.outcome(right))?;
        Some(match comparison {
            Comparison::Equal => order == Some(Ordering::Equal),
            Comparison::NotEqual => order != Some(Ordering::Equal),
            Comparison::Less => order == Some(Ordering::Less),
            Comparison::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Comparison::More => order == Some(Ordering::Greater),
            Comparison::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        })
    }

    fn outcome(self, node: &Node) -> Outcome {
        match node {
            Node::Null => Outcome::Missing,
            Node::Truth(truth) => Outcome::Truth(*truth),
            Node::Number(number) => Outcome::Number(Quantity::printed(*number)),
            Node::Text(text) => Outcome::Text(text.clone()),
            Node::Path(path) => self.find_all(path).first().map_or(Outcome::Missing, |(_, value)| Outcome::of(value)),
            Node::Negative(inner) => {
                self.number(inner, |quantity| Some(Quantity { value: -quantity.value, ..quantity }))
            }
            Node::Arithmetic(operator, left, right) => calculate(*operator, &self.outcome(left), &self.outcome(right)),
            Node::Call(function, arguments) => self.call(*function, arguments),
            Node::Compare(..) | Node::Not(_) | Node::And(..) | Node::Or(..) => {
                self.truth(node).map_or(Outcome::Missing, Outcome::Truth)
            }
        }
    }

    fn number(self, node: &Node, change: impl FnOnce(Quantity) -> Option<Quantity>) -> Outcome {
        match self.outcome(node).to_number() {
            Outcome::Number(quantity) => change(quantity).map_or(Outcome::Missing, Outcome::Number),
            other => other,
        }
    }

    fn call(self, function: Function, arguments: &[Node]) -> Outcome {
        let Some(first) = arguments.first() else { return Outcome::Missing };
        let all = self.of_all(function.gathers(arguments.len()));
        match function {
            // Who rounds says how exact it is; who takes the difference says what he lets pass.
            Function::Absolute => self.number(first, |quantity| {
                Some(Quantity { value: quantity.value.abs(), is_product: false, ..quantity })
            }),
            Function::Round => {
                let places = match arguments.get(1) {
                    Some(Node::Number(places)) => u32::try_from(*places).unwrap_or(0).min(MAX_PLACES),
                    _ => 0,
                };
                self.number(first, |quantity| {
                    let rounded = quantity.value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
                    Some(Quantity { places: quantity.places.min(places), is_product: false, value: rounded })
                })
            }
            Function::Count => match first {
                Node::Path(path) => Outcome::Number(Quantity::printed(Decimal::from(all.count(path)))),
                _ => Outcome::Strange,
            },
            Function::Sum => {
                let mut sum = Quantity::printed(Decimal::ZERO);
                for quantity in all.gathered(first) {
                    let Some(value) = sum.value.checked_add(quantity.value) else { return Outcome::Missing };
                    sum = sum.with(value, quantity);
                }
                Outcome::Number(sum)
            }
            Function::Least | Function::Most => {
                let all: Vec<Quantity> = if arguments.len() == 1 {
                    all.gathered(first)
                } else {
                    arguments.iter().filter_map(|argument| self.outcome(argument).to_number().quantity()).collect()
                };
                let by_value = |a: &Quantity, b: &Quantity| a.value.cmp(&b.value);
                let found = if function == Function::Least {
                    all.into_iter().min_by(by_value)
                } else {
                    all.into_iter().max_by(by_value)
                };
                found.map_or(Outcome::Missing, Outcome::Number)
            }
        }
    }

    /// How many values stand at a path; at one that leads to a list, its rows.
    fn count(self, path: &Path) -> usize {
        let found = self.find_all(path);
        match found.as_slice() {
            [(_, Value::Array(items))] => items.len(),
            _ => found.iter().filter(|(_, value)| !value.is_null()).count(),
        }
    }

    /// The numbers of all rows; what is none is passed over.
    fn gathered(self, argument: &Node) -> Vec<Quantity> {
        if let Node::Path(path) = argument {
            let found = self.find_all(path);
            let values = found.iter().flat_map(|(_, value)| match value {
                Value::Array(items) => items.iter().collect(),
                single => vec![*single],
            });
            return values.filter_map(|value| Outcome::of(value).to_number().quantity()).collect();
        }
        let mut list: Option<Vec<Step>> = None;
        argument.visit(false, &mut |path, _| {
            if let Some(length) = path.0.iter().position(|step| *step == Step::Rows) {
                list.get_or_insert_with(|| path.0.iter().take(length).cloned().collect());
            }
        });
        let Some(list) = list else { return self.outcome(argument).to_number().quantity().into_iter().collect() };
        (0..rows_in(self.data, &list))
            .filter_map(|index| {
                let row = Scope { data: self.data, row: Some((list.len(), index)) };
                row.outcome(argument).to_number().quantity()
            })
            .collect()
    }
}
