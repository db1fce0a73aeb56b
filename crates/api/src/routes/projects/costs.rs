//! What the manifests of a project cost.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json};
use chrono::NaiveDate;
use serde::Serialize;
use sluice_access::{Access, Identity, ownership};
use sluice_core::{NanoAmount, ProjectId};
use sluice_db::models::reports::Scope;
use sluice_db::models::reports::manifest_costs::{self, ManifestCostCell};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Result;
use crate::extract::{Path, Query, User};
use crate::figures::{DateRange, ManifestSums, Paid, Span, UNKNOWN_CURRENCY};
use crate::state::AppState;

/// What the last extractions of a project's manifests cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectCostSummary {
    project_id: i32,
    /// Null unless all was paid in one currency.
    #[schema(value_type = Option<f64>)]
    total_extraction_cost: Option<NanoAmount>,
    currency: Option<String>,
    /// Only when several currencies were paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    totals_by_currency: Option<Vec<ProjectCurrencyTotal>>,
    cost_by_extractor: Vec<ProjectExtractorTotal>,
    cost_over_time: Vec<ProjectDayTotal>,
    /// Only when both ends were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    date_range: Option<DateRangeDto>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectCurrencyTotal {
    currency: String,
    #[schema(value_type = f64)]
    total_extraction_cost: NanoAmount,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectExtractorTotal {
    extractor_id: Option<Uuid>,
    extractor_name: Option<String>,
    currency: String,
    #[schema(value_type = f64)]
    total_cost: NanoAmount,
    extraction_count: i64,
    average_cost: f64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectDayTotal {
    date: NaiveDate,
    currency: String,
    #[schema(value_type = f64)]
    extraction_cost: NanoAmount,
}

/// The span that was asked for, word for word.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DateRangeDto {
    from: String,
    to: String,
}

/// What an extractor read that was paid in one currency; in the order of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Extractor<'a> {
    name: Option<&'a str>,
    id: Option<Uuid>,
    currency: &'a str,
}

impl DateRangeDto {
    pub(crate) fn new(range: &DateRange) -> Option<Self> {
        range.ends().map(|(from, to)| Self { from, to })
    }
}

impl ProjectCostSummary {
    pub(crate) fn new(project_id: i32, cells: &[ManifestCostCell], range: &DateRange) -> Self {
        let mut by_currency: BTreeMap<String, ManifestSums> = BTreeMap::new();
        let mut by_extractor: BTreeMap<Extractor<'_>, ManifestSums> = BTreeMap::new();
        let mut by_day: BTreeMap<(NaiveDate, &str), ManifestSums> = BTreeMap::new();
        for cell in cells {
            let currency = cell.currency.as_deref().unwrap_or(UNKNOWN_CURRENCY);
            let extractor = Extractor { name: cell.extractor_name.as_deref(), id: cell.extractor_id, currency };
            by_currency.entry(currency.to_owned()).or_default().add(cell);
            by_extractor.entry(extractor).or_default().add(cell);
            by_day.entry((cell.day, currency)).or_default().add(cell);
        }
        let (total_extraction_cost, currency, totals_by_currency) = match Paid::new(by_currency, |sums| sums.cost) {
            Paid::Nothing => (None, None, None),
            Paid::Once(currency, sums) => (Some(sums.cost), Some(currency), None),
            Paid::Variously(sums) => (None, None, Some(sums)),
        };
        let total = |(currency, sums): (String, ManifestSums)| ProjectCurrencyTotal {
            currency,
            total_extraction_cost: sums.cost,
        };
        let totals_by_currency = totals_by_currency.map(|sums| sums.into_iter().map(total).collect());
        let extractor = |(extractor, sums): (Extractor<'_>, ManifestSums)| ProjectExtractorTotal {
            extractor_id: extractor.id,
            extractor_name: extractor.name.map(str::to_owned),
            currency: extractor.currency.to_owned(),
            total_cost: sums.cost,
            extraction_count: sums.count,
            average_cost: sums.average(),
        };
        let day = |((date, currency), sums): ((NaiveDate, &str), ManifestSums)| ProjectDayTotal {
            date,
            currency: currency.to_owned(),
            extraction_cost: sums.cost,
        };
        Self {
            project_id,
            total_extraction_cost,
            currency,
            totals_by_currency,
            cost_by_extractor: by_extractor.into_iter().map(extractor).collect(),
            cost_over_time: by_day.into_iter().map(day).collect(),
            date_range: DateRangeDto::new(range),
        }
    }
}

/// `GET /projects/{id}/cost-summary`
pub(crate) async fn show_project_costs(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ProjectId>,
) -> Result<Json<ProjectCostSummary>> {
    summarize(&state, &user, id, &DateRange::default()).await
}

/// `GET /projects/{id}/cost-by-date-range`
pub(crate) async fn show_project_costs_of_range(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ProjectId>,
    Query(span): Query<Span>,
) -> Result<Json<ProjectCostSummary>> {
    summarize(&state, &user, id, &span.range()?).await
}

async fn summarize(
    state: &AppState,
    user: &Identity,
    id: ProjectId,
    range: &DateRange,
) -> Result<Json<ProjectCostSummary>> {
    let mut connection = state.connection().await?;
    let project = ownership::load_project(&mut connection, user, Access::Owner, id).await?;
    let scope = Scope { user_id: project.user_id, project_id: Some(project.id) };
    let cells = manifest_costs::list_cells(&mut connection, scope, None, range.span()).await?;
    Ok(Json(ProjectCostSummary::new(project.id, &cells, range)))
}
