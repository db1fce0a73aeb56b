//! Where the settings of services come from that this program starts.

use std::collections::HashMap;

use sluice_service::Env;

/// Beginnings of settings, after the first word, that one instance must not share with another.
const OF_ONE_INSTANCE: [&str; 9] =
    ["DB_", "REDIS_", "S3_", "QUEUE_PREFIX", "EVENTS_PREFIX", "API_", "WS_", "JWT_", "SECRETS_"];

/// Where settings come from that are not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// The process.
    Process,
    /// The process, but for what leads to servers.
    Apart,
}

/// The settings of the services.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) base: Base,
    pub(crate) added: HashMap<String, String>,
}

impl Base {
    pub(crate) fn env(self) -> Env {
        let process = std::sync::Mutex::new(Env::from_process());
        Env::from_lookup(move |name| {
            let section = name.strip_prefix("SLUICE_").unwrap_or(name);
            if self == Self::Apart && OF_ONE_INSTANCE.iter().any(|prefix| section.starts_with(prefix)) {
                return None;
            }
            process.lock().ok().and_then(|mut env| env.optional(name))
        })
    }
}

impl Settings {
    pub(crate) fn env(&self) -> Env {
        let added = self.added.clone();
        let base = std::sync::Mutex::new(self.base.env());
        Env::from_lookup(move |name| {
            added.get(name).cloned().or_else(|| base.lock().ok().and_then(|mut env| env.optional(name)))
        })
    }
}
