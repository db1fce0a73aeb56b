//! All URLs, one line each.

use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Responder};

use self::Method::{Delete, Get, Patch, Post, Put};
use crate::error::Code::{self, Conflict, Forbidden, NotFound, OcrService, OcrTimeout, Unauthorized};
use crate::error::{ApiError, Result};
use crate::openapi::Describe;

mod auth;
mod docs;
mod extractors;
mod groups;
mod health;
mod jobs;
mod manifests;
mod models;
mod projects;
mod publishing;
mod runs;
mod schemas;
pub(crate) mod uploads;
mod wizard;

/// What is asked of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Patch,
    Put,
    Delete,
}

/// Takes the routes: the router to serve them, the description to describe them.
pub(crate) trait Register {
    /// Takes one: where it is, what it does, the codes of errors that the types of its handler do not tell.
    fn route<F, Args>(&mut self, place: (Method, &'static str), summary: &str, codes: &[Code], handler: F)
    where
        F: Handler<Args>,
        Args: FromRequest + Describe + 'static,
        F::Output: Responder + Describe + 'static;
}

/// Hands over all routes. Of two that match the first one counts, so literal segments stand before ids. Every route
/// needs a token, except those listed in `middleware::authenticate`.
pub(crate) fn register(to: &mut impl Register) {
    register_service(to);
    register_projects(to);
    register_connections(to);
    register_schemas(to);
    register_uploads(to);
    register_manifests(to);
    register_jobs(to);
}

#[rustfmt::skip]
fn register_service(to: &mut impl Register) {
    // Health
    to.route((Get, "/health"), "Says that the service answers", &[], health::show_health);
    to.route((Get, "/health/live"), "Says that the process lives", &[], health::show_liveness);
    to.route((Get, "/health/ready"), "Says whether all that the service needs is up", &[], health::show_readiness);
    to.route((Get, "/openapi.json"), "Describes this API", &[], docs::show_openapi);
    to.route((Get, "/docs"), "Leads to the page of this description", &[], docs::redirect_to_docs);
    to.route((Get, "/docs/{file:.*}"), "Shows this description as a page", &[], docs::show_docs);
    // Auth
    to.route((Post, "/auth/login"), "Signs in with name and password", &[Unauthorized], auth::log_in);
    to.route((Get, "/auth/profile"), "Shows who asks", &[], auth::show_profile);
    to.route((Post, "/auth/change-password"), "Sets another password for oneself", &[], auth::change_password);
    to.route((Post, "/auth/users/{id}/unlock"), "Lets somebody sign in again after too many wrong passwords", &[], auth::unlock_user);
}

#[rustfmt::skip]
fn register_projects(to: &mut impl Register) {
    // Projects
    to.route((Post, "/projects/wizard"), "Makes a project with its schema, rules and scripts", &[NotFound], wizard::create_with_wizard);
    to.route((Post, "/projects"), "Makes a project", &[NotFound], projects::create_project);
    to.route((Get, "/projects"), "Lists own projects", &[], projects::list_projects);
    to.route((Get, "/projects/{id}"), "Shows a project", &[], projects::show_project);
    to.route((Patch, "/projects/{id}"), "Changes a project", &[], projects::update_project);
    to.route((Put, "/projects/{id}/extractor"), "Sets the extractor of a project", &[], projects::set_extractor);
    to.route((Delete, "/projects/{id}"), "Deletes a project with all that it holds", &[], projects::delete_project);
    // Groups
    to.route((Post, "/projects/{projectId}/groups"), "Makes a group in a project", &[], groups::create_group);
    to.route((Get, "/projects/{projectId}/groups"), "Lists the groups of a project with their counts", &[], groups::list_groups);
    to.route((Get, "/groups/{id}"), "Shows a group", &[], groups::show_group);
    to.route((Patch, "/groups/{id}"), "Renames a group", &[], groups::update_group);
    to.route((Delete, "/groups/{id}"), "Deletes a group with its manifests", &[], groups::delete_group);
}

#[rustfmt::skip]
fn register_connections(to: &mut impl Register) {
    // Models
    to.route((Get, "/models/adapters"), "Lists the kinds of models and their parameters", &[], models::list_adapters);
    to.route((Get, "/models"), "Lists models, newest first", &[], models::list_models);
    to.route((Post, "/models"), "Makes a model", &[], models::create_model);
    to.route((Get, "/models/{id}"), "Shows a model", &[], models::show_model);
    to.route((Patch, "/models/{id}"), "Changes a model", &[], models::update_model);
    to.route((Patch, "/models/{id}/pricing"), "Sets the prices of a model", &[], models::update_pricing);
    to.route((Delete, "/models/{id}"), "Deletes a model that no project uses", &[Conflict], models::delete_model);
    to.route((Post, "/models/{id}/test"), "Asks a model for a word to see whether it answers", &[], models::test_model);
    // Extractors
    to.route((Get, "/extractors/types"), "Lists the kinds of extractors and their parameters", &[], extractors::list_types);
    to.route((Get, "/extractors/presets"), "Lists settings to begin with", &[], extractors::list_presets);
    to.route((Get, "/extractors"), "Lists extractors, newest first", &[], extractors::list_extractors);
    to.route((Post, "/extractors"), "Makes an extractor", &[], extractors::create_extractor);
    to.route((Get, "/extractors/{id}"), "Shows an extractor", &[], extractors::show_extractor);
    to.route((Patch, "/extractors/{id}"), "Changes an extractor", &[], extractors::update_extractor);
    to.route((Delete, "/extractors/{id}"), "Deletes an extractor", &[], extractors::delete_extractor);
    to.route((Post, "/extractors/{id}/test"), "Tries whether an extractor can work", &[], extractors::test_extractor);
}

#[rustfmt::skip]
fn register_schemas(to: &mut impl Register) {
    to.route((Post, "/schemas/validate"), "Checks whether a JSON schema is valid", &[], schemas::validate_schema);
    to.route((Post, "/schemas"), "Makes a schema in a project", &[Forbidden], schemas::create_schema);
    to.route((Get, "/schemas"), "Lists schemas, newest first", &[], schemas::list_schemas);
    to.route((Get, "/schemas/project/{projectId}"), "Lists the schemas of a project, newest first", &[], schemas::list_schemas_of_project);
    to.route((Get, "/schemas/{id}"), "Shows a schema", &[], schemas::show_schema);
    to.route((Patch, "/schemas/{id}"), "Changes a schema in place", &[], schemas::update_schema);
    to.route((Delete, "/schemas/{id}"), "Deletes a schema", &[], schemas::delete_schema);
}

#[rustfmt::skip]
fn register_uploads(to: &mut impl Register) {
    to.route((Post, "/groups/{groupId}/uploads"), "Asks for a URL to put a file to", &[], uploads::create_upload);
    to.route((Post, "/groups/{groupId}/uploads/{uploadId}/complete"), "Checks an uploaded file and makes its manifest", &[Conflict], uploads::complete_upload);
    to.route((Post, "/groups/{groupId}/manifests"), "Uploads a file", &[], uploads::upload_manifest);
    to.route((Post, "/groups/{groupId}/manifests/upload"), "Uploads a file", &[], uploads::upload_manifest_by_alias);
    to.route((Post, "/groups/{groupId}/manifests/batch"), "Uploads up to 20 files", &[], uploads::upload_manifests);
}

#[rustfmt::skip]
fn register_manifests(to: &mut impl Register) {
    to.route((Get, "/groups/{groupId}/manifests"), "Lists the manifests of a group", &[], manifests::list_manifests);
    to.route((Get, "/manifests/{id}"), "Shows a manifest", &[], manifests::show_manifest);
    to.route((Patch, "/manifests/{id}"), "Changes data or state of a manifest", &[], manifests::update_manifest);
    to.route((Delete, "/manifests/{id}"), "Deletes a manifest with its file", &[], manifests::delete_manifest);
    to.route((Get, "/manifests/{id}/pdf-file"), "Sends the file of a manifest", &[], manifests::show_file);
    to.route((Get, "/manifests/{id}/file-url"), "Signs a URL of the file of a manifest", &[], manifests::show_file_url);
    to.route((Get, "/manifests/{id}/ocr"), "Shows the text of a manifest", &[], manifests::show_ocr);
    to.route((Post, "/manifests/{id}/ocr/refresh"), "Reads the text of a manifest anew and waits for it", &[OcrService, OcrTimeout], manifests::refresh_ocr);
    to.route((Post, "/manifests/{id}/ocr/refresh-job"), "Reads the text of a manifest anew", &[], manifests::queue_ocr);
    to.route((Post, "/manifests/extract-bulk"), "Extracts the data of many manifests", &[Forbidden, NotFound], manifests::extract_manifests);
    to.route((Post, "/manifests/{id}/extract"), "Extracts the data of a manifest", &[], manifests::extract_manifest);
    to.route((Post, "/manifests/{id}/re-extract"), "Extracts one field of a manifest anew", &[], manifests::re_extract_field);
    to.route((Post, "/extraction/re-extract/{manifestId}"), "Extracts the data of a manifest", &[], manifests::re_extract_manifest);
    to.route((Get, "/manifests/{id}/extraction-history"), "Lists the jobs of a manifest, newest first", &[], manifests::list_extraction_history);
    to.route((Get, "/manifests/{id}/extraction-history/{jobId}"), "Shows a job of a manifest with its prompts and answer", &[], manifests::show_extraction);
    to.route((Get, "/manifests/{id}/ocr-history"), "Lists the jobs of a manifest that only read its text", &[], manifests::list_ocr_history);
}

#[rustfmt::skip]
fn register_jobs(to: &mut impl Register) {
    to.route((Get, "/jobs/stats"), "Counts jobs by state", &[], jobs::show_job_stats);
    to.route((Get, "/jobs/history"), "Lists jobs, newest first", &[], jobs::list_job_history);
    to.route((Get, "/jobs/queue/stats"), "Counts the queue's jobs by state", &[], jobs::show_queue_stats);
    to.route((Post, "/jobs/queue/pause"), "Lets workers take no more jobs", &[], jobs::pause_queue);
    to.route((Post, "/jobs/queue/resume"), "Lets workers take jobs again", &[], jobs::resume_queue);
    to.route((Post, "/jobs/extraction"), "Extracts the data of anybody's manifest", &[NotFound], jobs::create_extraction_job);
    to.route((Get, "/jobs"), "Lists everybody's jobs, newest first", &[], jobs::list_jobs);
    to.route((Get, "/jobs/{queueJobId}"), "Shows a job", &[], jobs::show_job);
    to.route((Delete, "/jobs/{queueJobId}"), "Takes a job out of the queue", &[Conflict], jobs::remove_job);
    to.route((Post, "/jobs/{queueJobId}/cancel"), "Cancels a job", &[], jobs::cancel_job);
}

/// Adds all routes to the service.
pub(crate) fn configure(config: &mut ServiceConfig) {
    let mut router = Router(Some(web::scope("/api")));
    register(&mut router);
    if let Some(api) = router.0 {
        config.service(api.default_service(web::to(refuse)));
    }
    config.default_service(web::to(refuse));
}

struct Router(Option<actix_web::Scope>);

impl Register for Router {
    fn route<F, Args>(&mut self, (method, path): (Method, &'static str), _summary: &str, _codes: &[Code], handler: F)
    where
        F: Handler<Args>,
        Args: FromRequest + Describe + 'static,
        F::Output: Responder + Describe + 'static,
    {
        let route = match method {
            Get => web::get(),
            Post => web::post(),
            Patch => web::patch(),
            Put => web::put(),
            Delete => web::delete(),
        };
        self.0 = self.0.take().map(|scope| scope.route(path, route.to(handler)));
    }
}

async fn refuse(request: HttpRequest) -> Result<HttpResponse> {
    let path = request.uri().path_and_query().map_or_else(|| request.path().to_owned(), ToString::to_string);
    Err(ApiError::not_found(format!("Cannot {} {path}", request.method())))
}
