#![doc = include_str!("../README.md")]

pub mod audit;
mod authenticator;
mod config;
mod error;
mod keys;
mod lockout;
pub mod ownership;
mod password;
mod token;

pub use audit::{Actor, Origin};
pub use authenticator::{Authenticator, Identity, SignedIn, Standing};
pub use config::Config;
pub use error::{Error, Result};
pub use keys::{ApiKeyScope, KeyScope, MintedKey};
pub use ownership::Access;
pub use password::Passwords;
