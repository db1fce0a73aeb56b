//! Live sockets, checked again: users who are gone or whose tokens were ended, keys that were revoked.

use std::sync::Arc;
use std::time::Duration;

use sluice_service::{ErrorChain, Shutdown};
use tokio::time::MissedTickBehavior;

use crate::connection::Gateway;

/// Checks now and then until the end, all sockets together: what a thousand sockets of one user stand on is asked for once.
pub(crate) async fn run(gateway: Arc<Gateway>, every: Duration, end: Shutdown) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = end.triggered() => return,
        }
        gateway.lines.tidy();
        let standings = gateway.sockets.standings();
        if standings.is_empty() {
            continue;
        }
        // While the database is away nobody is thrown out, and nobody new gets in.
        match gateway.authenticator.list_fallen(&standings).await {
            Ok(fallen) if fallen.is_empty() => {}
            Ok(fallen) => {
                let count = gateway.sockets.end(&fallen);
                tracing::info!(count, "sockets whose token is good no more are closed");
            }
            Err(error) => tracing::warn!("sockets can't be checked again: {}", ErrorChain(&error)),
        }
    }
}
