//! A store in memory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use sluice_core::ports::{ObjectInfo, ObjectStore};
use sluice_core::{ErrorKind, PortError};

/// Keeps objects in memory.
#[derive(Debug, Default)]
pub struct FakeObjectStore(Mutex<HashMap<String, (String, Bytes)>>);

impl FakeObjectStore {
    fn objects(&self) -> MutexGuard<'_, HashMap<String, (String, Bytes)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ObjectStore for FakeObjectStore {
    async fn put(&self, key: &str, content_type: &str, bytes: Bytes) -> Result<(), PortError> {
        self.objects().insert(key.to_owned(), (content_type.to_owned(), bytes));
        Ok(())
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, PortError> {
        Ok(self.objects().get(key).map(|(content_type, bytes)| ObjectInfo {
            size_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            content_type: Some(content_type.clone()),
        }))
    }

    async fn get(&self, key: &str, limit_bytes: u64) -> Result<Bytes, PortError> {
        let objects = self.objects();
        let (_, bytes) = objects.get(key).ok_or_else(|| PortError::new(ErrorKind::NotFound, "no such object"))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit_bytes {
            return Err(PortError::new(ErrorKind::TooLarge, "the object is too large"));
        }
        Ok(bytes.clone())
    }

    async fn download(&self, key: &str, to: &Path, limit_bytes: u64) -> Result<u64, PortError> {
        let bytes = self.get(key, limit_bytes).await?;
        std::fs::write(to, &bytes)
            .map_err(|error| PortError::new(ErrorKind::Internal, "can't write").with_source(error))?;
        Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }

    async fn delete(&self, key: &str) -> Result<(), PortError> {
        self.objects().remove(key);
        Ok(())
    }
}
