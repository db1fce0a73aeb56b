//! URLs that let a client put or get one object without credentials, for a while.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use chrono::{DateTime, Utc};

use crate::config::Config;
use crate::error::{Error, Result};

/// Signs URLs for the public endpoint.
#[derive(Debug, Clone)]
pub struct Presigner {
    client: Client,
    bucket: String,
    lifetime: Duration,
}

/// A signed request, to be sent exactly so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// The URL.
    pub url: String,
    /// Headers that are part of the signature.
    pub headers: Vec<(String, String)>,
    /// When it is good no longer.
    pub expires_at: DateTime<Utc>,
}

impl Presigner {
    /// A signer by the settings.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            client: config.client(&config.public_endpoint),
            bucket: config.bucket.clone(),
            lifetime: config.url_lifetime,
        }
    }

    /// Signs a PUT of exactly this type and length.
    ///
    /// # Errors
    /// When the SDK can't sign.
    pub async fn put(
        &self,
        key: &str,
        content_type: &str,
        size_bytes: u64,
        now: DateTime<Utc>,
    ) -> Result<SignedRequest> {
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .content_length(i64::try_from(size_bytes).unwrap_or(i64::MAX))
            .presigned(self.window(now)?)
            .await
            .map_err(|error| sign_error("signing an upload", error))?;
        Ok(self.signed(&request, now))
    }

    /// Signs a GET that the browser shows inline under the given name.
    ///
    /// # Errors
    /// When the SDK can't sign.
    pub async fn get(
        &self,
        key: &str,
        content_type: &str,
        disposition: &str,
        now: DateTime<Utc>,
    ) -> Result<SignedRequest> {
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .response_content_type(content_type)
            .response_content_disposition(disposition)
            .presigned(self.window(now)?)
            .await
            .map_err(|error| sign_error("signing a download", error))?;
        Ok(self.signed(&request, now))
    }

    fn window(&self, now: DateTime<Utc>) -> Result<PresigningConfig> {
        PresigningConfig::builder()
            .start_time(SystemTime::from(now))
            .expires_in(self.lifetime)
            .build()
            .map_err(|error| sign_error("choosing a lifetime", error))
    }

    fn signed(&self, request: &PresignedRequest, now: DateTime<Utc>) -> SignedRequest {
        SignedRequest {
            url: request.uri().to_owned(),
            headers: request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            expires_at: now + self.lifetime,
        }
    }
}

fn sign_error(operation: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Refused { operation, source: source.into() }
}
