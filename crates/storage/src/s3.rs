//! The store itself.

use std::path::Path;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, CorsConfiguration, CorsRule};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use sluice_core::PortError;
use sluice_core::ports::{ObjectInfo, ObjectStore};
use tokio::io::AsyncWriteExt;

use crate::config::Config;
use crate::error::{Error, Result};

/// The least length of a part of a multipart upload, by the protocol; only the last may be shorter.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// Objects in one bucket of an S3-compatible store. Clones share the connections.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    bucket: String,
}

/// The bytes of an object as they arrive.
pub struct ObjectStream(ByteStream);

/// An object, or a range of one, being read.
#[derive(Debug)]
pub struct StreamedObject {
    /// Bytes that will come.
    pub size_bytes: u64,
    /// `bytes a-b/n` when a range was asked for.
    pub content_range: Option<String>,
    /// The bytes.
    pub stream: ObjectStream,
}

impl S3Store {
    /// A store by its settings; asks nothing yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self { client: config.client(&config.endpoint), bucket: config.bucket.clone() }
    }

    /// Makes the bucket when it is missing and lets browsers of the given origins (all when empty) use signed URLs.
    ///
    /// # Errors
    /// When the store does not answer or refuses.
    pub async fn ensure_bucket(&self, origins: &[String]) -> Result<()> {
        if self.check().await.is_err() {
            self.client
                .create_bucket()
                .bucket(&self.bucket)
                .send()
                .await
                .map_err(|error| classify("making the bucket", error))?;
        }
        let origins = if origins.is_empty() { vec!["*".to_owned()] } else { origins.to_vec() };
        let rule = CorsRule::builder()
            .set_allowed_origins(Some(origins))
            .set_allowed_methods(Some(["GET", "PUT", "HEAD"].map(str::to_owned).to_vec()))
            .allowed_headers("*")
            .expose_headers("ETag")
            .max_age_seconds(3600)
            .build()
            .map_err(|error| refused("writing the CORS rule", error))?;
        let rules =
            CorsConfiguration::builder().cors_rules(rule).build().map_err(|error| refused("the CORS rule", error))?;
        self.client
            .put_bucket_cors()
            .bucket(&self.bucket)
            .cors_configuration(rules)
            .send()
            .await
            .map_err(|error| classify("setting the CORS rule", error))?;
        Ok(())
    }

    /// Asks the store for a sign of life.
    ///
    /// # Errors
    /// When it does not answer, or the bucket is missing.
    pub async fn check(&self) -> Result<()> {
        self.client
            .head_bucket()
            .bucket(&self.bucket)
            .send()
            .await
            .map_err(|error| classify("asking for the bucket", error))?;
        Ok(())
    }

    /// Stores what a stream brings, in bounded memory: short ones in one request, long ones in parts of 5 MiB. Nothing
    /// remains when the stream fails. Answers the length.
    ///
    /// # Errors
    /// `Upload` with the stream's error, or what the store says.
    pub async fn put_stream<S, E>(&self, key: &str, content_type: &str, stream: S) -> Result<u64>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // A stream may not be asked again after its end, and the parts are filled without looking back.
        let mut stream = stream.fuse();
        let mut buffer = BytesMut::new();
        if fill(&mut buffer, &mut stream).await? {
            let length = length_of(&buffer);
            self.put_bytes(key, content_type, buffer.freeze()).await?;
            return Ok(length);
        }
        let created = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .send()
            .await
            .map_err(|error| classify("beginning an upload", error))?;
        let upload_id = created.upload_id().unwrap_or_default().to_owned();
        let result = self.put_parts(key, &upload_id, buffer, &mut stream).await;
        if result.is_err() {
            let aborted =
                self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(&upload_id).send().await;
            if let Err(error) = aborted {
                tracing::warn!(error = %error, "an upload could not be taken back");
            }
        }
        result
    }

    async fn put_parts<S, E>(&self, key: &str, upload_id: &str, mut buffer: BytesMut, stream: &mut S) -> Result<u64>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut parts = Vec::new();
        let mut total = 0;
        for number in 1_i32.. {
            let part = buffer.split().freeze();
            total += length_of(&part);
            let sent = self
                .client
                .upload_part()
                .bucket(&self.bucket)
                .key(key)
                .upload_id(upload_id)
                .part_number(number)
                .body(part.into())
                .send()
                .await
                .map_err(|error| classify("writing a part", error))?;
            parts.push(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build());
            let ended = fill(&mut buffer, stream).await?;
            if ended && buffer.is_empty() {
                break;
            }
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        self.client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload_id)
            .multipart_upload(parts)
            .send()
            .await
            .map_err(|error| classify("ending an upload", error))?;
        Ok(total)
    }

    async fn put_bytes(&self, key: &str, content_type: &str, bytes: Bytes) -> Result<()> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .body(bytes.into())
            .send()
            .await
            .map_err(|error| classify("writing", error))?;
        Ok(())
    }

    /// Reads an object, or the range that an HTTP `Range` header names, as it arrives.
    ///
    /// # Errors
    /// `NotFound`, or what the store says.
    pub async fn stream(&self, key: &str, range: Option<&str>) -> Result<StreamedObject> {
        let output = self.get_object(key, range).await?;
        Ok(StreamedObject {
            size_bytes: content_length(&output),
            content_range: output.content_range().map(str::to_owned),
            stream: ObjectStream(output.body),
        })
    }

    async fn get_object(&self, key: &str, range: Option<&str>) -> Result<GetObjectOutput> {
        self.client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .set_range(range.map(str::to_owned))
            .send()
            .await
            .map_err(|error| classify("reading", error))
    }

    async fn get_limited(&self, key: &str, limit_bytes: u64) -> Result<GetObjectOutput> {
        let output = self.get_object(key, None).await?;
        if content_length(&output) > limit_bytes {
            return Err(Error::TooLarge { limit_bytes });
        }
        Ok(output)
    }

    async fn head_object(&self, key: &str) -> Result<Option<ObjectInfo>> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(output) => Ok(Some(ObjectInfo {
                size_bytes: output.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0),
                content_type: output.content_type().map(str::to_owned),
            })),
            Err(error) => match classify("asking for an object", error) {
                Error::NotFound => Ok(None),
                error => Err(error),
            },
        }
    }

    async fn download_to(&self, key: &str, to: &Path, limit_bytes: u64) -> Result<u64> {
        let mut body = self.get_limited(key, limit_bytes).await?.body;
        let mut file = tokio::fs::File::create(to).await?;
        let mut total = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| unavailable("reading", error))?;
            total += length_of(&chunk);
            if total > limit_bytes {
                return Err(Error::TooLarge { limit_bytes });
            }
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        Ok(total)
    }

    async fn delete_object(&self, key: &str) -> Result<()> {
        match self.client.delete_object().bucket(&self.bucket).key(key).send().await {
            Ok(_) => Ok(()),
            Err(error) => match classify("removing", error) {
                Error::NotFound => Ok(()),
                error => Err(error),
            },
        }
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn put(&self, key: &str, content_type: &str, bytes: Bytes) -> std::result::Result<(), PortError> {
        self.put_bytes(key, content_type, bytes).await.map_err(PortError::from_error)
    }

    async fn head(&self, key: &str) -> std::result::Result<Option<ObjectInfo>, PortError> {
        self.head_object(key).await.map_err(PortError::from_error)
    }

    async fn get(&self, key: &str, limit_bytes: u64) -> std::result::Result<Bytes, PortError> {
        let output = self.get_limited(key, limit_bytes).await.map_err(PortError::from_error)?;
        let body = output.body.collect().await.map_err(|error| PortError::from_error(unavailable("reading", error)))?;
        Ok(body.into_bytes())
    }

    async fn download(&self, key: &str, to: &Path, limit_bytes: u64) -> std::result::Result<u64, PortError> {
        self.download_to(key, to, limit_bytes).await.map_err(PortError::from_error)
    }

    async fn delete(&self, key: &str) -> std::result::Result<(), PortError> {
        self.delete_object(key).await.map_err(PortError::from_error)
    }
}

