//! All URLs, one line each.

use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Responder};

use self::Method::{Delete, Get, Patch, Post, Put};
use crate::error::Code::{self, BadRequest, Conflict, Forbidden, NotFound, OcrService, OcrTimeout, Unauthorized};
use crate::error::{ApiError, Result};
use crate::openapi::Describe;

mod api_keys;
mod audit_log;
mod auth;
mod docs;
mod estimates;
mod export_scripts;
mod exports;
mod extractors;
mod groups;
mod health;
mod jobs;
mod manifests;
mod metrics;
mod models;
mod projects;
mod prompts;
mod publishing;
mod runs;
mod schemas;
mod scripts;
mod truths;
pub(crate) mod uploads;
mod validation;
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
    register_prompts(to);
    register_schemas(to);
    register_generators(to);
    register_scripts(to);
    register_uploads(to);
    // Before `/manifests/{id}/…`, which would take "export" for an id.
    register_exports(to);
    register_manifests(to);
    register_jobs(to);
    register_metrics(to);
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
    to.route((Post, "/auth/sign-out-everywhere"), "Ends all own tokens, also the one that asks", &[], auth::sign_out_everywhere);
    to.route((Post, "/auth/users/{id}/unlock"), "Lets somebody sign in again after too many wrong passwords", &[], auth::unlock_user);
    to.route((Get, "/audit-log"), "Lists what was done that matters to security, newest first", &[BadRequest, Forbidden, NotFound], audit_log::list_audit_log);
    // Keys of programs
    to.route((Post, "/projects/{id}/api-keys"), "Makes an API key of a project and tells it this once", &[Conflict], api_keys::create_api_key);
    to.route((Get, "/projects/{id}/api-keys"), "Lists the API keys of a project, newest first", &[], api_keys::list_api_keys);
    to.route((Delete, "/api-keys/{id}"), "Revokes an API key", &[], api_keys::revoke_api_key);
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
    to.route((Get, "/projects/{id}/cost-summary"), "Adds up what the manifests of a project cost", &[], projects::show_project_costs);
    to.route((Get, "/projects/{id}/cost-by-date-range"), "Adds up what the manifests of a project cost that were made in a span of days", &[], projects::show_project_costs_of_range);
    to.route((Get, "/projects/{id}/analytics"), "Counts how the manifests of a project fare", &[], projects::show_analytics);
    to.route((Get, "/projects/{id}/analytics/recommendations"), "Says what would make extractions better", &[], projects::show_recommendations);
    to.route((Get, "/projects/{id}/operation-logs"), "Lists what people did in a project, newest first", &[], projects::list_project_logs);
    to.route((Get, "/projects/{id}/truths"), "Lists the manifests of a project that have a truth, the last saved first", &[], truths::list_truths);
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
    to.route((Get, "/extractors/cost-summaries"), "Adds up what own manifests cost, by extractor", &[], extractors::list_extractor_costs);
    to.route((Get, "/extractors/{id}/cost-summary"), "Adds up what own manifests cost that an extractor read", &[], extractors::show_extractor_costs);
    to.route((Get, "/extractors"), "Lists extractors, newest first", &[], extractors::list_extractors);
    to.route((Post, "/extractors"), "Makes an extractor", &[], extractors::create_extractor);
    to.route((Get, "/extractors/{id}"), "Shows an extractor", &[], extractors::show_extractor);
    to.route((Patch, "/extractors/{id}"), "Changes an extractor", &[], extractors::update_extractor);
    to.route((Delete, "/extractors/{id}"), "Deletes an extractor", &[], extractors::delete_extractor);
    to.route((Post, "/extractors/{id}/test"), "Tries whether an extractor can work", &[], extractors::test_extractor);
}

#[rustfmt::skip]
fn register_prompts(to: &mut impl Register) {
    to.route((Post, "/prompts"), "Makes a prompt", &[], prompts::create_prompt);
    to.route((Get, "/prompts"), "Lists prompts, newest first", &[], prompts::list_prompts);
    to.route((Get, "/prompts/{id}"), "Shows a prompt", &[], prompts::show_prompt);
    to.route((Patch, "/prompts/{id}"), "Changes a prompt", &[], prompts::update_prompt);
    to.route((Delete, "/prompts/{id}"), "Deletes a prompt", &[], prompts::delete_prompt);
    to.route((Post, "/extraction/optimize-prompt"), "Improves a description of what is to be extracted", &[], prompts::optimize_prompt);
}

