//! How to reach the store.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use secrecy::{ExposeSecret, SecretString};
use sluice_service::Env;
use url::Url;

/// The section `SLUICE_S3_*`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The URL that services use (`SLUICE_S3_ENDPOINT`).
    pub endpoint: String,
    /// The URL that signed URLs are made for (`SLUICE_S3_PUBLIC_ENDPOINT`, default: the endpoint).
    pub public_endpoint: String,
    /// The region (`SLUICE_S3_REGION`, default `us-east-1`).
    pub region: String,
    /// The bucket, which must exist (`SLUICE_S3_BUCKET`).
    pub bucket: String,
    /// The access key (`SLUICE_S3_ACCESS_KEY_ID`).
    pub access_key_id: String,
    /// Its secret (`SLUICE_S3_SECRET_ACCESS_KEY`).
    pub secret_access_key: SecretString,
    /// Whether the bucket stands in the path and not in the host (`SLUICE_S3_PATH_STYLE`, default true).
    pub path_style: bool,
    /// How long a signed URL is good for (`SLUICE_S3_URL_LIFETIME`, default 15m).
    pub url_lifetime: Duration,
}

impl Config {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Self {
        let endpoint = read_url(env, "SLUICE_S3_ENDPOINT", None);
        let public_endpoint = read_url(env, "SLUICE_S3_PUBLIC_ENDPOINT", Some(&endpoint));
        Self {
            endpoint,
            public_endpoint,
            region: env.string("SLUICE_S3_REGION", "us-east-1"),
            bucket: env.required("SLUICE_S3_BUCKET"),
            access_key_id: env.required("SLUICE_S3_ACCESS_KEY_ID"),
            secret_access_key: env.secret("SLUICE_S3_SECRET_ACCESS_KEY"),
            path_style: env.flag("SLUICE_S3_PATH_STYLE", true),
            url_lifetime: env.duration("SLUICE_S3_URL_LIFETIME", Duration::from_secs(900)),
        }
    }

    /// A client for one of the two endpoints.
    pub(crate) fn client(&self, endpoint: &str) -> Client {
        let credentials =
            Credentials::new(&self.access_key_id, self.secret_access_key.expose_secret(), None, None, "settings");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(60))
            .build();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .endpoint_url(endpoint)
            .credentials_provider(credentials)
            .force_path_style(self.path_style)
            .timeout_config(timeouts)
            // The SDK's newer default headers are refused by other stores than Amazon's.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Client::from_conf(config)
    }
}

fn read_url(env: &mut Env, name: &str, default: Option<&str>) -> String {
    let text = match default {
        Some(default) => env.string(name, default),
        None => env.required(name),
    };
    if !text.is_empty()
        && let Err(error) = Url::parse(&text)
    {
        env.problem(name, &format!("is no URL: {error}"));
    }
    text.trim_end_matches('/').to_owned()
}
