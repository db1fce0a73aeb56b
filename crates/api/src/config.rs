//! The settings of the REST service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sluice_service::{Env, SecretBox};

use crate::middleware::client_ip::Network;

/// All settings of the REST service.
#[derive(Debug)]
pub struct Config {
    /// Where it listens (`SLUICE_API_LISTEN`, default `0.0.0.0:3000`; port 0 takes a free one).
    pub listen: SocketAddr,
    /// How long running requests may take to end at shutdown (`SLUICE_API_DRAIN`, default 20s).
    pub drain: Duration,
    /// How long a request may wait for the text of a manifest to be read anew (`SLUICE_API_OCR_TIMEOUT`, default 120s).
    pub ocr_timeout: Duration,
    /// Origins whose pages may call (`SLUICE_CORS_ORIGINS`, default: all).
    pub cors_origins: Vec<String>,
    /// Whether requests are limited (`SLUICE_RATE_LIMIT_ENABLED`, default true).
    pub rate_limit_enabled: bool,
    /// Networks of proxies whose `X-Forwarded-For` is believed (`SLUICE_TRUSTED_PROXIES`, such as `10.0.0.0/8`).
    pub trusted_proxies: Vec<Network>,
    /// Tokens and lockout.
    pub access: sluice_access::Config,
    /// Postgres.
    pub db: sluice_db::Config,
    /// The queue.
    pub queue: sluice_queue::Config,
    /// The bus.
    pub events: sluice_event_bus::Config,
    /// The store.
    pub storage: sluice_storage::Config,
    /// The sandbox, which users' scripts and tests of extractors run in.
    pub sandbox: sluice_sandbox::Config,
    /// How models are asked.
    pub llm: sluice_llm::Config,
    /// Seals the keys of models and extractors.
    pub secrets: Arc<SecretBox>,
}

impl Config {
    /// Reads all sections.
    pub fn read(env: &mut Env) -> Self {
        Self {
            listen: env.parsed("SLUICE_API_LISTEN", SocketAddr::from(([0, 0, 0, 0], 3000))),
            drain: env.duration("SLUICE_API_DRAIN", Duration::from_secs(20)),
            ocr_timeout: env.duration("SLUICE_API_OCR_TIMEOUT", Duration::from_secs(120)),
            cors_origins: env.list("SLUICE_CORS_ORIGINS"),
            rate_limit_enabled: env.flag("SLUICE_RATE_LIMIT_ENABLED", true),
            trusted_proxies: read_networks(env, "SLUICE_TRUSTED_PROXIES"),
            access: sluice_access::Config::read(env),
            db: sluice_db::Config::read(env),
            queue: sluice_queue::Config::read(env),
            events: sluice_event_bus::Config::read(env),
            storage: sluice_storage::Config::read(env),
            sandbox: sluice_sandbox::Config::read(env),
            llm: sluice_llm::Config::read(env),
            secrets: Arc::new(SecretBox::read(env)),
        }
    }
}

fn read_networks(env: &mut Env, name: &str) -> Vec<Network> {
    let mut networks = Vec::new();
    for text in env.list(name) {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(error) => env.problem(name, &format!("can't be read: {error}")),
        }
    }
    networks
}