impl ObjectStream {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the store breaks off.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        Some(self.0.next().await?.map_err(|error| unavailable("reading", error)))
    }

    /// The bytes as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        futures_util::stream::unfold(self, |mut stream| async { stream.next().await.map(|chunk| (chunk, stream)) })
    }
}

impl std::fmt::Debug for ObjectStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ObjectStream(…)")
    }
}

/// Fills the buffer up to the length of a part; answers whether the stream has ended.
async fn fill<S, E>(buffer: &mut BytesMut, stream: &mut S) -> Result<bool>
where
    S: Stream<Item = std::result::Result<Bytes, E>> + Unpin + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    while buffer.len() < PART_BYTES {
        match stream.next().await {
            Some(Ok(chunk)) => buffer.extend_from_slice(&chunk),
            Some(Err(error)) => return Err(Error::Upload(error.into())),
            None => return Ok(true),
        }
    }
    Ok(false)
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn content_length(output: &GetObjectOutput) -> u64 {
    output.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
}

fn unavailable(operation: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Unavailable { operation, source: source.into() }
}

fn refused(operation: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Refused { operation, source: source.into() }
}

fn classify<E>(operation: &'static str, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    match status {
        // A missing bucket is a fault of the settings, not a missing object.
        _ if error.code() == Some("NoSuchBucket") => refused(operation, error),
        Some(404) => Error::NotFound,
        Some(400..=499) if status != Some(429) => refused(operation, error),
        _ => unavailable(operation, error),
    }
}
