//! What API keys may do: the only place that says so. A route that is not listed here is refused to every key, so a new one
//! is closed until somebody has thought about it.
//!
//! Everything listed asks `sluice_access::ownership` about the project of what it touches, or narrows its list to
//! `Identity::only_project`: a key sees nothing of its user's other projects. Not listed, on purpose: signing in, keys, users,
//! the audit log, settings of projects, schemas, scripts, connections and prompts (people change these), and figures over
//! all projects of a user.

use actix_web::http::Method;
use sluice_access::KeyScope::{self, Extract, Read, Write};

#[rustfmt::skip]
const ROUTES: &[(KeyScope, Method, &str)] = &[
    // Projects and groups
    (Read, Method::GET, "/projects"),
    (Read, Method::GET, "/projects/{id}"),
    (Read, Method::GET, "/projects/{id}/cost-summary"),
    (Read, Method::GET, "/projects/{id}/cost-by-date-range"),
    (Read, Method::GET, "/projects/{id}/analytics"),
    (Read, Method::GET, "/projects/{id}/analytics/recommendations"),
    (Read, Method::GET, "/projects/{id}/operation-logs"),
    (Read, Method::GET, "/projects/{id}/truths"),
    (Read, Method::GET, "/projects/{projectId}/groups"),
    (Read, Method::GET, "/groups/{id}"),
    (Write, Method::POST, "/projects/{projectId}/groups"),
    (Write, Method::PATCH, "/groups/{id}"),
    (Write, Method::DELETE, "/groups/{id}"),
    // Manifests
    (Read, Method::GET, "/groups/{groupId}/manifests"),
    (Read, Method::GET, "/groups/{groupId}/manifests/ids"),
    (Read, Method::GET, "/manifests/{id}"),
    (Read, Method::GET, "/manifests/{id}/pdf-file"),
    (Read, Method::GET, "/manifests/{id}/file-url"),
    (Read, Method::GET, "/manifests/{id}/pdf"),
    (Read, Method::GET, "/manifests/{id}/items"),
    (Read, Method::GET, "/manifests/{id}/truth"),
    (Read, Method::GET, "/manifests/{id}/operation-logs"),
    (Read, Method::GET, "/manifests/{id}/citations"),
    (Read, Method::GET, "/manifests/{id}/pages"),
    (Read, Method::GET, "/manifests/{id}/pages/{page}/words"),
    (Read, Method::GET, "/manifests/{id}/pages/{page}/image"),
    (Read, Method::GET, "/manifests/{id}/ocr"),
    (Read, Method::GET, "/manifests/{id}/extraction-history"),
    (Read, Method::GET, "/manifests/{id}/extraction-history/{jobId}"),
    (Read, Method::GET, "/manifests/{id}/ocr-history"),
    (Read, Method::GET, "/uploads/{path:.*}"),
    (Write, Method::POST, "/groups/{groupId}/uploads"),
    (Write, Method::POST, "/groups/{groupId}/uploads/{uploadId}/complete"),
    (Write, Method::POST, "/groups/{groupId}/manifests"),
    (Write, Method::POST, "/groups/{groupId}/manifests/upload"),
    (Write, Method::POST, "/groups/{groupId}/manifests/batch"),
    (Write, Method::POST, "/groups/{groupId}/manifests/delete-bulk"),
    (Write, Method::PATCH, "/manifests/{id}"),
    (Write, Method::DELETE, "/manifests/{id}"),
    (Write, Method::PUT, "/manifests/{id}/truth"),
    (Write, Method::DELETE, "/manifests/{id}/truth"),
    (Write, Method::POST, "/validation/run"),
    (Write, Method::POST, "/validation/batch"),
    // Exports
    (Read, Method::GET, "/manifests/export/csv"),
    (Read, Method::POST, "/manifests/export/csv"),
    (Read, Method::GET, "/manifests/export/xlsx"),
    (Read, Method::POST, "/manifests/export/xlsx"),
    (Read, Method::POST, "/manifests/export-bulk"),
    // Runs
    (Extract, Method::POST, "/manifests/{id}/extract"),
    (Extract, Method::POST, "/manifests/{id}/re-extract"),
    (Extract, Method::POST, "/manifests/extract-bulk"),
    (Extract, Method::POST, "/groups/{groupId}/manifests/extract-filtered"),
    (Extract, Method::POST, "/extraction/re-extract/{manifestId}"),
    (Extract, Method::POST, "/manifests/{id}/ocr/refresh"),
    (Extract, Method::POST, "/manifests/{id}/ocr/refresh-job"),
    (Extract, Method::POST, "/jobs/{queueJobId}/cancel"),
    (Read, Method::GET, "/jobs/history"),
    (Read, Method::GET, "/jobs/{queueJobId}/timeline"),
    // Schemas and scripts, to look at
    (Read, Method::GET, "/schemas"),
    (Read, Method::GET, "/schemas/project/{projectId}"),
    (Read, Method::GET, "/schemas/{id}"),
    (Read, Method::GET, "/schemas/{schemaId}/rules"),
    (Read, Method::GET, "/schemas/{id}/correction-summary"),
    (Read, Method::GET, "/schemas/{id}/correction-suggestions"),
    (Read, Method::GET, "/validation/scripts"),
    (Read, Method::GET, "/validation/scripts/project/{projectId}"),
    (Read, Method::GET, "/validation/scripts/{id}"),
    (Read, Method::GET, "/export-scripts"),
    (Read, Method::GET, "/export-scripts/project/{projectId}"),
    (Read, Method::GET, "/export-scripts/{id}"),
    // Connections, which are everybody's, to choose from; their secrets are masked
    (Read, Method::GET, "/models"),
    (Read, Method::GET, "/models/{id}"),
    (Read, Method::GET, "/extractors"),
    (Read, Method::GET, "/extractors/{id}"),
    // Figures
    (Read, Method::GET, "/metrics/budget-alerts"),
    (Read, Method::GET, "/metrics/cost-dashboard"),
    (Read, Method::GET, "/metrics/cost-per-document"),
    (Read, Method::GET, "/metrics/ocr-cost-per-page"),
    (Read, Method::GET, "/metrics/llm-cost-per-token"),
];

/// The scope that a key needs for a route, told by the route's pattern; `None` when no key may.
pub(crate) fn needed_scope(method: &Method, pattern: &str) -> Option<KeyScope> {
    ROUTES.iter().find(|(_, listed, path)| listed == method && *path == pattern).map(|(scope, _, _)| *scope)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_is_listed_is_there() {
        let served: HashSet<String> = crate::routes::places().collect();
        for (_, method, path) in ROUTES {
            assert!(served.contains(&format!("{method} {path}")), "{method} {path}");
        }
        let listed: HashSet<(&Method, &str)> = ROUTES.iter().map(|(_, method, path)| (method, *path)).collect();
        assert_eq!(listed.len(), ROUTES.len(), "a route is listed twice");
    }

    #[test]
    fn keys_open_nothing_that_is_not_listed() {
        for (method, path) in [
            (Method::GET, "/auth/profile"),
            (Method::POST, "/models"),
            (Method::DELETE, "/projects/{id}"),
            (Method::POST, "/projects/{id}/api-keys"),
            (Method::GET, "/audit-log"),
            (Method::GET, "/no/such/route"),
        ] {
            assert_eq!(needed_scope(&method, path), None, "{method} {path}");
        }
        assert_eq!(needed_scope(&Method::POST, "/manifests/{id}/extract"), Some(Extract));
    }
}
