//! Files that come in through the API: checked, hashed and stored while they arrive.
//!
//! The intake runs in a task of its own and is fed through a channel: a request's body can't leave its thread, and a
//! client that goes away must not leave anything behind. Nothing is kept unless the feeder says that all has arrived.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use sluice_core::ports::ObjectStore;
use sluice_core::{Classify, ErrorKind, FileFormat};
use sluice_db::Pool;
use sluice_db::models::manifests::{self, Manifest, NewManifest};
use sluice_storage::{S3Store, keys};
use tokio::sync::mpsc::Receiver;

use super::name;
use crate::error::{ApiError, Code};

/// The longest file, as in the original.
pub(crate) const MAX_FILE_BYTES: u64 = 50 * 1024 * 1024;

/// What is told when a file is of another type.
pub(crate) const ALLOWED: &str = "Only PDF and image files and e-invoices in XML are allowed";

/// What the feeder says.
#[derive(Debug)]
pub(crate) enum Part {
    /// A file begins.
    File {
        /// Its name, as the user gave it.
        name: String,
        /// The type that the client claims.
        claimed: Option<FileFormat>,
    },
    /// Bytes of it.
    Bytes(Bytes),
    /// The file ends.
    FileEnd,
    /// All files have arrived.
    End,
}

/// Why files are not taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// A file is longer than allowed.
    #[error("File too large")]
    TooLarge,
    /// A file has no bytes.
    #[error("The file is empty")]
    Empty,
    /// A file is of no type that we take, or not of the type that is claimed.
    #[error("{0}")]
    Type(String),
    /// The client went away.
    #[error("The upload ended early")]
    BrokenOff,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] sluice_storage::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sluice_db::Error),
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooLarge => Self::new(Code::PayloadTooLarge, refused.to_string()),
            Refused::Empty | Refused::BrokenOff => Self::bad_request(refused.to_string()),
            Refused::Type(message) => Self::new(Code::InvalidFileType, message),
            Refused::Storage(error) => error.into(),
            Refused::Database(error) => error.into(),
        }
    }
}

/// A manifest and whether it was there already.
pub(crate) type Taken = (Manifest, bool);

/// Takes in files and keeps all or none of them.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    pub(crate) store: S3Store,
    pub(crate) pool: Pool,
    pub(crate) group_id: i32,
}

impl Intake {
    /// Takes in what the feeder sends and answers the manifests in the order of the files.
    pub(crate) async fn run(self, mut parts: Receiver<Part>) -> Result<Vec<Taken>, Refused> {
        let mut stored = Vec::new();
        let result = match self.store_all(&mut parts, &mut stored).await {
            Ok(()) => record(&self.pool, stored.clone()).await.map_err(Refused::from),
            Err(refused) => Err(refused),
        };
        match &result {
            Ok(taken) => {
                for (file, (manifest, _)) in stored.iter().zip(taken) {
                    if manifest.storage_key != file.storage_key {
                        discard(&self.store, &file.storage_key).await;
                    }
                }
            }
            // It may have been committed all the same, and a manifest without its file is worse than a file without one.
            Err(Refused::Database(error)) if error.kind() == ErrorKind::Unavailable => {
                tracing::warn!(files = stored.len(), "files may have been left in storage without a manifest");
            }
            Err(_) => {
                for file in &stored {
                    discard(&self.store, &file.storage_key).await;
                }
            }
        }
        result
    }

    async fn store_all(&self, parts: &mut Receiver<Part>, stored: &mut Vec<NewManifest>) -> Result<(), Refused> {
        loop {
            match parts.recv().await {
                Some(Part::File { name, claimed }) => stored.push(self.store_one(&name, claimed, parts).await?),
                Some(Part::End) => return Ok(()),
                Some(Part::Bytes(_) | Part::FileEnd) | None => return Err(Refused::BrokenOff),
            }
        }
    }

    async fn store_one(
        &self,
        name: &str,
        claimed: Option<FileFormat>,
        parts: &mut Receiver<Part>,
    ) -> Result<NewManifest, Refused> {
        let mut body = Body { parts, ended: false };
        let mut head = BytesMut::new();
        while head.len() < FileFormat::SNIFF_BYTES
            && let Some(bytes) = body.next().await?
        {
            head.extend_from_slice(&bytes);
        }
        let format = check_format(&head, claimed)?;
        let mut digest = Digester::default();
        let mut refused = None;
        let key = keys::manifest_file();
        let rest = stream::unfold(&mut body, |body| async { body.next().await.transpose().map(|next| (next, body)) });
        let chunks = stream::iter([Ok(head.freeze())]).chain(rest).map(|chunk| {
            let counted = chunk.and_then(|chunk| digest.add(&chunk).map(|()| chunk));
            counted.map_err(|reason| {
                let message = reason.to_string();
                refused = Some(reason);
                message
            })
        });
        let put = self.store.put_stream(&key, format.content_type(), Box::pin(chunks)).await;
        if let Err(error) = put {
            // A request that failed may have been carried out.
            discard(&self.store, &key).await;
            return Err(refused.unwrap_or_else(|| error.into()));
        }
        let (sha256, size_bytes) = digest.finish();
        Ok(new_manifest(self.group_id, key, name, format, (sha256, size_bytes)))
    }
}

