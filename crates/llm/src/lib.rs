#![doc = include_str!("../README.md")]

mod capabilities;
mod client;
mod config;
mod deltas;
mod dialect;
mod endpoint;
mod error;
mod once;
mod probe;
mod question;

pub use capabilities::{Capabilities, ResponseFormat, TokenLimit};
pub use client::Client;
pub use config::Config;
pub use deltas::{Answer, Deltas};
pub use endpoint::Endpoint;
pub use error::{Error, Result};
pub use probe::Found;
pub use question::{Detail, Format, Image, Message, Question, Role};
