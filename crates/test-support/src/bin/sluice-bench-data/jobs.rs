//! Invoices that wait for their extraction.

use anyhow::Result;
use bytes::Bytes;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::{StreamExt, TryStreamExt, stream};
use sluice_core::ports::ObjectStore;
use sluice_storage::S3Store;
use sluice_test_support::documents;

use super::{Id, add_workspace};

/// Files that are stored at a time.
const PUTS: usize = 16;

/// Makes so many manifests, each of a file of its own.
pub(crate) async fn fill(
    connection: &mut AsyncPgConnection,
    store: &S3Store,
    model_url: &str,
    count: usize,
) -> Result<Vec<(&'static str, String)>> {
    let workspace = add_workspace(connection, model_url).await?;
    let files: Vec<(String, Vec<u8>)> = (1..=count)
        .map(|number| (sluice_storage::keys::manifest_file(), documents::invoice_pdf(&number.to_string())))
        .collect();
    stream::iter(&files)
        .map(|(key, bytes)| store.put(key, "application/pdf", Bytes::from(bytes.clone())))
        .buffer_unordered(PUTS)
        .try_collect::<Vec<_>>()
        .await?;
    let (keys, contents): (Vec<String>, Vec<Vec<u8>>) = files.into_iter().unzip();
    let sizes: Vec<i64> = contents.iter().map(|bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX)).collect();
    let ids: Vec<Id> = diesel::sql_query(
        "insert into manifests (group_id, storage_key, filename, original_filename, file_size_bytes, file_type,
                                content_type, content_sha256)
         select $1, key, key || '.pdf', 'invoice-' || place || '.pdf', size, 'pdf', 'application/pdf',
                encode(sha256(content), 'hex')
         from unnest($2, $3, $4) with ordinality as files (key, size, content, place) order by place returning id",
    )
    .bind::<Integer, _>(workspace.group_id)
    .bind::<Array<Text>, _>(keys)
    .bind::<Array<BigInt>, _>(sizes)
    .bind::<Array<Binary>, _>(contents)
    .load(connection)
    .await?;
    let ids: Vec<String> = ids.iter().map(|row| row.id.to_string()).collect();
    Ok(vec![("MANIFESTS", ids.join(","))])
}
