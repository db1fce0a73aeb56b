//! Metrics: what the caller's own documents cost. Admins see no more than their own either.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use sluice_access::{Access, ownership};
use sluice_core::ProjectId;
use sluice_db::AsyncPgConnection;
use sluice_db::models::projects::{self, Project};
use sluice_db::models::reports::job_costs::{self, JobCostCell};
use sluice_db::models::reports::{Scope, TimeRange, job_list};

use self::accuracy::{Accuracy, CostAccuracy};
use self::budget::BudgetAlert;
use self::cost_dashboard::CostDashboard;
use self::dashboard::{Dashboard, Month, MonthCosts};
use self::unit_costs::{DocumentCost, PageCost, TokenCost};
use crate::error::Result;
use crate::extract::{Fields, Input, Query, User};
use crate::figures::{DateRange, Span, scope_of};
use crate::respond::List;
use crate::routes::projects::budget::load_months;
use crate::state::AppState;

mod accuracy;
mod budget;
mod cost_dashboard;
mod dashboard;
mod unit_costs;

const DEFAULT_LIMIT: i32 = 100;
const MAX_LIMIT: i32 = 1000;
/// Of how many estimates the accuracy is the average.
const ESTIMATES: i64 = 100;

/// A span of days, under the names that most of these routes have.
#[derive(Debug)]
pub(crate) struct StartAndEnd {
    start_date: Option<String>,
    end_date: Option<String>,
}

impl Input for StartAndEnd {
    fn read(fields: &mut Fields) -> Self {
        Self { start_date: fields.string("startDate").optional(), end_date: fields.string("endDate").optional() }
    }
}

impl StartAndEnd {
    fn range(self) -> Result<TimeRange> {
        Ok(DateRange::parse(("startDate", "endDate"), self.start_date, self.end_date)?.span())
    }
}

/// Which documents to list.
#[derive(Debug)]
pub(crate) struct ListDocumentCosts {
    span: StartAndEnd,
    limit: i32,
}

impl Input for ListDocumentCosts {
    fn read(fields: &mut Fields) -> Self {
        Self { span: StartAndEnd::read(fields), limit: read_limit(fields) }
    }
}

/// Which estimates to list.
#[derive(Debug)]
pub(crate) struct ListEstimates {
    limit: i32,
}

impl Input for ListEstimates {
    fn read(fields: &mut Fields) -> Self {
        Self { limit: read_limit(fields) }
    }
}

/// Which project's budget to look at.
#[derive(Debug)]
pub(crate) struct ListBudgetAlerts {
    project_id: i32,
}

impl Input for ListBudgetAlerts {
    fn read(fields: &mut Fields) -> Self {
        Self { project_id: fields.integer("projectId").required() }
    }
}

fn read_limit(fields: &mut Fields) -> i32 {
    fields.integer("limit").within(1, MAX_LIMIT).optional().unwrap_or(DEFAULT_LIMIT)
}

/// `GET /metrics/dashboard`
pub(crate) async fn show_dashboard(state: Data<AppState>, User(user): User) -> Result<Json<Dashboard>> {
    let now = state.clock.now();
    let user_id = user.user_id.0;
    let month = Month::of(now);
    let mut connection = state.connection().await?;
    let since = month.previous().onwards();
    let cells = job_costs::list_cells(&mut connection, Scope::user(user_id), since).await?;
    let estimated = job_list::list_estimated(&mut connection, user_id, ESTIMATES).await?;
    let owned = projects::list_by_owner(&mut connection, user_id).await?;
    let chosen = list_chosen(&mut connection, &owned, now).await?;
    drop(connection);
    let this_month = MonthCosts::new(&cells, month);
    let budget_alerts =
        if chosen.is_empty() { BudgetAlert::list(user_id, 0, &this_month.spent(), now) } else { chosen };
    Ok(Json(Dashboard {
        this_month: (&this_month).into(),
        last_month: (&MonthCosts::new(&cells, month.previous())).into(),
        accuracy: Accuracy::new(estimated.into_iter().filter_map(CostAccuracy::new).collect()),
        budget_alerts,
    }))
}

