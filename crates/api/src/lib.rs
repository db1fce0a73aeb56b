#![doc = include_str!("../README.md")]

mod application;
mod audit;
mod config;
mod connection;
mod error;
mod extract;
mod figures;
mod generator;
mod key_routes;
mod middleware;
mod ndjson;
mod openapi;
mod respond;
mod routes;
mod state;
mod wire;

pub use application::{Application, BuildError};
pub use config::Config;
pub use error::{ApiError, Code};
pub use middleware::client_ip::{InvalidNetwork, Network};
pub use openapi::document as openapi;
