//! What would make a project's extractions better. The keys are looked up in the web client's translations.

use actix_web::web::{Data, Json};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sluice_access::{Access, ownership};
use sluice_core::ProjectId;
use sluice_db::models::reports::analytics::{self, Health};
use sluice_db::models::reports::corrections::{self, CorrectedPath};
use utoipa::ToSchema;

use super::analytics::RECENT;
use crate::error::Result;
use crate::extract::{Path, User};
use crate::figures::{ratio, to_f64};
use crate::state::AppState;
use crate::wire;

/// In how many manifests a value must have been corrected to be named.
const MIN_CORRECTED_MANIFESTS: i64 = 5;
/// How many values are named.
const MAX_CORRECTED_PATHS: i64 = 3;
/// How old a manifest that waits must be to count as forgotten.
const STALE_DAYS: i64 = 7;
const MIN_SCORED: i64 = 5;
const MIN_ENDED: i64 = 10;
const MIN_STALE: i64 = 5;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recommendations {
    #[serde(serialize_with = "wire::time")]
    generated_at: DateTime<Utc>,
    /// The most severe first.
    recommendations: Vec<Recommendation>,
}

#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Recommendation {
    id: String,
    severity: Severity,
    title_key: &'static str,
    title_vars: Value,
    evidence: Vec<Evidence>,
    action_href: String,
    action_label_key: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Severity {
    Critical,
    Warning,
    Info,
}

#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Evidence {
    label_key: &'static str,
    label_vars: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value: Option<String>,
}

/// What recommendations are drawn from.
#[derive(Debug, Clone, Default)]
struct Findings {
    /// Of the last 30 days.
    health: Health,
    /// The values that were corrected in most manifests, in the last 30 days.
    corrected: Vec<CorrectedPath>,
    /// Manifests that wait too long.
    stale: i64,
}

impl Recommendations {
    fn new(project_id: i32, findings: &Findings, now: DateTime<Utc>) -> Self {
        let mut recommendations = Vec::new();
        recommendations.extend(quality(project_id, findings.health));
        recommendations.extend(findings.corrected.iter().map(|corrected| correction(project_id, corrected)));
        recommendations.extend(failures(project_id, findings.health));
        recommendations.extend(backlog(project_id, findings.stale));
        recommendations.sort_by_key(|recommendation| recommendation.severity);
        Self { generated_at: now, recommendations }
    }
}

/// `GET /projects/{id}/analytics/recommendations`
pub(crate) async fn show_recommendations(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ProjectId>,
) -> Result<Json<Recommendations>> {
    let now = state.clock.now();
    let since = now - RECENT;
    let mut connection = state.connection().await?;
    ownership::load_project(&mut connection, &user, Access::Owner, id).await?;
    let (least, most) = (MIN_CORRECTED_MANIFESTS, MAX_CORRECTED_PATHS);
    let findings = Findings {
        health: analytics::load_health(&mut connection, id.0, since).await?,
        corrected: corrections::list_corrected_paths(&mut connection, id.0, since, least, most).await?,
        stale: analytics::count_waiting(&mut connection, id.0, now - TimeDelta::days(STALE_DAYS)).await?,
    };
    Ok(Json(Recommendations::new(id.0, &findings, now)))
}

fn quality(project_id: i32, Health { scored, poor, .. }: Health) -> Option<Recommendation> {
    let share = ratio(to_f64(poor), scored);
    (scored >= MIN_SCORED && share > 0.25).then(|| Recommendation {
        id: "ocr-quality-low".to_owned(),
        severity: if share >= 0.5 { Severity::Critical } else { Severity::Warning },
        title_key: "analytics.recommendations.ocrQuality.title",
        title_vars: json!({"percent": percent(poor, scored)}),
        evidence: vec![Evidence {
            label_key: "analytics.recommendations.ocrQuality.evidence.poorShare",
            label_vars: json!({"poor": poor, "scored": scored}),
            value: Some(format!("{}%", percent(poor, scored))),
        }],
        action_href: format!("/projects/{project_id}/settings/extractors"),
        action_label_key: "analytics.recommendations.action.editExtractor",
    })
}

fn correction(project_id: i32, corrected: &CorrectedPath) -> Recommendation {
    let CorrectedPath { path, manifests: count } = corrected;
    Recommendation {
        id: format!("field-correction-{path}"),
        severity: if *count >= 15 { Severity::Warning } else { Severity::Info },
        title_key: "analytics.recommendations.fieldCorrection.title",
        title_vars: json!({"path": path, "count": count}),
        evidence: vec![Evidence {
            label_key: "analytics.recommendations.fieldCorrection.evidence.manifests",
            label_vars: json!({"count": count}),
            value: None,
        }],
        action_href: format!("/projects/{project_id}/settings/rules?autoGenerateFromCorrections=1"),
        action_label_key: "analytics.recommendations.action.autoDraftRules",
    }
}

