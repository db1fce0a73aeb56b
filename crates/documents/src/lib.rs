#![doc = include_str!("../README.md")]

mod error;
mod image;
mod layout;
mod ocr;
mod orient;
mod pdf;
mod reader;
mod soundness;
mod tesseract;

pub use error::{Error, Result};
pub use layout::set_on_grid;
pub use reader::{Progress, Reader, ReaderConfig};
