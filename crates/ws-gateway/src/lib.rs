#![doc = include_str!("../README.md")]

mod application;
mod commands;
mod config;
mod connection;
mod error;
mod health;
mod hub;
mod lines;
mod recheck;
mod rooms;
mod sockets;
mod throttle;

pub use application::Application;
pub use config::Config;
pub use error::{Error, Result};
