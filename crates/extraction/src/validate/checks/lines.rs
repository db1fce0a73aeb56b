//! Lines: quantity times price is the amount, and the amounts come to what the document says.

use rust_decimal::Decimal;
use serde_json::Value;

use super::Notes;
use super::equation::{Equation, Operand, a_cent, half_a_cent};
use crate::concepts::Concept;
use crate::decimal::show;

/// Quantity times unit price is the amount of the line.
const LINE_AMOUNT: &str = "line_amount";

/// The amounts of the lines come to a total.
const SUM_OF_LINES: &str = "sum_of_lines";

pub(super) fn check(notes: &mut Notes<'_>) {
    line_amounts(notes);
    sum_of_lines(notes);
}

fn line_amounts(notes: &mut Notes<'_>) {
    let Some(rows) = notes.concepts.rows(notes.data, Concept::Lines) else { return };
    let asked: Vec<Vec<Equation>> =
        rows.iter().enumerate().map(|row| equations_of(notes, row)).filter(|equations| !equations.is_empty()).collect();
    let failing = asked.iter().filter(|equations| !equations.iter().any(Equation::meets)).count();
    // Where most lines do not meet, price or amount mean something else in this document.
    let is_telling = asked.len() == 1 || failing * 2 <= asked.len();
    for equations in asked {
        if is_telling || equations.iter().any(Equation::meets) {
            notes.ask(equations, 1);
        }
    }
}

fn equations_of(notes: &Notes<'_>, row: (usize, &Value)) -> Vec<Equation> {
    let operand = |concept| notes.in_row(row, concept);
    let (Some(quantity), Some(price)) = (operand(Concept::LineQuantity), operand(Concept::LineUnitPrice)) else {
        return Vec::new();
    };
    let discount = operand(Concept::LineDiscount).filter(|discount| !discount.value.is_zero());
    let rate = operand(Concept::LineTaxRate).filter(|rate| !rate.value.is_zero());
    let mut equations = Vec::new();
    for amount in [Concept::LineAmount, Concept::LineGross].into_iter().filter_map(operand) {
        let tolerance = tolerance_of(&quantity, &price, &amount);
        let told = format!(
            "line {}: {} × {} is {{computed}}, its amount says {{result}}",
            row.0 + 1,
            quantity.value.normalize(),
            show(price.value)
        );
        let mut add = |more: Option<&Operand>, formula| {
            let inputs = [Some(&quantity), Some(&price), more].into_iter().flatten().cloned().collect();
            let equation = Equation::formula(LINE_AMOUNT, inputs, formula, amount.clone(), told.clone());
            equations.push(equation.within(tolerance));
        };
        add(None, product);
        if let Some(discount) = &discount {
            add(Some(discount), |values| product(values)?.checked_sub(values.get(2)?.abs()));
            add(Some(discount), |values| less_percent(product(values)?, values.get(2)?.abs()));
        }
        if let Some(rate) = &rate {
            add(Some(rate), |values| less_percent(product(values)?, -*values.get(2)?));
        }
    }
    // A discount may be printed in ways that are not known here.
    if discount.is_some() && !equations.iter().any(Equation::meets) { Vec::new() } else { equations }
}

fn product(values: &[Decimal]) -> Option<Decimal> {
    values.first()?.checked_mul(*values.get(1)?)
}

fn less_percent(amount: Decimal, percent: Decimal) -> Option<Decimal> {
    amount.checked_mul(Decimal::ONE_HUNDRED.checked_sub(percent)?)?.checked_div(Decimal::ONE_HUNDRED)
}

/// The amount is rounded, and the price may be: by half of its last place, for each piece, though no more than a hundredth of the
/// amount.
fn tolerance_of(quantity: &Operand, price: &Operand, amount: &Operand) -> Decimal {
    let last_place = Decimal::new(5, price.value.normalize().scale().clamp(2, 12) + 1);
    let of_price = quantity.value.abs().checked_mul(last_place).unwrap_or_default();
    let hundredth = amount.value.abs().checked_div(Decimal::ONE_HUNDRED).unwrap_or_default();
    half_a_cent().checked_add(of_price.min(hundredth)).unwrap_or_default()
}

fn sum_of_lines(notes: &mut Notes<'_>) {
    let column = notes.column(Concept::LineAmount).or_else(|| notes.column(Concept::LineGross));
    let Some(column) = column else { return };
    let targets: Vec<(Operand, &str)> = [
        (Concept::LinesNet, "the sum of lines"),
        (Concept::Net, "the net amount"),
        (Concept::Gross, "the total"),
        (Concept::Due, "the amount due"),
    ]
    .into_iter()
    .filter_map(|(concept, name)| Some((notes.amount(concept)?, name)))
    .collect();
    // Each line may have been rounded by itself.
    let count = i64::try_from(column.len()).unwrap_or(i64::MAX);
    let tolerance = Decimal::new(count.saturating_mul(5).min(50), 3).max(a_cent());
    let more = |concepts: &[Concept]| -> Vec<Operand> {
        concepts.iter().filter_map(|concept| notes.nonzero(*concept)).collect()
    };
    let mut equations = Vec::new();
    for (target, name) in &targets {
        for (index, (added, subtracted)) in [
            (more(&[]), more(&[])),
            (more(&[Concept::Charges]), more(&[Concept::Allowances])),
            (more(&[]), more(&[Concept::Allowances])),
            (more(&[Concept::Charges]), more(&[])),
            (more(&[Concept::Tax]), more(&[])),
            (more(&[Concept::Tax, Concept::Charges]), more(&[Concept::Allowances])),
            (more(&[Concept::Tax, Concept::Tip]), more(&[])),
            (more(&[Concept::Rounding]), more(&[])),
        ]
        .into_iter()
        .enumerate()
        {
            if index > 0 && added.is_empty() && subtracted.is_empty() {
                continue;
            }
            let added = column.iter().cloned().chain(added).filter(|operand| operand.path != target.path).collect();
            let subtracted = subtracted.into_iter().map(|operand| Operand { value: operand.value.abs(), ..operand });
            let told = format!("lines sum to {{computed}}, {name} says {{result}}");
            let equation = Equation::sum(SUM_OF_LINES, added, subtracted.collect(), target.clone(), told);
            equations.push(equation.within(tolerance));
        }
    }
    // A sum of lines that the document prints is what lines must come to; else what is told is the nearest of the plain sums.
    let is_lines_net =
        |equation: &Equation| Some(equation.result.path.as_str()) == notes.concepts.path(Concept::LinesNet);
    let is_plain = |equation: &Equation| equation.inputs.len() == column.len();
    equations.sort_by_key(|equation| {
        (!is_plain(equation), !is_lines_net(equation), equation.difference().unwrap_or(Decimal::MAX))
    });
    let plain = equations.iter().filter(|equation| is_plain(equation)).count();
    notes.ask(equations, plain);
}
