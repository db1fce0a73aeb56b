//! Which manifests are exported, and how that is told.

use serde_json::{Map, Value};
use sluice_db::models::manifests::export::{Matching, Selection};

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// As the database is asked.
    pub(crate) selection: Selection,
    /// As the caller put it, for the workbook's sheet about itself.
    pub(crate) filters: Map<String, Value>,
}

impl Scope {
    /// The filters, if it is by filters.
    pub(crate) fn matching(&self) -> Option<&Matching> {
        match &self.selection {
            Selection::Matching(matching) => Some(matching),
            Selection::Listed(_) => None,
        }
    }

    /// The word for the kind.
    pub(crate) const fn word(&self) -> &'static str {
        match self.selection {
            Selection::Matching(_) => "filtered",
            Selection::Listed(_) => "selected",
        }
    }
}
