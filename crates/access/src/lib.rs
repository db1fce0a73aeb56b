#![doc = include_str!("../README.md")]

mod authenticator;
mod config;
mod error;
pub mod ownership;
mod password;
mod token;

pub use authenticator::{Authenticator, Identity, SignedIn};
pub use config::Config;
pub use error::{Error, Result};
pub use ownership::Access;
pub use password::Passwords;
