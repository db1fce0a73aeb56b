#![cfg(test)]

//! The worker on real servers, with real children and a scripted model.
#![expect(clippy::disallowed_methods, reason = "tasks end with the runtime of their test")]

mod bench;
mod budget;
mod checks;
mod citations;
mod einvoice;
mod extraction;
mod fields;
mod long_documents;
mod models;
mod remote;
mod stages;
mod sweeper;
