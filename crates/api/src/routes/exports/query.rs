//! What a caller asks an export for: filters in the query, or ids in the body.

use serde_json::Value;
use sluice_db::models::manifests::export::{Matching, Selection};

use super::MAX_MANIFESTS;
use crate::extract::{Fields, Input};
use crate::routes::manifests::ListManifests;

/// The filters of an export: those of the list of manifests, project and group.
#[derive(Debug)]
pub(crate) struct ExportFilters(pub(crate) Selection);

/// The manifests that are to be exported.
#[derive(Debug)]
pub(crate) struct ExportSelected(pub(crate) Selection);

/// The same with ids as texts.
#[derive(Debug)]
pub(crate) struct ExportBulk(pub(crate) Selection);

impl Input for ExportFilters {
    fn read(fields: &mut Fields) -> Self {
        let project_id = fields.integer("projectId").optional();
        let group_id = fields.integer("groupId").optional();
        // The order and the page of the list are taken and not used: rows come newest first, and all of them. Without a
        // schema each filter of data is a part of the value's text.
        let filter = ListManifests::read(fields).filter(&Value::Null);
        Self(Selection::Matching(Box::new(Matching { project_id, group_id, filter })))
    }
}

impl Input for ExportSelected {
    fn read(fields: &mut Fields) -> Self {
        let ids = fields.integers("manifestIds").count_up_to(MAX_MANIFESTS).required();
        Self(Selection::Listed(ids))
    }
}

impl Input for ExportBulk {
    /// Its ids are texts; `integers` takes those too.
    fn read(fields: &mut Fields) -> Self {
        let ExportSelected(selection) = ExportSelected::read(fields);
        Self(selection)
    }
}
