//! Sums of costs.

use std::collections::BTreeMap;

use sluice_core::NanoAmount;
use sluice_db::models::reports::job_costs::JobCostCell;
use sluice_db::models::reports::manifest_costs::ManifestCostCell;

/// The currency of what names none.
pub(crate) const UNKNOWN_CURRENCY: &str = "unknown";

/// What jobs of one currency came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) count: i64,
    pub(crate) total: NanoAmount,
    pub(crate) text: NanoAmount,
    pub(crate) llm: NanoAmount,
    pub(crate) pages: i64,
    pub(crate) input_tokens: i64,
    pub(crate) output_tokens: i64,
}

impl Sums {
    /// Tokens of both kinds.
    pub(crate) const fn tokens(&self) -> i64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    fn add(&mut self, cell: &JobCostCell) {
        self.count = self.count.saturating_add(cell.count);
        self.total = self.total.plus(NanoAmount(cell.total_cost_nano));
        self.text = self.text.plus(NanoAmount(cell.text_cost_nano));
        self.llm = self.llm.plus(NanoAmount(cell.llm_cost_nano));
        self.pages = self.pages.saturating_add(cell.pages);
        self.input_tokens = self.input_tokens.saturating_add(cell.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(cell.output_tokens);
    }
}

/// How many manifests, and what they cost in one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ManifestSums {
    pub(crate) count: i64,
    pub(crate) cost: NanoAmount,
}

impl ManifestSums {
    pub(crate) fn add(&mut self, cell: &ManifestCostCell) {
        self.count = self.count.saturating_add(cell.count);
        self.cost = self.cost.plus(NanoAmount(cell.cost_nano));
    }

    /// The cost of one.
    pub(crate) fn average(self) -> f64 {
        ratio(self.cost.to_f64(), self.count)
    }
}

/// Adds up cells that have the same key, which must tell currencies apart.
pub(crate) fn add_up<'a, K: Ord>(
    cells: impl IntoIterator<Item = &'a JobCostCell>,
    key: impl Fn(&'a JobCostCell) -> K,
) -> BTreeMap<K, Sums> {
    let mut sums: BTreeMap<K, Sums> = BTreeMap::new();
    for cell in cells {
        sums.entry(key(cell)).or_default().add(cell);
    }
    sums
}

/// In which currencies was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Paid<T> {
    /// There is nothing that could have cost something.
    Nothing,
    /// In one, or all of it was free; this much.
    Once(String, T),
    /// In several; sums by currency.
    Variously(Vec<(String, T)>),
}

impl<T> Paid<T> {
    /// Sorts sums by currency. What was free names no currency; it is no currency of its own beside others.
    pub(crate) fn new(sums: impl IntoIterator<Item = (String, T)>, cost: impl Fn(&T) -> NanoAmount) -> Self {
        let is_free = |(currency, sum): &(String, T)| currency == UNKNOWN_CURRENCY && cost(sum) == NanoAmount::ZERO;
        let (free, mut paid): (Vec<_>, Vec<_>) = sums.into_iter().partition(is_free);
        if paid.len() > 1 {
            return Self::Variously(paid);
        }
        match paid.pop().or_else(|| free.into_iter().next()) {
            Some((currency, sum)) => Self::Once(currency, sum),
            None => Self::Nothing,
        }
    }
}

/// How much of one comes on one of another; 0 when there is no other.
pub(crate) fn ratio(amount: f64, count: i64) -> f64 {
    if count == 0 { 0.0 } else { amount / to_f64(count) }
}

/// The count as a float; beyond 2^53 the nearest.
pub(crate) fn to_f64(count: i64) -> f64 {
    count.to_string().parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(sums: &[(&str, i64)]) -> Paid<NanoAmount> {
        Paid::new(sums.iter().map(|(currency, sum)| ((*currency).to_owned(), NanoAmount(*sum))), |sum| *sum)
    }

    #[test]
    fn what_was_free_is_no_currency_beside_others() {
        assert_eq!(paid(&[]), Paid::Nothing);
        assert_eq!(paid(&[("USD", 2)]), Paid::Once("USD".to_owned(), NanoAmount(2)));
        assert_eq!(paid(&[("USD", 2), ("unknown", 0)]), Paid::Once("USD".to_owned(), NanoAmount(2)));
        assert_eq!(paid(&[("unknown", 0)]), Paid::Once("unknown".to_owned(), NanoAmount(0)));
        let two = [("EUR".to_owned(), NanoAmount(1)), ("USD".to_owned(), NanoAmount(0))];
        assert_eq!(paid(&[("EUR", 1), ("USD", 0)]), Paid::Variously(two.to_vec()));
        assert!(matches!(paid(&[("USD", 2), ("unknown", 3)]), Paid::Variously(both) if both.len() == 2));
    }

    #[test]
    fn nothing_comes_on_none() {
        assert_eq!(ratio(1.0, 0), 0.0);
        assert_eq!(ratio(0.01751, 3602) * 1000.0, 0.004861188228761799);
    }
}
