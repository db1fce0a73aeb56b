//! The settings of the realtime service.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::http::HeaderValue;
use sluice_service::Env;

/// Everything that the service reads from the environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on (`SLUICE_WS_LISTEN`, default `0.0.0.0:3002`).
    pub listen: SocketAddr,
    /// The origins that browsers may connect from (`SLUICE_CORS_ORIGINS`, comma-separated; unset allows all).
    pub cors_origins: Vec<String>,
    /// Messages that may wait for one slow client (`SLUICE_WS_BUFFER`, default 256).
    pub buffer: usize,
    /// How long sockets get to close when the service ends (`SLUICE_WS_DRAIN`, default 10s).
    pub drain: Duration,
    /// The database.
    pub db: sluice_db::Config,
    /// The event bus.
    pub events: sluice_event_bus::Config,
    /// Tokens.
    pub access: sluice_access::Config,
}

impl Config {
    /// Reads all sections.
    pub fn read(env: &mut Env) -> Self {
        let listen = env.parsed("SLUICE_WS_LISTEN", SocketAddr::from((Ipv4Addr::UNSPECIFIED, 3002)));
        let cors_origins = env.list("SLUICE_CORS_ORIGINS");
        for origin in &cors_origins {
            if HeaderValue::from_str(origin).is_err() {
                env.problem("SLUICE_CORS_ORIGINS", &format!("{origin:?} is no origin"));
            }
        }
        let buffer = env.parsed("SLUICE_WS_BUFFER", 256_usize);
        if buffer < 16 {
            env.problem("SLUICE_WS_BUFFER", "must be at least 16");
        }
        Self {
            listen,
            cors_origins,
            buffer,
            drain: env.duration("SLUICE_WS_DRAIN", Duration::from_secs(10)),
            db: sluice_db::Config::read(env),
            events: sluice_event_bus::Config::read(env),
            access: sluice_access::Config::read(env),
        }
    }
}
