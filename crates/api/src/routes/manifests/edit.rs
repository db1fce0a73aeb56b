//! Edits by a person, and what is logged of them.

use actix_web::web::{Data, Json};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Value, json};
use sluice_access::{Identity, ownership};
use sluice_core::{ManifestId, ProjectId};
use sluice_db::AsyncPgConnection;
use sluice_db::models::manifests::Manifest;
use sluice_db::models::manifests::edit::{self, ManifestChanges};
use sluice_db::models::operation_logs::{self, NewOperationLog};
use utoipa::ToSchema;

use super::citations::Regrounding;
use super::diff::diff;
use super::dto::ManifestDto;
use crate::error::{ApiError, Code, Result};
use crate::extract::{Body, Fields, Input, Path, User};
use crate::state::AppState;

const STATUSES: &[&str] = &["pending", "processing", "completed", "partial", "failed"];
/// After so many edits in a project, there is enough to learn from.
const EDITS_FOR_FEEDBACK: i64 = 10;

/// What a person sends.
#[derive(Debug)]
pub(crate) struct Edit {
    changes: ManifestChanges,
    allow_validation_errors: bool,
    is_explicit: bool,
    /// Where the changed values are on the pages.
    regrounding: Option<Regrounding>,
}

/// A manifest after an edit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EditedDto {
    #[serde(flatten)]
    manifest: ManifestDto,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<EditMeta>,
}

/// What follows from an edit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EditMeta {
    /// There are enough edits in the project to learn from.
    correction_feedback_available: bool,
}

enum Outcome {
    Edited { manifest: Box<Manifest>, offers_feedback: bool },
    HasErrors(i64),
}

/// `PATCH /manifests/{id}`
pub(crate) async fn update_manifest(
    state: Data<AppState>,
    User(user): User,
    Path(id): Path<ManifestId>,
    Body(edit): Body<Edit>,
) -> Result<Json<EditedDto>> {
    let project = ownership::check_manifest(&mut *state.connection().await?, &user, id).await?;
    let regrounding = match &edit.changes.extracted_data {
        Some(data) => Some(Regrounding::find(&state, id, data.clone().unwrap_or_default()).await?),
        None => None,
    };
    let edit = Edit { regrounding, ..edit };
    let work = state
        .pool
        .transaction(move |connection| Box::pin(async move { apply(connection, id, project, edit, &user).await }));
    match work.await {
        Ok(Outcome::Edited { manifest, offers_feedback }) => Ok(Json(EditedDto {
            manifest: (*manifest).into(),
            meta: offers_feedback.then_some(EditMeta { correction_feedback_available: true }),
        })),
        Ok(Outcome::HasErrors(count)) => {
            let message = format!("Manifest has {count} validation error(s)");
            Err(ApiError::new(Code::ManifestValidationFailed, message).with_params(json!({"errorCount": count})))
        }
        // It was deleted meanwhile.
        Err(sluice_db::Error::NotFound) => Err(sluice_access::Error::NoManifest(id).into()),
        Err(error) => Err(error.into()),
    }
}

impl Input for Edit {
    fn read(fields: &mut Fields) -> Self {
        let invoice_date = |text: Option<String>| text.as_deref().and_then(parse_date);
        Self {
            changes: ManifestChanges {
                status: fields.string("status").enumeration(STATUSES).optional(),
                confidence: fields.number("confidence").min(0.0).max(1.0).nullable(),
                human_verified: fields.boolean("humanVerified").optional(),
                extracted_data: fields.object("extractedData").nullable().map(|data| data.map(Value::Object)),
                purchase_order: fields.string("purchaseOrder").nullable(),
                invoice_date: fields
                    .string("invoiceDate")
                    .format("matches", "date", |text| parse_date(text).is_some())
                    .nullable()
                    .map(invoice_date),
                department: fields.string("department").nullable(),
            },
            allow_validation_errors: fields.boolean("allowValidationErrors").optional().unwrap_or_default(),
            is_explicit: fields.string("saveSource").optional().is_some_and(|source| source == "explicit"),
            regrounding: None,
        }
    }
}

/// A date, or the date of a time.
fn parse_date(text: &str) -> Option<NaiveDate> {
    let day = text.split_once('T').map_or(text, |(day, _)| day);
    NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()
}

async fn apply(
    connection: &mut AsyncPgConnection,
    id: ManifestId,
    project: ProjectId,
    edit: Edit,
    user: &Identity,
) -> sluice_db::Result<Outcome> {
    let before = edit::lock(connection, id.0).await?;
    let mut changes = edit.changes;
    let errors = error_count(before.validation_results.as_ref());
    if changes.human_verified == Some(true) && errors > 0 && !edit.allow_validation_errors {
        return Ok(Outcome::HasErrors(errors));
    }
    let is_content = changes.extracted_data.is_some()
        || changes.purchase_order.is_some()
        || changes.invoice_date.is_some()
        || changes.department.is_some();
    if is_content && changes.human_verified.is_none() && before.human_verified {
        changes.human_verified = Some(false);
    }
    let diffs = match &changes.extracted_data {
        Some(after) if edit.is_explicit => {
            let nothing = Value::Null;
            diff(before.extracted_data.as_ref().unwrap_or(&nothing), after.as_ref().unwrap_or(&nothing))
        }
        _ => Vec::new(),
    };
    if let Some(regrounding) = edit.regrounding {
        regrounding.apply(connection, id, before.extracted_data.as_ref().unwrap_or(&Value::Null)).await?;
    }
    let manifest = edit::update(connection, id.0, &changes).await?;
    let log = |action: &str, diffs: Value| NewOperationLog {
        manifest_id: id.0,
        user_id: Some(user.user_id.0),
        username: user.username.clone(),
        action: action.to_owned(),
        diffs,
    };
    let mut offers_feedback = false;
    if !diffs.is_empty() {
        operation_logs::insert(connection, &log("manual_edit", json!(diffs))).await?;
        let edits = operation_logs::count_of_project(connection, project.0, "manual_edit").await?;
        offers_feedback = edits % EDITS_FOR_FEEDBACK == 0;
    }
    if manifest.human_verified && !before.human_verified {
        operation_logs::insert(connection, &log("human_verified", json!([]))).await?;
    }
    Ok(Outcome::Edited { manifest: Box::new(manifest), offers_feedback })
}

fn error_count(results: Option<&Value>) -> i64 {
    results.and_then(|results| results.get("errorCount")).and_then(Value::as_i64).unwrap_or(0)
}
