#![doc = include_str!("../README.md")]

pub mod cost;
pub mod field;
pub mod fingerprint;
pub mod ocr_result;
pub mod prompt;
pub mod reply;
pub mod response_form;
pub mod schema;
pub mod validate;