#[rustfmt::skip]
fn register_schemas(to: &mut impl Register) {
    to.route((Post, "/schemas/validate"), "Checks whether a JSON schema is valid", &[], schemas::validate_schema);
    to.route((Post, "/schemas/validate-with-required"), "Checks data against a JSON schema and its required fields", &[], schemas::check::validate_with_required);
    to.route((Post, "/schemas/import"), "Reads a JSON schema from a file", &[], schemas::check::import_schema);
    to.route((Post, "/schemas"), "Makes a schema in a project", &[Forbidden], schemas::create_schema);
    to.route((Get, "/schemas"), "Lists schemas, newest first", &[], schemas::list_schemas);
    to.route((Get, "/schemas/project/{projectId}"), "Lists the schemas of a project, newest first", &[], schemas::list_schemas_of_project);
    to.route((Post, "/schemas/{id}/correction-analysis"), "Says what people corrected", &[], schemas::analyze_corrections);
    to.route((Get, "/schemas/{id}/correction-summary"), "Counts what people corrected", &[], schemas::show_correction_summary);
    to.route((Get, "/schemas/{id}/correction-suggestions"), "Suggests rules from what people corrected", &[], schemas::list_correction_suggestions);
    to.route((Get, "/schemas/{id}/generate-domain-hints"), "Draws hints on the text from what people corrected", &[], schemas::generate_domain_hints);
    to.route((Get, "/schemas/{id}"), "Shows a schema", &[], schemas::show_schema);
    to.route((Patch, "/schemas/{id}"), "Changes a schema in place", &[], schemas::update_schema);
    to.route((Delete, "/schemas/{id}"), "Deletes a schema", &[], schemas::delete_schema);
    // Rules
    to.route((Get, "/schemas/{schemaId}/rules"), "Lists the rules of a schema, most urgent first", &[], schemas::rules::list_schema_rules);
    to.route((Post, "/schemas/{schemaId}/rules"), "Makes a rule of a schema", &[], schemas::rules::create_schema_rule);
    to.route((Patch, "/schemas/{schemaId}/rules/{ruleId}"), "Changes a rule of a schema", &[], schemas::rules::update_schema_rule);
    to.route((Delete, "/schemas/{schemaId}/rules/{ruleId}"), "Deletes a rule of a schema", &[], schemas::rules::delete_schema_rule);
}

#[rustfmt::skip]
fn register_generators(to: &mut impl Register) {
    to.route((Post, "/schemas/generate"), "Lets a model write a JSON schema", &[], schemas::generate::generate_schema);
    to.route((Post, "/schemas/generate-rules"), "Lets a model write rules for a JSON schema", &[], schemas::generate::generate_rules);
    to.route((Post, "/schemas/{id}/generate-rules"), "Lets a model write rules for a schema", &[], schemas::generate::generate_rules_of_schema);
    to.route((Post, "/schemas/{id}/generate-prompt-rules"), "Lets a model write prompt rules for a schema", &[], schemas::prompt_rules::generate_prompt_rules);
    to.route((Post, "/schemas/{id}/generate-prompt-rules/stream"), "Lets a model write prompt rules, line by line", &[], schemas::prompt_rules::stream_prompt_rules);
    to.route((Post, "/schemas/{id}/generate-prompt-rules-from-corrections/stream"), "Lets a model write prompt rules from what people corrected, line by line", &[], schemas::prompt_rules::stream_prompt_rules_from_corrections);
    to.route((Post, "/validation/scripts/generate"), "Lets a model write a validation script", &[], validation::generate::generate_validation_script);
}

