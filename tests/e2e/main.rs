#![cfg(test)]
//! The services as processes, seen from outside.

mod broken;
mod client;
mod eval;
mod fuzz;
mod journey;
mod restarts;
mod services;
mod standalone;
mod users;

use std::time::Duration;

/// How long anything may take before a test gives up.
const LONG: Duration = Duration::from_secs(45);
