#![doc = include_str!("../README.md")]

mod config;
mod error;
pub mod protocol;
mod sandbox;

pub use config::Config;
pub use error::{Error, Result};
pub use sandbox::{DocumentReading, Reading, Sandbox};
