#![doc = include_str!("../README.md")]

mod attachments;
mod error;
mod image;
mod ink;
mod layer;
mod layout;
mod merge;
mod number;
mod ocr;
mod orient;
mod page;
mod pdf;
mod picture;
mod reader;
mod script;
mod soundness;
mod tesseract;

pub use error::{Error, Result};
pub use layout::set_on_grid;
pub use reader::{Progress, Reader, ReaderConfig};
