//! How the manifests of a project fare.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json};
use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;
use sluice_access::{Access, ownership};
use sluice_core::ProjectId;
use sluice_db::models::reports::analytics::{self, DayCount, QualityCount};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Path, User};
use crate::state::AppState;

/// What counts as recent.
pub(super) const RECENT: TimeDelta = TimeDelta::days(30);

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Analytics {
    total_manifests: i64,
    /// How many manifests have each status; one that none has is absent.
    status_distribution: BTreeMap<String, i64>,
    ocr_quality: Vec<OcrQualityCount>,
    /// By the day on which manifests were made, in the last 30 days.
    activity_over_time: Vec<DayActivity>,
    /// What people did in the last 30 days, signing off included.
    recent_corrections_count: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OcrQualityCount {
    /// `excellent` from 90 on, `good` from 70 on, `poor`, or `unknown` without a score.
    quality: String,
    count: i64,
    /// Rounded; 0 without a score.
    avg_score: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct DayActivity {
    date: NaiveDate,
    total: i64,
    completed: i64,
    failed: i64,
}

impl Analytics {
    pub(crate) fn new(
        statuses: Vec<(String, i64)>,
        qualities: Vec<QualityCount>,
        days: Vec<DayCount>,
        recent_corrections_count: i64,
    ) -> Self {
        let quality = |row: QualityCount| OcrQualityCount {
            avg_score: row.average.unwrap_or(0),
            quality: row.quality,
            count: row.count,
        };
        let day = |row: DayCount| DayActivity {
            date: row.day,
            total: row.total,
            completed: row.completed,
            failed: row.failed,
        };
        Self {
            total_manifests: statuses.iter().map(|(_, count)| count).sum(),
            status_distribution: statuses.into_iter().collect(),
            ocr_quality: qualities.into_iter().map(quality).collect(),
            activity_over_time: days.into_iter().map(day).collect(),
            recent_corrections_count,
        }
    }
}

/// `GET /projects/{id}/analytics`
pub(crate) async fn show_analytics(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ProjectId>,
) -> Result<Json<Analytics>> {
    let since = state.clock.now() - RECENT;
    let mut connection = state.connection().await?;
    ownership::load_project(&mut connection, &user, Access::Owner, id).await?;
    let statuses = analytics::count_by_status(&mut connection, id.0).await?;
    let qualities = analytics::count_by_quality(&mut connection, id.0).await?;
    let days = analytics::count_by_day(&mut connection, id.0, since).await?;
    let operations = analytics::count_operations(&mut connection, id.0, since).await?;
    Ok(Json(Analytics::new(statuses, qualities, days, operations)))
}
