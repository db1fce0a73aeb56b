//! Foreign libraries stop here.

pub(crate) mod openai;
