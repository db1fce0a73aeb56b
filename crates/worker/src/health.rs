//! The worker's signs of life, over HTTP.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use sluice_service::Shutdown;
use tokio::net::TcpListener;

use crate::wiring::Ports;

/// Answers until shutdown.
pub(crate) async fn serve(listener: TcpListener, ports: Ports, shutdown: Shutdown) {
    let router =
        Router::new().route("/health/live", get(async || "ok")).route("/health/ready", get(ready)).with_state(ports);
    let served = axum::serve(listener, router).with_graceful_shutdown(async move { shutdown.triggered().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "the health port failed");
    }
}

async fn ready(State(ports): State<Ports>) -> (StatusCode, String) {
    let (db, queue, storage) = tokio::join!(ports.pool.check(), ports.producer.check(), ports.storage.check());
    let parts = [("postgres", db.is_ok()), ("redis", queue.is_ok()), ("storage", storage.is_ok())];
    let status = if parts.iter().all(|(_, up)| *up) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let words = parts.map(|(name, up)| format!("{name}: {}", if up { "up" } else { "down" }));
    (status, words.join("\n"))
}
