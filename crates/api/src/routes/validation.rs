//! Validation of extracted data by scripts.

pub(crate) mod generate;
