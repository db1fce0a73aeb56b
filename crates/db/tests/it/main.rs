#![cfg(test)]

//! Queries on a real Postgres.

mod jobs;
mod manifest_lists;
mod manifest_plans;
mod uploads;
