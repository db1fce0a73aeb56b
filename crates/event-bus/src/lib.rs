#![doc = include_str!("../README.md")]

mod config;
mod error;
mod keys;
mod publisher;
mod subscriber;

pub use config::Config;
pub use error::{Error, Result};
pub use publisher::Publisher;
pub use subscriber::{BusMessage, NumberedEvents, Payload, Subscriber};
