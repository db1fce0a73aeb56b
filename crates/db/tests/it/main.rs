#![cfg(test)]

//! Queries on a real Postgres.

mod budgets;
mod fixture;
mod jobs;
mod manifest_lists;
mod manifest_plans;
mod operation_logs;
mod uploads;
