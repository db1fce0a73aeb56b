#![cfg(test)]

//! The service over HTTP, on real servers.
#![expect(clippy::disallowed_methods, reason = "tasks end with the runtime of their test")]

mod auth;
mod envelope;
mod extractors;
mod fixture;
mod groups;
mod health;
mod jobs;
mod limits;
mod manifest_lists;
mod manifests;
mod models;
mod projects;
mod schemas;
mod uploads;
