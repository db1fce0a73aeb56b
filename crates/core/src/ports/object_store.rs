//! Where files are kept.

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::PortError;

/// What the store knows of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its length in bytes.
    pub size_bytes: u64,
    /// The content type it was stored with.
    pub content_type: Option<String>,
}

/// Keeps objects under opaque keys. Keys are made by us and never derived from a user's file name.
#[async_trait]
pub trait ObjectStore: Send + Sync + std::fmt::Debug {
    /// Stores an object, replacing what was there.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    async fn put(&self, key: &str, content_type: &str, bytes: Bytes) -> Result<(), PortError>;

    /// Says what is stored under the key; `None` when nothing is.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, PortError>;

    /// Reads a whole object; for small ones.
    ///
    /// # Errors
    /// `NotFound` when nothing is stored there, `TooLarge` when it is longer than `limit_bytes`, `Unavailable` when
    /// the store does not answer.
    async fn get(&self, key: &str, limit_bytes: u64) -> Result<Bytes, PortError>;

    /// Copies an object into a local file in constant memory and answers its length.
    ///
    /// # Errors
    /// As [`ObjectStore::get`]; `Internal` when the file can't be written.
    async fn download(&self, key: &str, to: &Path, limit_bytes: u64) -> Result<u64, PortError>;

    /// Removes an object; none there is no error.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    async fn delete(&self, key: &str) -> Result<(), PortError>;
}
