#![doc = include_str!("../README.md")]

mod grid;

pub mod concepts;
pub mod confidence;
pub mod cost;
pub mod data_filter;
pub mod decimal;
pub mod doubt;
pub mod einvoice;
pub mod estimate;
pub mod field;
pub mod fingerprint;
pub mod generate;
pub mod grounding;
pub mod merge;
pub mod ocr_result;
pub mod outline;
pub mod prompt;
pub mod reply;
pub mod required;
pub mod response_form;
pub mod rows;
pub mod rule;
pub mod schema;
pub mod scoring;
pub mod scripts;
pub mod tables;
pub mod tokens;
pub mod validate;
pub mod windows;
