//! What a caller asks an export for: filters in the query, or ids in the body.

use sluice_db::models::manifests::export::{Matching, Selection};

use super::MAX_MANIFESTS;
use crate::extract::{Fields, Input};
use crate::routes::manifests::read_text_filter;

/// The filters of an export: those of the list of manifests, project and group.
#[derive(Debug)]
pub(crate) struct ExportFilters(pub(crate) Selection);

/// The manifests that are to be exported.
#[derive(Debug)]
pub(crate) struct ExportSelected(pub(crate) Selection);

impl Input for ExportFilters {
    fn read(fields: &mut Fields) -> Self {
        let project_id = fields.integer("projectId").optional();
        let group_id = fields.integer("groupId").optional();
        // Rows come newest first, whatever is asked for.
        fields.string("sortBy").optional();
        fields.string("order").optional();
        let filter = read_text_filter(fields);
        Self(Selection::Matching(Box::new(Matching { project_id, group_id, filter })))
    }
}

impl Input for ExportSelected {
    /// Ids may be texts.
    fn read(fields: &mut Fields) -> Self {
        Self(Selection::Listed(fields.integers("manifestIds").count_up_to(MAX_MANIFESTS).required()))
    }
}