#[rustfmt::skip]
fn register_scripts(to: &mut impl Register) {
    // Validation
    to.route((Post, "/validation/run"), "Checks a manifest with scripts and stores what they find", &[Forbidden, NotFound], validation::run_validation);
    to.route((Post, "/validation/batch"), "Checks many manifests with scripts", &[], validation::run_validation_batch);
    to.route((Post, "/validation/scripts/validate-syntax"), "Says whether a validation script can be used", &[], validation::check_validation_script);
    to.route((Post, "/validation/scripts/test"), "Tries a validation script on data", &[], validation::try_validation_script);
    to.route((Post, "/validation/scripts"), "Makes a validation script in a project", &[Forbidden], validation::create_validation_script);
    to.route((Get, "/validation/scripts"), "Lists validation scripts, newest first", &[], validation::list_validation_scripts);
    to.route((Get, "/validation/scripts/project/{projectId}"), "Lists the validation scripts of a project, newest first", &[], validation::list_validation_scripts_of_project);
    to.route((Get, "/validation/scripts/{id}"), "Shows a validation script", &[], validation::show_validation_script);
    to.route((Post, "/validation/scripts/{id}"), "Changes a validation script", &[], validation::update_validation_script);
    to.route((Delete, "/validation/scripts/{id}"), "Deletes a validation script", &[], validation::delete_validation_script);
    // Export scripts
    to.route((Post, "/export-scripts/validate-syntax"), "Says whether an export script can be used", &[], export_scripts::check_export_script);
    to.route((Post, "/export-scripts/test"), "Tries an export script on data", &[], export_scripts::try_export_script);
    to.route((Post, "/export-scripts"), "Makes an export script in a project", &[Forbidden], export_scripts::create_export_script);
    to.route((Get, "/export-scripts"), "Lists export scripts, newest first", &[], export_scripts::list_export_scripts);
    to.route((Get, "/export-scripts/project/{projectId}"), "Lists the export scripts of a project in the order in which they run", &[], export_scripts::list_export_scripts_of_project);
    to.route((Get, "/export-scripts/{id}"), "Shows an export script", &[], export_scripts::show_export_script);
    to.route((Post, "/export-scripts/{id}"), "Changes an export script", &[], export_scripts::update_export_script);
    to.route((Delete, "/export-scripts/{id}"), "Deletes an export script", &[], export_scripts::delete_export_script);
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
fn register_exports(to: &mut impl Register) {
    to.route((Get, "/manifests/export/csv"), "Exports own manifests that match as CSV", &[], exports::export_csv);
    to.route((Post, "/manifests/export/csv"), "Exports own manifests of a list as CSV", &[], exports::export_selected_csv);
    to.route((Get, "/manifests/export/xlsx"), "Exports own manifests that match as a workbook", &[], exports::export_xlsx);
    to.route((Post, "/manifests/export/xlsx"), "Exports own manifests of a list as a workbook", &[], exports::export_selected_xlsx);
    to.route((Post, "/manifests/export-bulk"), "Exports own manifests of a list as CSV", &[], exports::export_bulk);
}

#[rustfmt::skip]
fn register_manifests(to: &mut impl Register) {
    to.route((Get, "/groups/{groupId}/manifests"), "Lists the manifests of a group", &[], manifests::list_manifests);
    to.route((Get, "/groups/{groupId}/manifests/ids"), "Lists the ids of all manifests that match", &[], manifests::list_manifest_ids);
    to.route((Post, "/groups/{groupId}/manifests/delete-bulk"), "Deletes manifests of a group with their files", &[], manifests::delete_manifests);
    to.route((Get, "/manifests/{id}"), "Shows a manifest", &[], manifests::show_manifest);
    to.route((Patch, "/manifests/{id}"), "Changes data or state of a manifest", &[], manifests::update_manifest);
    to.route((Delete, "/manifests/{id}"), "Deletes a manifest with its file", &[], manifests::delete_manifest);
    to.route((Get, "/manifests/{id}/pdf-file"), "Sends the file of a manifest", &[], manifests::show_file);
    to.route((Get, "/manifests/{id}/file-url"), "Signs a URL of the file of a manifest", &[], manifests::show_file_url);
    to.route((Get, "/manifests/{id}/pdf"), "Leads to the file of a manifest", &[], manifests::redirect_to_file);
    to.route((Get, "/uploads/{path:.*}"), "Sends a stored file", &[], manifests::show_stored_file);
    to.route((Get, "/manifests/{id}/items"), "Lists nothing: items stand in the extracted data", &[], manifests::list_items);
    to.route((Put, "/manifests/{id}/truth"), "Saves what is right for a manifest, by default what was extracted", &[], truths::save_truth);
    to.route((Get, "/manifests/{id}/truth"), "Shows what is right for a manifest", &[], truths::show_truth);
    to.route((Delete, "/manifests/{id}/truth"), "Forgets what is right for a manifest", &[], truths::delete_truth);
    to.route((Get, "/manifests/{id}/operation-logs"), "Lists what people did to a manifest, newest first", &[], manifests::list_operation_logs);
    to.route((Get, "/manifests/{id}/citations"), "Lists where the values of a manifest are printed", &[], manifests::list_citations);
    to.route((Get, "/manifests/{id}/pages"), "Lists the pages of a manifest that are known", &[], manifests::list_pages);
    to.route((Get, "/manifests/{id}/pages/{page}/words"), "Shows the words of a page with their places", &[NotFound], manifests::show_words);
    to.route((Get, "/manifests/{id}/pages/{page}/image"), "Signs a URL of a picture of a page", &[NotFound], manifests::show_page_image);
    to.route((Get, "/manifests/{id}/ocr"), "Shows the text of a manifest", &[], manifests::show_ocr);
    to.route((Post, "/manifests/{id}/ocr/refresh"), "Reads the text of a manifest anew and waits for it", &[OcrService, OcrTimeout], manifests::refresh_ocr);
    to.route((Post, "/manifests/{id}/ocr/refresh-job"), "Reads the text of a manifest anew", &[], manifests::queue_ocr);
    to.route((Post, "/groups/{groupId}/manifests/extract-filtered"), "Extracts the data of all manifests of a group that match", &[], manifests::extract_matching_manifests);
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
    to.route((Get, "/jobs/history"), "Lists jobs, newest first", &[Forbidden, NotFound], jobs::list_job_history);
    to.route((Get, "/jobs/queue/stats"), "Counts the queue's jobs by state", &[], jobs::show_queue_stats);
    to.route((Post, "/jobs/queue/pause"), "Lets workers take no more jobs", &[], jobs::pause_queue);
    to.route((Post, "/jobs/queue/resume"), "Lets workers take jobs again", &[], jobs::resume_queue);
    to.route((Post, "/jobs/extraction"), "Extracts the data of anybody's manifest", &[NotFound], jobs::create_extraction_job);
    to.route((Get, "/jobs"), "Lists everybody's jobs, newest first", &[], jobs::list_jobs);
    to.route((Get, "/jobs/{queueJobId}"), "Shows a job", &[], jobs::show_job);
    to.route((Delete, "/jobs/{queueJobId}"), "Takes a job out of the queue", &[Conflict], jobs::remove_job);
    to.route((Get, "/jobs/{queueJobId}/timeline"), "Shows where the time of a job went: its stages and its calls of models", &[], jobs::show_timeline);
    to.route((Post, "/jobs/{queueJobId}/cancel"), "Cancels a job", &[], jobs::cancel_job);
}

#[rustfmt::skip]
fn register_metrics(to: &mut impl Register) {
    to.route((Get, "/metrics/dashboard"), "Shows what own documents cost this month and the last", &[], metrics::show_dashboard);
    to.route((Get, "/metrics/cost-dashboard"), "Adds up what own documents cost, by day, model and extractor", &[], metrics::show_cost_dashboard);
    to.route((Get, "/metrics/cost-accuracy"), "Compares estimated costs with actual ones, newest first", &[], metrics::list_cost_accuracy);
    to.route((Get, "/metrics/cost-per-document"), "Lists what runs over own documents cost, newest first", &[], metrics::list_cost_per_document);
    to.route((Get, "/metrics/budget-alerts"), "Shows how much of a month's budget a project has used", &[NotFound, Forbidden], metrics::list_budget_alerts);
    to.route((Get, "/metrics/ocr-cost-per-page"), "Shows what a page costs, by extractor", &[], metrics::list_ocr_cost_per_page);
    to.route((Get, "/metrics/llm-cost-per-token"), "Shows what tokens cost, by model", &[], metrics::list_llm_cost_per_token);
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

/// Notes the places in their order.
#[cfg(test)]
#[derive(Default)]
struct Places(Vec<(Method, &'static str)>);

#[cfg(test)]
impl Register for Places {
    fn route<F, Args>(&mut self, place: (Method, &'static str), _summary: &str, _codes: &[Code], _handler: F)
    where
        F: Handler<Args>,
        Args: FromRequest + Describe + 'static,
        F::Output: Responder + Describe + 'static,
    {
        self.0.push(place);
    }
}

/// All routes, such as `GET /projects/{id}`.
#[cfg(test)]
pub(crate) fn places() -> impl Iterator<Item = String> {
    let mut places = Places::default();
    register(&mut places);
    places.0.into_iter().map(|(method, path)| format!("{} {path}", format!("{method:?}").to_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the first path takes all that the second one is meant for.
    fn hides(first: &str, second: &str) -> bool {
        let rest = first.split_once("{").filter(|(_, name)| name.ends_with(":.*}")).map(|(start, _)| start);
        if rest.is_some_and(|start| second.starts_with(start)) {
            return true;
        }
        let (first, second): (Vec<_>, Vec<_>) = (first.split('/').collect(), second.split('/').collect());
        first.len() == second.len()
            && first.iter().zip(&second).all(|(first, second)| first.starts_with('{') || first == second)
    }

    #[test]
    fn no_route_is_hidden_by_one_before_it() {
        let mut places = Places::default();
        register(&mut places);
        for (number, (method, path)) in places.0.iter().enumerate() {
            let hider = places.0[..number].iter().find(|(other, first)| other == method && hides(first, path));
            assert_eq!(hider, None, "{path}");
        }
    }

    #[test]
    fn a_route_is_hidden_by_one_that_takes_any_word_in_its_place() {
        assert!(hides("/jobs/{id}", "/jobs/stats"));
        assert!(hides("/a/{rest:.*}", "/a/b/c"));
        assert!(!hides("/jobs/stats", "/jobs/{id}"));
        assert!(!hides("/jobs/{id}", "/jobs/queue/stats"));
    }
}
