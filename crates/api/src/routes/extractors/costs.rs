//! What an extractor's documents cost. Everybody sees the figures of their own projects, admins too: what others pay is
//! nobody's business.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json};
use chrono::NaiveDate;
use serde::Serialize;
use sluice_core::{ExtractorId, NanoAmount};
use sluice_db::models::extractors::{self, ExtractorFilter};
use sluice_db::models::reports::manifest_costs::{self, ManifestCostCell};
use sluice_db::models::reports::{Scope, TimeRange};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{ApiError, Result};
use crate::extract::{Fields, Input, Path, Query, User};
use crate::figures::{ManifestSums, Paid, UNKNOWN_CURRENCY};
use crate::respond::List;
use crate::state::AppState;

/// What the caller's manifests cost that an extractor read, their model included.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtractorCostSummary {
    extractor_id: Uuid,
    extractor_name: String,
    total_extractions: i64,
    /// Null unless all was paid in one currency.
    #[schema(value_type = Option<f64>)]
    total_cost: Option<NanoAmount>,
    average_cost_per_extraction: Option<f64>,
    currency: Option<String>,
    /// Only when several currencies were paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    totals_by_currency: Option<Vec<ExtractorCurrencyTotal>>,
    cost_breakdown: ExtractorCostBreakdown,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExtractorCurrencyTotal {
    currency: String,
    #[schema(value_type = f64)]
    total_cost: NanoAmount,
    total_extractions: i64,
    average_cost_per_extraction: f64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExtractorCostBreakdown {
    by_date: Vec<ExtractorDayTotal>,
    by_project: Vec<ExtractorProjectTotal>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExtractorDayTotal {
    date: NaiveDate,
    currency: String,
    count: i64,
    #[schema(value_type = f64)]
    cost: NanoAmount,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExtractorProjectTotal {
    project_id: i32,
    project_name: String,
    currency: String,
    count: i64,
    #[schema(value_type = f64)]
    cost: NanoAmount,
}

impl ExtractorCostSummary {
    /// Adds up those of the cells that are this extractor's.
    pub(crate) fn new(extractor_id: Uuid, extractor_name: String, cells: &[ManifestCostCell]) -> Self {
        let mut all = ManifestSums::default();
        let mut by_currency: BTreeMap<String, ManifestSums> = BTreeMap::new();
        let mut by_day: BTreeMap<(NaiveDate, &str), ManifestSums> = BTreeMap::new();
        let mut by_project: BTreeMap<(i32, &str, &str), ManifestSums> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| cell.extractor_id == Some(extractor_id)) {
            let currency = cell.currency.as_deref().unwrap_or(UNKNOWN_CURRENCY);
            all.add(cell);
            by_currency.entry(currency.to_owned()).or_default().add(cell);
            by_day.entry((cell.day, currency)).or_default().add(cell);
            by_project.entry((cell.project_id, &cell.project_name, currency)).or_default().add(cell);
        }
        let (total, totals_by_currency) = match Paid::new(by_currency, |sum| sum.cost) {
            Paid::Nothing => (None, None),
            // What was free counts among the extractions too.
            Paid::Once(currency, sum) => (Some((currency, ManifestSums { count: all.count, cost: sum.cost })), None),
            Paid::Variously(sums) => (None, Some(sums.into_iter().map(ExtractorCurrencyTotal::new).collect())),
        };
        let (currency, total) = total.unzip();
        let day = |((date, currency), sum): ((NaiveDate, &str), ManifestSums)| ExtractorDayTotal {
            date,
            currency: currency.to_owned(),
            count: sum.count,
            cost: sum.cost,
        };
        let project = |((project_id, name, currency), sum): ((i32, &str, &str), ManifestSums)| ExtractorProjectTotal {
            project_id,
            project_name: name.to_owned(),
            currency: currency.to_owned(),
            count: sum.count,
            cost: sum.cost,
        };
        Self {
            extractor_id,
            extractor_name,
            total_extractions: all.count,
            total_cost: total.map(|total| total.cost),
            average_cost_per_extraction: total.map(ManifestSums::average),
            currency,
            totals_by_currency,
            cost_breakdown: ExtractorCostBreakdown {
                by_date: by_day.into_iter().map(day).collect(),
                by_project: by_project.into_iter().map(project).collect(),
            },
        }
    }
}

impl ExtractorCurrencyTotal {
    fn new((currency, sum): (String, ManifestSums)) -> Self {
        Self {
            currency,
            total_cost: sum.cost,
            total_extractions: sum.count,
            average_cost_per_extraction: sum.average(),
        }
    }
}

/// Which extractors: ids with commas between them, all when there are none.
#[derive(Debug)]
pub(crate) struct ExtractorIds(Option<String>);

impl Input for ExtractorIds {
    fn read(fields: &mut Fields) -> Self {
        Self(fields.string("ids").optional())
    }
}

/// `GET /extractors/cost-summaries`
pub(crate) async fn list_extractor_costs(
    state: Data<AppState>,
    User(user): User,
    Query(ExtractorIds(ids)): Query<ExtractorIds>,
) -> Result<List<ExtractorCostSummary>> {
    let ids = ids.as_deref().map(parse_ids).transpose()?.filter(|ids| !ids.is_empty());
    let mut connection = state.connection().await?;
    let mut rows = extractors::list(&mut connection, &ExtractorFilter::default()).await?;
    if let Some(ids) = &ids {
        rows.retain(|extractor| ids.contains(&extractor.id));
    }
    let scope = Scope::user(user.user_id.0);
    let cells = manifest_costs::list_cells(&mut connection, scope, ids.as_deref(), TimeRange::default()).await?;
    let summary = |row: extractors::Extractor| ExtractorCostSummary::new(row.id, row.name, &cells);
    Ok(List(rows.into_iter().map(summary).collect()))
}

/// Ids with commas between them. One that names nothing is left out of the answer.
fn parse_ids(text: &str) -> Result<Vec<Uuid>> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let wrong = |_source| ApiError::bad_request("ids must be ids of extractors with commas between them");
    words.map(|word| word.parse().map_err(wrong)).collect()
}

/// `GET /extractors/{id}/cost-summary`
pub(crate) async fn show_extractor_costs(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ExtractorId>,
) -> Result<Json<ExtractorCostSummary>> {
    let mut connection = state.connection().await?;
    let extractor = extractors::find(&mut connection, id.0).await?.ok_or_else(|| super::missing(id))?;
    let scope = Scope::user(user.user_id.0);
    let cells = manifest_costs::list_cells(&mut connection, scope, Some(&[id.0]), TimeRange::default()).await?;
    Ok(Json(ExtractorCostSummary::new(extractor.id, extractor.name, &cells)))
}
