//! How long models may take.

use std::time::Duration;

use sluice_service::Env;

/// The section `SLUICE_LLM_*` that both services read.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long one answer may take (`SLUICE_LLM_CALL_TIMEOUT`, default 10m): a model on a CPU reads for minutes.
    pub call_timeout: Duration,
    /// How long an answer that has begun may pause (`SLUICE_LLM_IDLE_TIMEOUT`, default 2m).
    pub idle_timeout: Duration,
}

impl Config {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Self {
        Self {
            call_timeout: env.duration("SLUICE_LLM_CALL_TIMEOUT", Duration::from_secs(600)),
            idle_timeout: env.duration("SLUICE_LLM_IDLE_TIMEOUT", Duration::from_secs(120)),
        }
    }
}
