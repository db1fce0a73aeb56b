//! Who did what that matters to security.

use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sluice_access::audit::Action;
use sluice_access::{Access, ownership};
use sluice_core::ProjectId;
use sluice_db::models::audit_log::{self, AuditFilter, AuditRow};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Fields, Input, Query, User};
use crate::figures::parse_moment;
use crate::state::AppState;
use crate::wire;

const DEFAULT_LIMIT: i32 = 50;
const MAX_LIMIT: i32 = 200;

/// A page of the log, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditPage {
    data: Vec<AuditDto>,
    meta: AuditPageMeta,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuditPageMeta {
    limit: i32,
    /// What to ask for as `before` to get the next page; null when there is none.
    next_before: Option<i64>,
}

/// An entry of the log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuditDto {
    id: i64,
    #[serde(serialize_with = "wire::time")]
    at: DateTime<Utc>,
    /// Null for a name that nobody has, and for commands on the machine itself.
    user_id: Option<i32>,
    username: String,
    /// Says which key, when one acted.
    api_key_prefix: Option<String>,
    action: String,
    subject_kind: Option<String>,
    subject_id: Option<String>,
    project_id: Option<i32>,
    ip: Option<String>,
    request_id: Option<String>,
    #[schema(value_type = Object)]
    details: Value,
}

impl From<AuditRow> for AuditDto {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            user_id: row.user_id,
            username: row.username,
            api_key_prefix: row.api_key_prefix,
            action: row.action,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            project_id: row.project_id,
            ip: row.ip,
            request_id: row.request_id,
            details: row.details,
        }
    }
}

/// Which entries.
#[derive(Debug)]
pub(crate) struct AuditQuery {
    filter: AuditFilter,
    since: Option<String>,
    until: Option<String>,
    limit: i32,
}

impl Input for AuditQuery {
    fn read(fields: &mut Fields) -> Self {
        let before = fields.string("before").rule("isInt", |text| text.parse::<i64>().is_ok()).optional();
        let filter = AuditFilter {
            action: fields.string("action").one_of(&Action::WORDS).optional(),
            username: fields.string("user").optional(),
            project_id: fields.integer("projectId").optional(),
            before: before.and_then(|text| text.parse().ok()),
            ..AuditFilter::default()
        };
        let (since, until) = (fields.string("since").optional(), fields.string("until").optional());
        Self {
            filter,
            since,
            until,
            limit: fields.integer("limit").within(1, MAX_LIMIT).optional().unwrap_or(DEFAULT_LIMIT),
        }
    }
}

/// `GET /audit-log`: admins see all, owners what was done in a project, everybody what they did themselves.
pub(crate) async fn list_audit_log(
    state: Data<AppState>,
    User(user): User,
    Query(AuditQuery { mut filter, since, until, limit }): Query<AuditQuery>,
) -> Result<Json<AuditPage>> {
    filter.since = parse_moment("since", since)?;
    filter.until = parse_moment("until", until)?;
    let mut connection = state.connection().await?;
    if !user.is_admin {
        match filter.project_id {
            Some(project) => {
                ownership::load_project(&mut connection, &user, Access::Owner, ProjectId(project)).await?;
            }
            None => filter.user_id = Some(user.user_id.0),
        }
    }
    let mut rows = audit_log::list(&mut connection, &filter, i64::from(limit) + 1).await?;
    let page = usize::try_from(limit).unwrap_or_default();
    let has_more = rows.len() > page;
    rows.truncate(page);
    let next_before = rows.last().filter(|_| has_more).map(|row| row.id);
    Ok(Json(AuditPage {
        data: rows.into_iter().map(AuditDto::from).collect(),
        meta: AuditPageMeta { limit, next_before },
    }))
}
