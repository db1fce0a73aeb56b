//! Whether the service lives, and whether it can do its work.

use std::future::Future;
use std::time::Duration;

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, http};
use serde::Serialize;
use sluice_service::ErrorChain;
use utoipa::ToSchema;

use crate::respond::{Raw, RawKind};
use crate::state::AppState;
use crate::wire;

/// How long a dependency may take to give a sign of life; probes give up soon.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// The service answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthDto {
    status: &'static str,
    timestamp: String,
}

#[derive(Debug, Serialize)]
struct ReadinessDto {
    status: &'static str,
    timestamp: String,
    checks: ChecksDto,
}

#[derive(Debug, Serialize)]
struct ChecksDto {
    postgres: &'static str,
    redis: &'static str,
    storage: &'static str,
}

/// Whether all is up; 503 has the same form, so it is no error's.
pub(crate) struct Readiness;

impl RawKind for Readiness {
    const STATUSES: &'static [u16] = &[200, 503];
    const CONTENT_TYPES: &'static [&'static str] = &["application/json"];
}

/// GET /health
pub(crate) async fn show_health(state: Data<AppState>) -> Json<HealthDto> {
    Json(HealthDto { status: "ok", timestamp: wire::iso(state.clock.now()) })
}

/// GET /health/live
pub(crate) async fn show_liveness(state: Data<AppState>) -> Json<HealthDto> {
    show_health(state).await
}

/// GET /health/ready
pub(crate) async fn show_readiness(state: Data<AppState>) -> Raw<Readiness> {
    let (postgres, queue, events, storage) = tokio::join!(
        is_up("postgres", state.pool.check()),
        is_up("redis", state.producer.check()),
        is_up("redis", state.publisher.check()),
        is_up("storage", state.store.check()),
    );
    let redis = queue && events;
    let is_ready = postgres && redis && storage;
    let word = |up: bool| if up { "up" } else { "down" };
    let body = ReadinessDto {
        status: if is_ready { "ok" } else { "unavailable" },
        timestamp: wire::iso(state.clock.now()),
        checks: ChecksDto { postgres: word(postgres), redis: word(redis), storage: word(storage) },
    };
    if is_ready {
        return HttpResponse::Ok().json(body).into();
    }
    let mut response = HttpResponse::build(http::StatusCode::SERVICE_UNAVAILABLE).json(body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response.into()
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
