//! Whether the service lives, and whether it can do its work.

use std::future::Future;
use std::time::Duration;

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, http};
use serde::Serialize;
use serde_json::{Value, json};
use sluice_service::ErrorChain;

use crate::state::AppState;
use crate::wire;

/// How long a dependency may take to give a sign of life; probes give up soon.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize)]
struct Readiness {
    status: &'static str,
    timestamp: String,
    checks: Value,
}

/// GET /health
pub(crate) async fn show_health(state: Data<AppState>) -> Json<Value> {
    Json(json!({"status": "ok", "timestamp": wire::iso(state.clock.now())}))
}

/// GET /health/live
pub(crate) async fn show_liveness(state: Data<AppState>) -> Json<Value> {
    show_health(state).await
}

/// GET /health/ready
pub(crate) async fn show_readiness(state: Data<AppState>) -> HttpResponse {
    let (postgres, queue, events, storage) = tokio::join!(
        is_up("postgres", state.pool.check()),
        is_up("redis", state.producer.check()),
        is_up("redis", state.publisher.check()),
        is_up("storage", state.store.check()),
    );
    let redis = queue && events;
    let is_ready = postgres && redis && storage;
    let word = |up: bool| if up { "up" } else { "down" };
    let body = Readiness {
        status: if is_ready { "ok" } else { "unavailable" },
        timestamp: wire::iso(state.clock.now()),
        checks: json!({"postgres": word(postgres), "redis": word(redis), "storage": word(storage)}),
    };
    if is_ready {
        return HttpResponse::Ok().json(body);
    }
    let mut response = HttpResponse::build(http::StatusCode::SERVICE_UNAVAILABLE).json(body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

async fn is_up<E>(name: &str, check: impl Future<Output = Result<(), E>>) -> bool
where
    E: std::error::Error + 'static,
{
    match tokio::time::timeout(CHECK_TIMEOUT, check).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(dependency = name, error = %ErrorChain(&error), "a dependency is down");
            false
        }
        Err(_) => {
            tracing::warn!(dependency = name, "a dependency does not answer in time");
            false
        }
    }
}
