#![doc = include_str!("../README.md")]

pub mod env;
pub mod error_chain;
pub mod exit;
pub mod secret_box;
pub mod shutdown;
pub mod tasks;
pub mod telemetry;

pub use env::{Env, Problems, Redacted};
pub use error_chain::ErrorChain;
pub use exit::exit_code;
pub use secret_box::{SecretBox, random_bytes};
pub use shutdown::Shutdown;
pub use tasks::Tasks;
