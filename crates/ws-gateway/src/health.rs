//! Whether the service lives, and whether it can serve.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use sluice_service::ErrorChain;

use crate::connection::Gateway;

/// The routes, under both names that probes know.
pub(crate) fn routes(gateway: Arc<Gateway>) -> Router {
    let mut router = Router::new();
    for prefix in ["/health", "/api/health"] {
        router = router.route(&format!("{prefix}/live"), get(live)).route(&format!("{prefix}/ready"), get(ready));
    }
    router.with_state(gateway)
}

async fn live() -> Response {
    reply(StatusCode::OK, &json!({"status": "ok"}))
}

async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    let (database, events) = tokio::join!(gateway.pool.check(), gateway.hub.subscriber().check());
    let database = word("database", database.as_ref().err().map(|error| ErrorChain(error)));
    let events = word("events", events.as_ref().err().map(|error| ErrorChain(error)));
    let (status, said) = match (database, events) {
        ("ok", "ok") => (StatusCode::OK, "ok"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    reply(status, &json!({"status": said, "checks": {"database": database, "events": events}}))
}

fn word(check: &str, error: Option<ErrorChain<'_>>) -> &'static str {
    match error {
        None => "ok",
        Some(error) => {
            tracing::warn!(check, "not ready: {error}");
            "unavailable"
        }
    }
}

fn reply(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
