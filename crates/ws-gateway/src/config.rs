//! The settings of the realtime service.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::http::HeaderValue;
use sluice_service::Env;

/// More often the database is not asked.
const MIN_RECHECK: Duration = Duration::from_millis(100);

/// Everything that the service reads from the environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on (`SLUICE_WS_LISTEN`, default `0.0.0.0:3002`).
    pub listen: SocketAddr,
    /// The origins that browsers may connect from (`SLUICE_CORS_ORIGINS`, comma-separated; unset allows all).
    pub cors_origins: Vec<String>,
    /// Messages that may wait for one slow client (`SLUICE_WS_BUFFER`, default 256).
    pub buffer: usize,
    /// How long a client may be too slow for its buffer before it is dropped (`SLUICE_WS_SLOW_LIMIT`, default 60s).
    pub slow_limit: Duration,
    /// How often it is checked whether the users and keys of live sockets are still good (`SLUICE_WS_RECHECK`, default 10s).
    pub recheck: Duration,
    /// Sockets of one user in this process (`SLUICE_WS_SOCKETS_PER_USER`, default 100).
    pub sockets_per_user: usize,
    /// Manifests that the sockets of one user in this process hear together (`SLUICE_WS_ROOMS_PER_USER`, default 10000).
    pub rooms_per_user: usize,
    /// Commands that one socket may send at once; a twentieth comes back every second (`SLUICE_WS_COMMANDS`, default 2000).
    pub commands: u32,
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
        let (sockets_per_user, rooms_per_user) =
            (env.parsed("SLUICE_WS_SOCKETS_PER_USER", 100), env.parsed("SLUICE_WS_ROOMS_PER_USER", 10_000));
        let commands = env.parsed("SLUICE_WS_COMMANDS", 2_000);
        for (name, is_zero) in [
            ("SLUICE_WS_SOCKETS_PER_USER", sockets_per_user == 0),
            ("SLUICE_WS_ROOMS_PER_USER", rooms_per_user == 0),
            ("SLUICE_WS_COMMANDS", commands == 0),
        ] {
            if is_zero {
                env.problem(name, "must be at least 1");
            }
        }
        let recheck = env.duration("SLUICE_WS_RECHECK", Duration::from_secs(10));
        if recheck < MIN_RECHECK {
            env.problem("SLUICE_WS_RECHECK", "must be at least 100ms");
        }
        Self {
            listen,
            cors_origins,
            buffer,
            slow_limit: env.duration("SLUICE_WS_SLOW_LIMIT", Duration::from_secs(60)),
            recheck,
            sockets_per_user,
            rooms_per_user,
            commands,
            drain: env.duration("SLUICE_WS_DRAIN", Duration::from_secs(10)),
            db: sluice_db::Config::read(env),
            events: sluice_event_bus::Config::read(env),
            access: sluice_access::Config::read(env),
        }
    }
}
