#![doc = include_str!("../README.md")]

mod client;
mod config;
mod deltas;
mod endpoint;
mod error;
mod once;
mod question;

pub use client::Client;
pub use config::Config;
pub use deltas::{Answer, Deltas};
pub use endpoint::Endpoint;
pub use error::{Error, Result};
pub use question::{Detail, Format, Image, Message, Question, Role};