/// The row of a file that was stored under a key, with its hash and length.
pub(crate) fn new_manifest(
    group_id: i32,
    storage_key: String,
    name: &str,
    format: FileFormat,
    (content_sha256, size_bytes): (String, u64),
) -> NewManifest {
    let original_filename = name::clean(name);
    NewManifest {
        group_id,
        storage_key,
        filename: format!("{}-{original_filename}", sluice_core::id::fresh_uuid()),
        original_filename,
        file_size_bytes: i64::try_from(size_bytes).unwrap_or(i64::MAX),
        file_type: format.file_type().as_str().to_owned(),
        content_type: format.content_type().to_owned(),
        content_sha256,
    }
}

/// Tells the format of a file from its first bytes and holds it against what is claimed.
pub(crate) fn check_format(head: &[u8], claimed: Option<FileFormat>) -> Result<FileFormat, Refused> {
    if head.is_empty() {
        return Err(Refused::Empty);
    }
    let Some(claimed) = claimed else {
        return Err(Refused::Type(ALLOWED.to_owned()));
    };
    match FileFormat::sniff(head) {
        Some(format) if format == claimed => Ok(format),
        Some(format) => Err(Refused::Type(format!(
            "The file is {} and was declared as {}",
            format.content_type(),
            claimed.content_type()
        ))),
        None if claimed == FileFormat::Xml => {
            let message = "The XML is no e-invoice: its root must be that of a CII or UBL invoice".to_owned();
            Err(Refused::Type(message))
        }
        None => Err(Refused::Type(format!("The file is not {}", claimed.content_type()))),
    }
}

/// Makes the manifests, or finds those that have the same content; answers them in the order of the files.
async fn record(pool: &Pool, files: Vec<NewManifest>) -> sluice_db::Result<Vec<Taken>> {
    pool.transaction(move |connection| {
        Box::pin(async move {
            let mut indexed: Vec<_> = files.into_iter().enumerate().collect();
            // In one order everywhere, so that two batches with the same files can't wait for each other.
            indexed.sort_by(|(_, one), (_, other)| one.content_sha256.cmp(&other.content_sha256));
            let mut taken = Vec::with_capacity(indexed.len());
            for (index, file) in indexed {
                taken.push((index, insert_or_find(connection, &file).await?));
            }
            taken.sort_by_key(|(index, _)| *index);
            Ok(taken.into_iter().map(|(_, taken)| taken).collect())
        })
    })
    .await
}

/// Makes a manifest, or finds the one of its group with the same content.
pub(crate) async fn insert_or_find(
    connection: &mut sluice_db::AsyncPgConnection,
    file: &NewManifest,
) -> sluice_db::Result<Taken> {
    // What is found may be deleted before it is read; then there is room again.
    for _ in 0..3 {
        if let Some(manifest) = manifests::insert(connection, file).await? {
            return Ok((manifest, false));
        }
        if let Some(manifest) = manifests::find_by_content(connection, file.group_id, &file.content_sha256).await? {
            return Ok((manifest, true));
        }
    }
    Err(sluice_db::Error::Duplicate { constraint: "manifests_group_id_content_sha256_key".to_owned() })
}

/// Removes an object that nothing points to; when that fails it stays, which is logged.
pub(crate) async fn discard(store: &S3Store, key: &str) {
    if let Err(error) = store.delete(key).await {
        tracing::warn!(key, error = %sluice_service::ErrorChain(&error), "a file was left in storage");
    }
}

/// Hashes and counts.
#[derive(Default)]
pub(crate) struct Digester {
    sha256: Sha256,
    size_bytes: u64,
}

impl Digester {
    /// Adds bytes; refuses those beyond the limit.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.size_bytes = self.size_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size_bytes > MAX_FILE_BYTES {
            return Err(Refused::TooLarge);
        }
        self.sha256.update(bytes);
        Ok(())
    }

    /// The hash in hexadecimal, and the length.
    pub(crate) fn finish(self) -> (String, u64) {
        (hex::encode(self.sha256.finalize()), self.size_bytes)
    }
}

/// The bytes of one file.
struct Body<'a> {
    parts: &'a mut Receiver<Part>,
    ended: bool,
}

impl Body<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, Refused> {
        if self.ended {
            return Ok(None);
        }
        match self.parts.recv().await {
            Some(Part::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Part::FileEnd) => {
                self.ended = true;
                Ok(None)
            }
            Some(Part::File { .. } | Part::End) | None => Err(Refused::BrokenOff),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_must_be_what_it_claims() {
        let pdf = b"%PDF-1.7";
        assert_eq!(check_format(pdf, Some(FileFormat::Pdf)).ok(), Some(FileFormat::Pdf));
        assert!(matches!(check_format(pdf, Some(FileFormat::Png)), Err(Refused::Type(_))));
        assert!(matches!(check_format(pdf, None), Err(Refused::Type(_))));
        let xml = b"<a:CrossIndustryInvoice xmlns:a=\"urn\">";
        assert_eq!(check_format(xml, Some(FileFormat::Xml)).ok(), Some(FileFormat::Xml));
        assert!(
            matches!(check_format(b"<order/>", Some(FileFormat::Xml)), Err(Refused::Type(why)) if why.contains("UBL"))
        );
        assert!(matches!(check_format(b"MZ", Some(FileFormat::Pdf)), Err(Refused::Type(_))));
        assert!(matches!(check_format(b"", Some(FileFormat::Pdf)), Err(Refused::Empty)));
    }
}
