//! Totals: taxes by rate, their sum, the gross amount, the amount due.

use rust_decimal::Decimal;
use serde_json::Value;

use super::Notes;
use super::equation::{Equation, Operand, a_cent};
use crate::concepts::Concept;
use crate::decimal::show;

/// A rate of a basis is the tax.
const TAX_OF_RATE: &str = "tax_of_rate";

/// The taxes come to the tax amount.
const SUM_OF_TAXES: &str = "sum_of_taxes";

/// Net and tax come to the total.
pub const GROSS_AMOUNT: &str = "gross_amount";

/// The total less what is paid is due.
const AMOUNT_DUE: &str = "amount_due";

/// A tax that is counted line by line is rounded as often.
fn tax_tolerance() -> Decimal {
    Decimal::new(2, 2)
}

pub(super) fn check(notes: &mut Notes<'_>) {
    taxes_of_rates(notes);
    sum_of_taxes(notes);
    gross_amount(notes);
    amount_due(notes);
}

fn taxes_of_rates(notes: &mut Notes<'_>) {
    let rows: &[Value] = notes.concepts.rows(notes.data, Concept::Taxes).map_or(&[], Vec::as_slice);
    let mut asked = Vec::new();
    for row in rows.iter().enumerate() {
        let operand = |concept| notes.in_row(row, concept);
        if let (Some(rate), Some(basis), Some(tax)) =
            (operand(Concept::TaxRate), operand(Concept::TaxBasis), operand(Concept::TaxAmount))
        {
            asked.push(of_rate(&rate, &basis, &tax));
        }
    }
    if let (Some(rate), Some(net), Some(tax)) =
        (notes.amount(Concept::DocumentTaxRate), notes.amount(Concept::Net), notes.amount(Concept::Tax))
    {
        asked.push(of_rate(&rate, &net, &tax));
    }
    asked.into_iter().for_each(|equations| notes.ask(equations, 1));
}

fn of_rate(rate: &Operand, basis: &Operand, tax: &Operand) -> Vec<Equation> {
    let told =
        format!("{} % of {} is {{computed}}, the tax says {{result}}", rate.value.normalize(), show(basis.value));
    let add = |formula| {
        let equation =
            Equation::formula(TAX_OF_RATE, vec![basis.clone(), rate.clone()], formula, tax.clone(), told.clone());
        equation.within(tax_tolerance())
    };
    vec![
        add(|values| values.first()?.checked_mul(*values.get(1)?)?.checked_div(Decimal::ONE_HUNDRED)),
        // A rate that is written 0.19.
        add(|values| values.first()?.checked_mul(*values.get(1)?)),
        // A basis that has the tax in it.
        add(|values| {
            let rate = *values.get(1)?;
            values.first()?.checked_mul(rate)?.checked_div(Decimal::ONE_HUNDRED.checked_add(rate)?)
        }),
    ]
}

fn sum_of_taxes(notes: &mut Notes<'_>) {
    let (Some(column), Some(tax)) = (notes.column(Concept::TaxAmount), notes.amount(Concept::Tax)) else { return };
    let told = "taxes sum to {computed}, the tax amount says {result}";
    notes.ask(vec![Equation::sum(SUM_OF_TAXES, column, Vec::new(), tax, told).within(tax_tolerance())], 1);
}

fn gross_amount(notes: &mut Notes<'_>) {
    let (Some(net), Some(gross)) = (notes.amount(Concept::Net), notes.amount(Concept::Gross)) else { return };
    let taxes = notes.amount(Concept::Tax).map(|tax| vec![tax]).or_else(|| notes.column(Concept::TaxAmount));
    let Some(taxes) = taxes else { return };
    let tax: Option<Decimal> = taxes.iter().try_fold(Decimal::ZERO, |sum, tax| sum.checked_add(tax.value));
    let told = format!(
        "net {} and tax {} make {{computed}}, the total says {{result}}",
        show(net.value),
        tax.map(show).unwrap_or_default()
    );
    let more = |concepts: &[Concept]| -> Vec<Operand> {
        concepts.iter().filter_map(|concept| notes.nonzero(*concept)).collect()
    };
    let equations = [
        (more(&[]), more(&[])),
        (more(&[Concept::Rounding]), more(&[])),
        (more(&[Concept::Tip]), more(&[])),
        (more(&[Concept::Charges]), more(&[Concept::Allowances])),
        (more(&[Concept::Charges, Concept::Tip, Concept::Rounding]), more(&[Concept::Allowances])),
    ]
    .into_iter()
    .map(|(added, subtracted)| {
        let added = [net.clone()].into_iter().chain(taxes.iter().cloned()).chain(added).collect();
        let subtracted =
            subtracted.into_iter().map(|operand| Operand { value: operand.value.abs(), ..operand }).collect();
        Equation::sum(GROSS_AMOUNT, added, subtracted, gross.clone(), told.clone())
    });
    let mut equations: Vec<Equation> = equations.collect();
    // Receipts print a subtotal that has the tax in it. That two values are the same vouches for neither.
    let is_inclusive = super::equation::apart(net.value, gross.value).is_some_and(|difference| difference <= a_cent());
    if is_inclusive && !equations.iter().any(Equation::meets) {
        equations.clear();
    }
    notes.ask(equations, 1);
}

fn amount_due(notes: &mut Notes<'_>) {
    let (Some(gross), Some(prepaid), Some(due)) =
        (notes.amount(Concept::Gross), notes.amount(Concept::Prepaid), notes.amount(Concept::Due))
    else {
        return;
    };
    let told = format!(
        "the total {} less {} paid is {{computed}}, the amount due says {{result}}",
        show(gross.value),
        show(prepaid.value)
    );
    let less = |added: Option<Operand>| {
        let added = [Some(gross.clone()), added].into_iter().flatten().collect();
        let prepaid = Operand { value: prepaid.value.abs(), ..prepaid.clone() };
        Equation::sum(AMOUNT_DUE, added, vec![prepaid], due.clone(), told.clone())
    };
    notes.ask(vec![less(None), less(notes.nonzero(Concept::Rounding))], 1);
}
