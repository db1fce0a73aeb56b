#![doc = include_str!("../README.md")]

mod config;
mod error;
mod explain;
pub mod migrate;
pub mod models;
mod pool;
mod prepared;
#[expect(missing_docs, reason = "generated from the migrations, which hold the comments")]
#[rustfmt::skip]
pub mod schema;

pub use config::Config;
pub use diesel_async::AsyncPgConnection;
pub use error::{Error, Result};
pub use pool::{Connection, Pool};
