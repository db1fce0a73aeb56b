//! What people corrected, and what that suggests to tell the model.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sluice_access::{Access, ownership};
use sluice_core::SchemaId;
use sluice_db::AsyncPgConnection;
use sluice_db::models::reports::TimeRange;
use sluice_db::models::reports::corrections;
use utoipa::ToSchema;

pub(crate) use self::analysis::{CorrectionAnalysis, analyze};
use self::hints::{CorrectionSuggestion, DomainHints};
use crate::error::Result;
use crate::extract::{Body, Fields, Input, Path, Query, User};
use crate::figures::parse_moment;
use crate::respond::{Created, List};
use crate::state::AppState;

mod analysis;
mod hints;

/// How many edits are looked at when the caller names no number.
pub(crate) const DEFAULT_LIMIT: i32 = 500;
const MAX_LIMIT: i32 = 2000;
const DEFAULT_THRESHOLD: i32 = 3;

/// The corrections of a project in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CorrectionSummary {
    /// Edits.
    total_corrections: i64,
    unique_fields_corrected: i64,
    manifests_affected: i64,
    /// Whether something was corrected after the schema was changed last.
    has_new_patterns: bool,
}

/// Which edits to look at.
#[derive(Debug)]
pub(crate) struct AnalyzeCorrections {
    /// No earlier ones.
    pub(crate) since: Option<String>,
    /// Not more than so many, the newest.
    pub(crate) limit: i32,
}

impl Input for AnalyzeCorrections {
    fn read(fields: &mut Fields) -> Self {
        Self {
            since: fields.string("since").optional(),
            limit: fields.integer("limit").within(1, MAX_LIMIT).optional().unwrap_or(DEFAULT_LIMIT),
        }
    }
}

impl AnalyzeCorrections {
    /// Looks at the newest edits in a project.
    ///
    /// # Errors
    /// `BadRequest` when the start is no date.
    pub(crate) async fn run(self, connection: &mut AsyncPgConnection, project_id: i32) -> Result<CorrectionAnalysis> {
        let range = TimeRange { from: parse_moment("since", self.since)?, until: None };
        Ok(analyze(&corrections::list_edits(connection, project_id, range, self.limit.into()).await?))
    }
}

/// No earlier edits.
#[derive(Debug)]
pub(crate) struct Since(Option<String>);

impl Input for Since {
    fn read(fields: &mut Fields) -> Self {
        Self(fields.string("since").optional())
    }
}

/// From how many corrections on something is worth a word.
#[derive(Debug)]
pub(crate) struct Threshold(usize);

impl Input for Threshold {
    fn read(fields: &mut Fields) -> Self {
        let threshold = fields.integer("threshold").within(1, i32::MAX).optional().unwrap_or(DEFAULT_THRESHOLD);
        Self(usize::try_from(threshold).unwrap_or(1))
    }
}

/// `POST /schemas/{id}/correction-analysis`
pub(crate) async fn analyze_corrections(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<SchemaId>,
    Body(query): Body<AnalyzeCorrections>,
) -> Result<Created<CorrectionAnalysis>> {
    let mut connection = state.connection().await?;
    let schema = ownership::load_schema(&mut connection, &user, Access::OwnerOrAdmin, id).await?;
    Ok(Created(query.run(&mut connection, schema.project_id).await?))
}

/// `GET /schemas/{id}/correction-summary`
pub(crate) async fn show_correction_summary(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<SchemaId>,
    Query(Since(since)): Query<Since>,
) -> Result<Json<CorrectionSummary>> {
    let since: Option<DateTime<Utc>> = parse_moment("since", since)?;
    let mut connection = state.connection().await?;
    let schema = ownership::load_schema(&mut connection, &user, Access::OwnerOrAdmin, id).await?;
    let counts = corrections::count_edits(&mut connection, schema.project_id, since, schema.updated_at).await?;
    Ok(Json(CorrectionSummary {
        total_corrections: counts.edits,
        unique_fields_corrected: counts.paths,
        manifests_affected: counts.manifests,
        has_new_patterns: counts.has_newer,
    }))
}

/// `GET /schemas/{id}/correction-suggestions`
pub(crate) async fn list_correction_suggestions(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<SchemaId>,
    Query(Threshold(threshold)): Query<Threshold>,
) -> Result<List<CorrectionSuggestion>> {
    let mut connection = state.connection().await?;
    let schema = ownership::load_schema(&mut connection, &user, Access::OwnerOrAdmin, id).await?;
    let edits = list_newest(&mut connection, schema.project_id).await?;
    Ok(List(hints::suggest(&edits, threshold)))
}

/// `GET /schemas/{id}/generate-domain-hints`
pub(crate) async fn generate_domain_hints(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<SchemaId>,
    Query(Threshold(threshold)): Query<Threshold>,
) -> Result<Json<DomainHints>> {
    let mut connection = state.connection().await?;
    let schema = ownership::load_schema(&mut connection, &user, Access::OwnerOrAdmin, id).await?;
    let edits = list_newest(&mut connection, schema.project_id).await?;
    Ok(Json(hints::hint(&edits, threshold)))
}

/// As many edits as are ever looked at.
async fn list_newest(connection: &mut AsyncPgConnection, project_id: i32) -> Result<Vec<corrections::LoggedEdit>> {
    Ok(corrections::list_edits(connection, project_id, TimeRange::default(), MAX_LIMIT.into()).await?)
}
