//! How often a client may call a handler; all replicas count together, in Redis.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use sluice_access::ApiKeyScope;
use sluice_queue::{Counters, Window};
use sluice_service::ErrorChain;

use crate::config::Config;
use crate::error::{ApiError, Code};
use crate::middleware::client_ip::{Network, client_ip};

const WINDOW: Duration = Duration::from_secs(60);
const DEFAULT_LIMIT: u64 = 120;
/// Guessing passwords must be slow.
const LOGIN: (&str, u64) = ("/api/auth/login", 5);
/// Handlers that are asked all the time: probes, and a page's poll.
const EXEMPT: [&str; 4] = ["/api/health", "/api/health/live", "/api/health/ready", "/api/manifests/{id}/items"];
/// How long a count may take; without Redis requests go on uncounted.
const COUNT_TIMEOUT: Duration = Duration::from_millis(500);
/// How long Redis is left alone after it did not answer.
const PAUSE: Duration = Duration::from_secs(2);

/// Counts requests.
#[derive(Debug)]
pub(crate) struct RateLimit {
    enabled: bool,
    counters: Counters,
    trusted: Vec<Network>,
    paused_until: Mutex<Option<Instant>>,
}

impl RateLimit {
    pub(crate) fn new(config: &Config, counters: Counters) -> Self {
        Self {
            enabled: config.rate_limit_enabled,
            counters,
            trusted: config.trusted_proxies.clone(),
            paused_until: Mutex::new(None),
        }
    }

    /// Counts a request; `None` when it is not limited or can't be counted.
    async fn count(&self, request: &ServiceRequest) -> Option<(u64, Window)> {
        let client = client_ip(request, &self.trusted)?;
        self.count_for(request, &client.to_string()).await
    }

    /// Counts a request of an API key, wherever it comes from; answers the window when there were too many.
    pub(crate) async fn count_key(&self, request: &ServiceRequest, key: &ApiKeyScope) -> Option<Window> {
        let (limit, window) = self.count_for(request, &format!("key-{}", key.prefix)).await?;
        (window.count > limit).then_some(window)
    }

    /// The answer to one request too many.
    pub(crate) fn refuse(request: ServiceRequest, window: Window) -> ServiceResponse<BoxBody> {
        let error = ApiError::new(Code::TooManyRequests, "ThrottlerException: Too Many Requests");
        let mut response = request.error_response(error);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds_left(window)));
        response
    }

    async fn count_for(&self, request: &ServiceRequest, client: &str) -> Option<(u64, Window)> {
        let pattern = request.match_pattern().filter(|pattern| !EXEMPT.contains(&pattern.as_str()))?;
        if !self.enabled || self.is_paused() {
            return None;
        }
        let limit = if pattern == LOGIN.0 { LOGIN.1 } else { DEFAULT_LIMIT };
        let name = format!("throttle:{} {pattern}:{client}", request.method());
        match tokio::time::timeout(COUNT_TIMEOUT, self.counters.count(&name, WINDOW)).await {
            Ok(Ok(window)) => return Some((limit, window)),
            Ok(Err(error)) => tracing::warn!(error = %ErrorChain(&error), "requests are not counted"),
            Err(error) => tracing::warn!(error = %ErrorChain(&error), "requests are not counted"),
        }
        self.pause();
        None
    }

    fn is_paused(&self) -> bool {
        self.paused_until.lock().is_ok_and(|until| until.is_some_and(|until| Instant::now() < until))
    }

    fn pause(&self) {
        if let Ok(mut until) = self.paused_until.lock() {
            *until = Some(Instant::now() + PAUSE);
        }
    }
}

/// Refuses a request above the limit.
pub(crate) async fn check(
    rate_limit: web::Data<RateLimit>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let counted = rate_limit.count(&request).await;
    let mut response = match counted {
        Some((limit, window)) if window.count > limit => RateLimit::refuse(request, window),
        _ => next.call(request).await?.map_into_boxed_body(),
    };
    if let Some((limit, window)) = counted {
        add_headers(response.headers_mut(), limit, window);
    }
    Ok(response)
}

/// Rounded up: who comes back at the second told is let in.
fn seconds_left(window: Window) -> u64 {
    window.ends_in.as_secs().saturating_add(1)
}

fn add_headers(headers: &mut HeaderMap, limit: u64, window: Window) {
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(limit));
    let remaining = limit.saturating_sub(window.count);
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(remaining));
    headers.insert(HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(seconds_left(window)));
}
