#![doc = include_str!("../README.md")]

mod config;
mod error;
pub mod protocol;
mod sandbox;
mod script;
mod script_runner;

pub use config::Config;
pub use error::{Error, Result};
pub use sandbox::{DocumentReading, Reading, Sandbox};
pub use script::{LogLine, Script, ScriptError, ScriptKind, ScriptRun};
pub use script_runner::ScriptRunner;
