//! Tables: rows are matched one to one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::compare::Manner;
use super::leaves::{Leaf, leaves};

/// Rows further apart than so many pairs allow are not compared: an absurdly long answer stays cheap.
const MAX_PAIRS: usize = 100_000;

/// What became of the rows of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Matched {
    /// Rows of the truth.
    pub(super) wanted: usize,
    /// Rows of the prediction that say anything.
    pub(super) found: usize,
    /// Rows of the truth whose every cell is right.
    pub(super) right: usize,
    /// By column: cells that are right, and all.
    pub(super) columns: BTreeMap<String, (usize, usize)>,
    /// Cells of the prediction that were judged, by row, column and whether right. A row without a partner has one entry without a
    /// column, and is wrong.
    pub(super) judged: Vec<(usize, Option<String>, bool)>,
}

/// A row of the truth with its cells, the cheap ones first.
struct Row<'a>(Vec<Leaf<'a>>);

impl<'a> Row<'a> {
    fn of(root: &'a Value, schemas: &[&'a Value], row: &'a Value) -> Self {
        let mut cells = leaves(root, schemas, row);
        cells.sort_by_key(Leaf::price);
        Self(cells)
    }

    fn is_met(&self, row: &Value, manner: Manner) -> bool {
        self.0.iter().all(|cell| cell.is_met_in(row, manner))
    }

    fn right_cells(&self, row: &Value, manner: Manner) -> usize {
        self.0.iter().filter(|cell| cell.is_met_in(row, manner)).count()
    }
}

/// Matches rows of a prediction to those of a truth, the best pairs first, so that each has one partner at most.
pub(super) fn match_rows(
    (root, schemas): (&Value, &[&Value]),
    truth: &[Value],
    prediction: Option<&Value>,
    manner: Manner,
) -> Matched {
    let wanted: Vec<Row<'_>> = truth.iter().map(|row| Row::of(root, schemas, row)).collect();
    let given = prediction.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let found: Vec<(usize, &Value)> =
        given.iter().enumerate().filter(|(_, row)| row.is_object() && !super::compare::is_empty(row)).collect();
    let partners = pair(&wanted, &found, manner);

    let mut matched = Matched { wanted: wanted.len(), found: found.len(), ..Matched::default() };
    let nothing = Value::Null;
    for (row, partner) in wanted.iter().zip(&partners) {
        let other = partner.and_then(|index| found.get(index));
        let mut is_right = other.is_some();
        for cell in &row.0 {
            let is_met = cell.is_met_in(other.map_or(&nothing, |(_, row)| row), manner);
            is_right &= is_met;
            let count = matched.columns.entry(cell.path.clone()).or_default();
            count.0 += usize::from(is_met);
            count.1 += 1;
            if let Some((index, _)) = other {
                matched.judged.push((*index, Some(cell.path.clone()), is_met));
            }
        }
        matched.right += usize::from(is_right);
    }
    for (number, (index, _)) in found.iter().enumerate() {
        if !partners.contains(&Some(number)) {
            matched.judged.push((*index, None, false));
        }
    }
    matched
}

/// For each wanted row the position of its partner among those found.
fn pair(wanted: &[Row<'_>], found: &[(usize, &Value)], manner: Manner) -> Vec<Option<usize>> {
    let mut partners: Vec<Option<usize>> = vec![None; wanted.len()];
    let mut is_taken = vec![false; found.len()];
    // Most tables come in their order; whatever is wholly right there needs no search.
    for (number, ((row, partner), (other, taken))) in
        wanted.iter().zip(&mut partners).zip(found.iter().zip(&mut is_taken)).enumerate()
    {
        if row.is_met(other.1, manner) {
            *partner = Some(number);
            *taken = true;
        }
    }
    // Then whole rows anywhere: they differ in a number soon, so looking is cheap.
    each_open_pair(wanted.len(), found.len(), (&mut partners, &mut is_taken), |number, position| {
        let (row, other) = (wanted.get(number)?, found.get(position)?);
        row.is_met(other.1, manner).then_some(())
    });
    // The rest by what they have in common.
    let mut pairs = Vec::new();
    each_open_pair(wanted.len(), found.len(), (&mut partners, &mut is_taken), |number, position| {
        let (row, other) = (wanted.get(number)?, found.get(position)?);
        let right = row.right_cells(other.1, manner);
        if right > 0 {
            pairs.push((row.0.len() - right, number.abs_diff(position), number, position));
        }
        None
    });
    pairs.sort_unstable();
    for (_, _, number, position) in pairs {
        if let (Some(partner @ None), Some(taken @ false)) = (partners.get_mut(number), is_taken.get_mut(position)) {
            *partner = Some(position);
            *taken = true;
        }
    }
    partners
}

/// Shows pairs of rows without partners, those near each other when there are very many; a pair that is accepted is joined.
fn each_open_pair(
    wanted: usize,
    found: usize,
    (partners, is_taken): (&mut [Option<usize>], &mut [bool]),
    mut accept: impl FnMut(usize, usize) -> Option<()>,
) {
    let open_rows: Vec<usize> = (0..wanted).filter(|row| partners.get(*row) == Some(&None)).collect();
    let open_others: Vec<usize> = (0..found).filter(|other| is_taken.get(*other) == Some(&false)).collect();
    let reach = MAX_PAIRS.checked_div(open_rows.len()).unwrap_or(MAX_PAIRS).max(1);
    for (rank, number) in open_rows.into_iter().enumerate() {
        for position in open_others.iter().copied().skip(rank.saturating_sub(reach / 2)).take(reach) {
            let Some(taken @ false) = is_taken.get_mut(position) else { continue };
            if accept(number, position).is_some() {
                *taken = true;
                if let Some(partner) = partners.get_mut(number) {
                    *partner = Some(position);
                }
                break;
            }
        }
    }
}

/// Whether a small table beside the line items is right as a whole.
pub(super) fn is_table_met(leaf: &Leaf<'_>, truth: &[Value], prediction: &Value, manner: Manner) -> bool {
    let matched = match_rows((leaf.root, &leaf.row_schemas()), truth, Some(prediction), manner);
    matched.right == matched.wanted && matched.found == matched.wanted
}

/// Whether two lists of single values hold the same, in any order.
pub(super) fn is_list_met(leaf: &Leaf<'_>, truth: &[Value], prediction: &Value, manner: Manner) -> bool {
    let wanted: Vec<&Value> = truth.iter().filter(|value| !super::compare::is_empty(value)).collect();
    let given = prediction.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut left: Vec<&Value> = given.iter().filter(|value| !super::compare::is_empty(value)).collect();
    if wanted.len() != left.len() {
        return false;
    }
    let schemas = leaf.row_schemas();
    wanted.iter().all(|value| {
        let kind = super::compare::Kind::of(&schemas, leaf.name(), value);
        let place = left.iter().position(|other| kind.is_met(value, other, manner));
        place.map(|place| left.swap_remove(place)).is_some()
    })
}
