#![doc = include_str!("../README.md")]

pub mod cost;
pub mod data_filter;
pub mod field;
pub mod fingerprint;
pub mod generate;
pub mod ocr_result;
pub mod prompt;
pub mod reply;
pub mod required;
pub mod response_form;
pub mod rule;
pub mod schema;
pub mod scripts;
pub mod tables;
pub mod validate;
