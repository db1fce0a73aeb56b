#![doc = include_str!("../README.md")]

mod error;
pub mod paddle_ocr;
mod page;
pub mod vision;

pub use error::{Error, Result};
pub use page::{Element, PageSize, ReadPage};
