#![cfg(test)]

//! Queries on a real Postgres.

mod fixture;
mod jobs;
mod manifest_lists;
mod manifest_plans;
mod operation_logs;
mod uploads;
