#![cfg(test)]

//! The service over HTTP, on real servers.
#![expect(clippy::disallowed_methods, reason = "tasks end with the runtime of their test")]

mod access;
mod api_keys;
mod audit_log;
mod auth;
mod budgets;
mod citations;
mod corrections;
mod envelope;
mod export_scripts;
mod exports;
mod extractors;
mod fixture;
mod generators;
mod groups;
mod health;
mod jobs;
mod limits;
mod manifest_lists;
mod manifests;
mod metrics;
mod models;
mod ocr;
mod openapi;
mod project_reports;
mod projects;
mod prompts;
mod schema_rules;
mod schemas;
mod triggers;
mod truths;
mod uploads;
mod validation;
