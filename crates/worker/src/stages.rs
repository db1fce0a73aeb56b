//! The stages, one file each; they share nothing.

mod emit;
mod llm_extract;
mod load;
mod persist;
mod text_extract;
mod validate;

pub(crate) use emit::Emit;
pub(crate) use llm_extract::LlmExtract;
pub(crate) use load::Load;
pub(crate) use persist::{Persist, Result};
pub(crate) use text_extract::TextExtract;
pub(crate) use validate::Validate;
