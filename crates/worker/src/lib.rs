#![doc = include_str!("../README.md")]

mod budget;
mod config;
mod einvoice;
mod error;
mod ground;
mod health;
pub mod pipeline;
mod reporter;
mod retention;
mod retry;
mod runner;
pub mod stages;
mod state;
mod sweeper;
mod wiring;

pub use config::Config;
pub use error::{Parked, StageError};
pub use pipeline::{NoObserver, StageObserver};
pub use wiring::Application;
