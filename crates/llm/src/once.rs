//! The transport under the library: each request is sent once.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::{HttpRequestFactory, ReqwestService};
use futures_util::future::BoxFuture;

/// What a provider asks us to wait, told beside the error, which has no place for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RetryAfter(Arc<Mutex<Option<Duration>>>);

impl RetryAfter {
    pub(crate) fn read(&self) -> Option<Duration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, wait: Option<Duration>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = wait;
    }
}

/// Sends each request once: retries are decided in one place, and that is not here.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    pub(crate) service: ReqwestService,
    pub(crate) retry_after: RetryAfter,
}

impl tower::Service<HttpRequestFactory> for Once {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let sent = self.service.call(request);
        let retry_after = self.retry_after.clone();
        Box::pin(async move {
            let response = sent.await?;
            let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            retry_after.note(wait.map(Duration::from_secs));
            Ok(response)
        })
    }
}
