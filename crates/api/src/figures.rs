//! What reports share: spans of time, sums that never cross currencies, ratios.

mod range;
mod sums;

pub(crate) use range::{DateRange, Span, parse_moment};
pub(crate) use sums::{ManifestSums, Paid, Sums, UNKNOWN_CURRENCY, add_up, ratio, to_f64};
