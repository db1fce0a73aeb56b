//! Figures that are added up over many rows, of one project or of all projects of one user; nobody else's rows are read.
//!
//! Costs come as cells: sums by day, currency and origin, which the caller adds up further as long as their currencies are
//! the same. Days are those of UTC.

use chrono::{DateTime, Utc};

pub mod analytics;
pub mod corrections;
pub mod job_costs;
pub mod job_list;
pub mod manifest_costs;

/// Whose rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The owner of the projects.
    pub user_id: i32,
    /// One project of this owner; all of them for `None`.
    pub project_id: Option<i32>,
}

/// A span of time; what is `None` does not limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// Its first moment.
    pub from: Option<DateTime<Utc>>,
    /// The first moment behind it.
    pub until: Option<DateTime<Utc>>,
}

impl Scope {
    /// All projects of a user.
    #[must_use]
    pub const fn user(user_id: i32) -> Self {
        Self { user_id, project_id: None }
    }
}

impl TimeRange {
    /// All from a moment on.
    #[must_use]
    pub const fn since(from: DateTime<Utc>) -> Self {
        Self { from: Some(from), until: None }
    }
}