fn failures(project_id: i32, Health { ended, failed, .. }: Health) -> Option<Recommendation> {
    let share = ratio(to_f64(failed), ended);
    (ended >= MIN_ENDED && share > 0.1).then(|| Recommendation {
        id: "model-failure-rate-high".to_owned(),
        severity: if share >= 0.25 { Severity::Critical } else { Severity::Warning },
        title_key: "analytics.recommendations.modelFailure.title",
        title_vars: json!({"percent": percent(failed, ended)}),
        evidence: vec![Evidence {
            label_key: "analytics.recommendations.modelFailure.evidence.failedShare",
            label_vars: json!({"failed": failed, "total": ended}),
            value: Some(format!("{}%", percent(failed, ended))),
        }],
        action_href: format!("/projects/{project_id}/settings/models"),
        action_label_key: "analytics.recommendations.action.editModels",
    })
}

fn backlog(project_id: i32, count: i64) -> Option<Recommendation> {
    (count >= MIN_STALE).then(|| Recommendation {
        id: "backlog-stale-manifests".to_owned(),
        severity: if count >= 20 { Severity::Warning } else { Severity::Info },
        title_key: "analytics.recommendations.backlog.title",
        title_vars: json!({"count": count, "days": STALE_DAYS}),
        evidence: vec![Evidence {
            label_key: "analytics.recommendations.backlog.evidence.count",
            label_vars: json!({"count": count, "days": STALE_DAYS}),
            value: None,
        }],
        action_href: format!("/projects/{project_id}"),
        action_label_key: "analytics.recommendations.action.viewManifests",
    })
}

/// The share in whole percent, halves rounded up.
fn percent(part: i64, whole: i64) -> i64 {
    let whole = whole.max(1);
    part.saturating_mul(200).saturating_add(whole) / whole.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(findings: &Findings) -> Vec<(String, Severity)> {
        let drawn = Recommendations::new(7, findings, DateTime::UNIX_EPOCH);
        drawn.recommendations.into_iter().map(|one| (one.id, one.severity)).collect()
    }

    fn health(scored: i64, poor: i64, ended: i64, failed: i64) -> Findings {
        Findings { health: Health { scored, poor, ended, failed }, ..Findings::default() }
    }

    #[test]
    fn each_is_drawn_from_its_threshold_on() {
        let none: Vec<(String, Severity)> = Vec::new();
        let one = |id: &str, severity| vec![(id.to_owned(), severity)];
        let (quality, failure, backlog) = ("ocr-quality-low", "model-failure-rate-high", "backlog-stale-manifests");
        let stale = |stale| Findings { stale, ..Findings::default() };
        for (findings, expected) in [
            (health(4, 4, 0, 0), none.clone()),
            (health(8, 2, 0, 0), none.clone()),
            (health(7, 2, 0, 0), one(quality, Severity::Warning)),
            (health(6, 3, 0, 0), one(quality, Severity::Critical)),
            (health(0, 0, 9, 9), none.clone()),
            (health(0, 0, 10, 1), none.clone()),
            (health(0, 0, 19, 2), one(failure, Severity::Warning)),
            (health(0, 0, 12, 3), one(failure, Severity::Critical)),
            (stale(4), none),
            (stale(5), one(backlog, Severity::Info)),
            (stale(20), one(backlog, Severity::Warning)),
        ] {
            assert_eq!(drawn(&findings), expected, "{findings:?}");
        }
    }

    #[test]
    fn the_most_severe_comes_first() {
        let corrected = [("total", 15), ("date", 5)];
        let corrected = corrected.map(|(path, manifests)| CorrectedPath { path: path.to_owned(), manifests });
        let findings = Findings { corrected: corrected.to_vec(), stale: 5, ..health(10, 10, 100, 11) };
        let ids: Vec<String> = drawn(&findings).into_iter().map(|(id, _)| id).collect();
        let expected = [
            "ocr-quality-low",
            "field-correction-total",
            "model-failure-rate-high",
            "field-correction-date",
            "backlog-stale-manifests",
        ];
        assert_eq!(ids, expected);
    }

    #[test]
    fn percents_are_rounded() {
        assert_eq!([percent(1, 3), percent(2, 3), percent(1, 8), percent(1, 200), percent(0, 0)], [33, 67, 13, 1, 0]);
    }
}