/// `GET /metrics/cost-dashboard`
pub(crate) async fn show_cost_dashboard(
    state: Data<AppState>,
    User(user): User,
    Query(span): Query<Span>,
) -> Result<Json<CostDashboard>> {
    let range = span.range()?;
    let cells = load_cells(&state, scope_of(&user), range.span()).await?;
    Ok(Json(CostDashboard::new(&cells, &range)))
}

/// `GET /metrics/cost-accuracy`
pub(crate) async fn list_cost_accuracy(
    state: Data<AppState>,
    User(user): User,
    Query(query): Query<ListEstimates>,
) -> Result<List<CostAccuracy>> {
    let mut connection = state.connection().await?;
    let jobs = job_list::list_estimated(&mut connection, user.user_id.0, query.limit.into()).await?;
    Ok(List(jobs.into_iter().filter_map(CostAccuracy::new).collect()))
}

/// `GET /metrics/cost-per-document`
pub(crate) async fn list_cost_per_document(
    state: Data<AppState>,
    User(user): User,
    Query(query): Query<ListDocumentCosts>,
) -> Result<List<DocumentCost>> {
    let range = query.span.range()?;
    let mut connection = state.connection().await?;
    let scope = scope_of(&user);
    let jobs = job_list::list_completed(&mut connection, scope, range, query.limit.into()).await?;
    Ok(List(jobs.into_iter().map(DocumentCost::from).collect()))
}

/// `GET /metrics/budget-alerts`
pub(crate) async fn list_budget_alerts(
    state: Data<AppState>,
    User(user): User,
    Query(query): Query<ListBudgetAlerts>,
) -> Result<List<BudgetAlert>> {
    let id = ProjectId(query.project_id);
    let now = state.clock.now();
    let month = Month::of(now);
    let mut connection = state.connection().await?;
    let project = ownership::load_project(&mut connection, &user, Access::Owner, id).await?;
    let chosen = list_chosen(&mut connection, std::slice::from_ref(&project), now).await?;
    if !chosen.is_empty() {
        return Ok(List(chosen));
    }
    let scope = Scope { user_id: project.user_id, project_id: Some(project.id) };
    let cells = job_costs::list_cells(&mut connection, scope, month.onwards()).await?;
    let spent = MonthCosts::new(&cells, month).spent();
    Ok(List(BudgetAlert::list(project.user_id, project.id, &spent, now)))
}

async fn list_chosen(
    connection: &mut AsyncPgConnection,
    owned: &[Project],
    now: DateTime<Utc>,
) -> Result<Vec<BudgetAlert>> {
    let ids: Vec<i32> =
        owned.iter().filter(|project| project.budget_nano.is_some()).map(|project| project.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let months = load_months(connection, &ids, now).await?;
    Ok(BudgetAlert::list_chosen(owned, &months, now))
}

/// `GET /metrics/ocr-cost-per-page`
pub(crate) async fn list_ocr_cost_per_page(
    state: Data<AppState>,
    User(user): User,
    Query(span): Query<StartAndEnd>,
) -> Result<List<PageCost>> {
    let cells = load_cells(&state, scope_of(&user), span.range()?).await?;
    Ok(List(PageCost::list(&cells)))
}

/// `GET /metrics/llm-cost-per-token`
pub(crate) async fn list_llm_cost_per_token(
    state: Data<AppState>,
    User(user): User,
    Query(span): Query<StartAndEnd>,
) -> Result<List<TokenCost>> {
    let cells = load_cells(&state, scope_of(&user), span.range()?).await?;
    Ok(List(TokenCost::list(&cells)))
}

async fn load_cells(state: &AppState, scope: Scope, range: TimeRange) -> Result<Vec<JobCostCell>> {
    Ok(job_costs::list_cells(&mut *state.connection().await?, scope, range).await?)
}
