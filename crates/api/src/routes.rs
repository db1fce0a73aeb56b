//! All URLs, one line each.

use actix_web::web::{ServiceConfig, delete, get, patch, post, put, scope, to};
use actix_web::{HttpRequest, HttpResponse};

use crate::error::{ApiError, Result};

mod auth;
mod exports;
mod extractors;
mod groups;
mod health;
mod jobs;
mod manifests;
mod models;
mod projects;
mod publishing;
mod schemas;
mod uploads;
mod wizard;

/// Adds all routes. Of two that match the first one counts, so literal segments stand before ids. Every route needs a
/// token, except those listed in `middleware::authenticate`.
#[rustfmt::skip]
pub(crate) fn configure(config: &mut ServiceConfig) {
    let api = scope("/api")
        // Health
        .route("/health", get().to(health::show_health))
        .route("/health/live", get().to(health::show_liveness))
        .route("/health/ready", get().to(health::show_readiness))
        // Auth
        .route("/auth/login", post().to(auth::log_in))
        .route("/auth/profile", get().to(auth::show_profile))
        // Projects
        .route("/projects/wizard", post().to(wizard::create_with_wizard))
        .route("/projects", post().to(projects::create_project))
        .route("/projects", get().to(projects::list_projects))
        .route("/projects/{id}", get().to(projects::show_project))
        .route("/projects/{id}", patch().to(projects::update_project))
        .route("/projects/{id}/extractor", put().to(projects::set_extractor))
        .route("/projects/{id}", delete().to(projects::delete_project))
        // Groups
        .route("/projects/{projectId}/groups", post().to(groups::create_group))
        .route("/projects/{projectId}/groups", get().to(groups::list_groups))
        .route("/groups/{id}", get().to(groups::show_group))
        .route("/groups/{id}", patch().to(groups::update_group))
        .route("/groups/{id}", delete().to(groups::delete_group))
        // Models
        .route("/models/adapters", get().to(models::list_adapters))
        .route("/models", get().to(models::list_models))
        .route("/models", post().to(models::create_model))
        .route("/models/{id}", get().to(models::show_model))
        .route("/models/{id}", patch().to(models::update_model))
        .route("/models/{id}/pricing", patch().to(models::update_pricing))
        .route("/models/{id}", delete().to(models::delete_model))
        .route("/models/{id}/test", post().to(models::test_model))
        // Extractors
        .route("/extractors/types", get().to(extractors::list_types))
        .route("/extractors/presets", get().to(extractors::list_presets))
        .route("/extractors", get().to(extractors::list_extractors))
        .route("/extractors", post().to(extractors::create_extractor))
        .route("/extractors/{id}", get().to(extractors::show_extractor))
        .route("/extractors/{id}", patch().to(extractors::update_extractor))
        .route("/extractors/{id}", delete().to(extractors::delete_extractor))
        .route("/extractors/{id}/test", post().to(extractors::test_extractor))
        // Schemas
        .route("/schemas/validate", post().to(schemas::validate_schema))
        .route("/schemas", post().to(schemas::create_schema))
        .route("/schemas", get().to(schemas::list_schemas))
        .route("/schemas/project/{projectId}", get().to(schemas::list_schemas_of_project))
        .route("/schemas/{id}", get().to(schemas::show_schema))
        .route("/schemas/{id}", patch().to(schemas::update_schema))
        .route("/schemas/{id}", delete().to(schemas::delete_schema))
        // Uploads
        .route("/groups/{groupId}/uploads", post().to(uploads::create_upload))
        .route("/groups/{groupId}/uploads/{uploadId}/complete", post().to(uploads::complete_upload))
        .route("/groups/{groupId}/manifests", post().to(uploads::upload_manifest))
        .route("/groups/{groupId}/manifests/upload", post().to(uploads::upload_manifest))
        .route("/groups/{groupId}/manifests/batch", post().to(uploads::upload_manifests))
        // Manifests
        .route("/groups/{groupId}/manifests", get().to(manifests::list_manifests))
        .route("/manifests/export/csv", get().to(exports::export_csv))
        .route("/manifests/export/csv", post().to(exports::export_selected_csv))
        .route("/manifests/export/xlsx", get().to(exports::export_xlsx))
        .route("/manifests/export/xlsx", post().to(exports::export_selected_xlsx))
        .route("/manifests/export-bulk", post().to(exports::export_bulk))
        .route("/manifests/{id}", get().to(manifests::show_manifest))
        .route("/manifests/{id}", patch().to(manifests::update_manifest))
        .route("/manifests/{id}", delete().to(manifests::delete_manifest))
        .route("/manifests/{id}/pdf-file", get().to(manifests::show_file))
        .route("/manifests/{id}/file-url", get().to(manifests::show_file_url))
        .route("/manifests/{id}/ocr", get().to(manifests::show_ocr))
        .route("/manifests/{id}/extract", post().to(manifests::extract_manifest))
        .route("/manifests/{id}/extraction-history", get().to(manifests::list_extraction_history))
        .route("/manifests/{id}/extraction-history/{jobId}", get().to(manifests::show_extraction))
        .route("/manifests/{id}/ocr-history", get().to(manifests::list_ocr_history))
        // Jobs
        .route("/jobs/stats", get().to(jobs::show_job_stats))
        .route("/jobs/history", get().to(jobs::list_job_history))
        .route("/jobs/{queueJobId}/cancel", post().to(jobs::cancel_job))
        // Later: prompts, schema rules, validation, export scripts, exports, metrics
        .default_service(to(refuse));
    config.service(api).default_service(to(refuse));
}

async fn refuse(request: HttpRequest) -> Result<HttpResponse> {
    let path = request.uri().path_and_query().map_or_else(|| request.path().to_owned(), ToString::to_string);
    Err(ApiError::not_found(format!("Cannot {} {path}", request.method())))
}
