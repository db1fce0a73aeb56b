#![doc = include_str!("../README.md")]

mod config;
mod error;
pub mod keys;
mod presign;
mod s3;

pub use config::Config;
pub use error::{Error, Result};
pub use presign::{Presigner, SignedRequest};
pub use s3::{ObjectStream, S3Store, StreamedObject};
