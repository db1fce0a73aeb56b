//! The names that exports are saved under.

use chrono::{DateTime, Utc};

use super::scope::Scope;

/// `manifests[-<status>][-project-N][-group-N][-verified|-unverified]-<time>.csv`, or `manifests-selected-<time>.csv`.
pub(crate) fn of_csv(scope: &Scope, now: DateTime<Utc>) -> String {
    let time = now.format("%Y-%m-%d-%H-%M-%S");
    let Some(matching) = scope.matching() else { return format!("manifests-selected-{time}.csv") };
    let mut name = "manifests".to_owned();
    if let Some(status) = &matching.filter.status {
        name.push_str(&format!("-{status}"));
    }
    if let Some(id) = matching.project_id {
        name.push_str(&format!("-project-{id}"));
    }
    if let Some(id) = matching.group_id {
        name.push_str(&format!("-group-{id}"));
    }
    if let Some(verified) = matching.filter.human_verified {
        name.push_str(if verified { "-verified" } else { "-unverified" });
    }
    format!("{name}-{time}.csv")
}

/// `manifests-export-<filtered|selected>-<date>.xlsx`.
pub(crate) fn of_xlsx(scope: &Scope, now: DateTime<Utc>) -> String {
    format!("manifests-export-{}-{}.xlsx", scope.word(), now.format("%Y-%m-%d"))
}

#[cfg(test)]
mod tests {
    use sluice_db::models::manifests::export::{Matching, Selection};
    use sluice_db::models::manifests::list::ManifestFilter;

    use super::*;

    fn scope(matching: Matching) -> Scope {
        Scope { selection: Selection::Matching(Box::new(matching)), filters: serde_json::Map::new() }
    }

    #[test]
    fn names_tell_what_was_asked_for() {
        let now = "2026-03-14T09:26:53.589Z".parse().unwrap();
        let all = scope(Matching::default());
        assert_eq!(of_csv(&all, now), "manifests-2026-03-14-09-26-53.csv");
        assert_eq!(of_xlsx(&all, now), "manifests-export-filtered-2026-03-14.xlsx");
        let filter = ManifestFilter {
            status: Some("completed".to_owned()),
            human_verified: Some(false),
            ..ManifestFilter::default()
        };
        let some = scope(Matching { project_id: Some(3), group_id: Some(2), filter });
        assert_eq!(of_csv(&some, now), "manifests-completed-project-3-group-2-unverified-2026-03-14-09-26-53.csv");
        let listed = Scope { selection: Selection::Listed(vec![1]), filters: serde_json::Map::new() };
        assert_eq!(of_csv(&listed, now), "manifests-selected-2026-03-14-09-26-53.csv");
        assert_eq!(of_xlsx(&listed, now), "manifests-export-selected-2026-03-14.xlsx");
    }
}
