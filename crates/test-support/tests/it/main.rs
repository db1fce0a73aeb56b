#![cfg(test)]

//! The helpers themselves. Beside what they prove, they make `cargo test` build `sluice-test-servers`.

mod llm;
mod postgres;
mod proxy;
mod suites;
