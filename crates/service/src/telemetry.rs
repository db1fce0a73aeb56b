//! Logs.

use tracing_subscriber::EnvFilter;

use crate::env::Env;

/// How logs are written.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which events are written, in `tracing`'s filter syntax (`SLUICE_LOG_LEVEL`, default `info`).
    pub filter: String,
    /// One JSON object a line instead of text (`SLUICE_LOG_JSON`, default off).
    pub json: bool,
}

impl Config {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Self {
        let filter = env.string("SLUICE_LOG_LEVEL", "info");
        if let Err(error) = EnvFilter::builder().parse(&filter) {
            env.problem("SLUICE_LOG_LEVEL", &format!("can't be read: {error}"));
        }
        Self { filter, json: env.flag("SLUICE_LOG_JSON", false) }
    }
}

/// Starts writing logs to standard error. A second call in the same process changes nothing.
pub fn init(config: &Config) {
    let filter = EnvFilter::new(&config.filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = if config.json { builder.json().try_init() } else { builder.try_init() };
    if installed.is_err() {
        tracing::debug!("logs were already started");
    }
}
