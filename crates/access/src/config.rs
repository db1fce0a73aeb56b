//! Tokens and lockout.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sluice_service::Env;

/// HS256 wants a key at least as long as its hash (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// The section `SLUICE_JWT_*` and `SLUICE_LOCKOUT_*`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The key that tokens are signed with, 32 bytes or more (`SLUICE_JWT_SECRET`).
    pub jwt_secret: SecretString,
    /// How long a token is good for (`SLUICE_JWT_LIFETIME`, default 7d).
    pub jwt_lifetime: Duration,
    /// Whether wrong passwords lock an account for a while (`SLUICE_LOCKOUT_ENABLED`, default true).
    pub lockout_enabled: bool,
    /// Wrong passwords for a name in a day, from all networks together, above which only networks that its user has signed
    /// in from before may try (`SLUICE_LOCKOUT_SPREAD`, default 50).
    pub spread_limit: i32,
}

impl Config {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Self {
        let jwt_secret = env.secret("SLUICE_JWT_SECRET");
        let length = jwt_secret.expose_secret().len();
        if (1..MIN_SECRET_BYTES).contains(&length) {
            env.problem("SLUICE_JWT_SECRET", &format!("has {length} bytes, at least {MIN_SECRET_BYTES} are needed"));
        }
        let spread_limit = env.parsed("SLUICE_LOCKOUT_SPREAD", 50);
        if spread_limit < 1 {
            env.problem("SLUICE_LOCKOUT_SPREAD", "must be at least 1");
        }
        Self {
            jwt_secret,
            jwt_lifetime: env.duration("SLUICE_JWT_LIFETIME", Duration::from_secs(7 * 86_400)),
            lockout_enabled: env.flag("SLUICE_LOCKOUT_ENABLED", true),
            spread_limit,
        }
    }
}
