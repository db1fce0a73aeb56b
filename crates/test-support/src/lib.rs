#![doc = include_str!("../README.md")]

pub mod builders;
pub mod documents;
pub mod einvoices;
pub mod eventually;
pub mod fakes;
pub mod llm;
pub mod paddle_ocr;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod s3;
pub mod servers;
pub mod suites;

pub use eventually::eventually;
pub use llm::{Dialect, Reply, ScriptedLlm};
pub use paddle_ocr::{OcrReply, ScriptedPaddleOcr};
pub use process::Process;
pub use proxy::ChaosProxy;
pub use servers::Servers;
