#![doc = include_str!("../README.md")]

mod config;
mod consumer;
mod counters;
mod error;
mod keys;
mod producer;

pub use config::Config;
pub use consumer::{Cancellation, Consumer, Delivery, Outcome};
pub use counters::{Counters, Window};
pub use error::{Error, Result};
pub use producer::{Producer, QueueCounts, QueueState, Removal};
