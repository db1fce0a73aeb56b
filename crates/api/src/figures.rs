//! What reports share: spans of time, sums that never cross currencies, ratios.

use sluice_access::Identity;
use sluice_db::models::reports::Scope;

mod range;
mod sums;

pub(crate) use range::{DateRange, Span, parse_moment};
pub(crate) use sums::{ManifestSums, Paid, Sums, UNKNOWN_CURRENCY, add_up, ratio, to_f64};

/// Whose figures somebody sees: those of their own projects, with an API key of its one project.
pub(crate) fn scope_of(identity: &Identity) -> Scope {
    Scope { user_id: identity.user_id.0, project_id: identity.only_project() }
}
