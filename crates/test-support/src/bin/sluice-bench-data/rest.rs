//! A large group for lists, one for exports and one for uploads.

use anyhow::Result;
use diesel::sql_types::{Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Id, add_workspace};

const LISTED: i32 = 10_000;
const EXPORTED: i32 = 5_000;

/// Makes the groups and their manifests.
pub(crate) async fn fill(connection: &mut AsyncPgConnection) -> Result<Vec<(&'static str, String)>> {
    let workspace = add_workspace(connection, "http://model").await?;
    let exported = add_group(connection, workspace.project_id, "Exported").await?;
    let uploaded = add_group(connection, workspace.project_id, "Uploaded").await?;
    add_manifests(connection, workspace.group_id, LISTED).await?;
    add_manifests(connection, exported, EXPORTED).await?;
    let Id { id: manifest } = diesel::sql_query("select max(id) as id from manifests where group_id = $1")
        .bind::<Integer, _>(workspace.group_id)
        .get_result(connection)
        .await?;
    Ok(vec![
        ("LISTED_GROUP", workspace.group_id.to_string()),
        ("EXPORTED_GROUP", exported.to_string()),
        ("UPLOADED_GROUP", uploaded.to_string()),
        ("MANIFEST", manifest.to_string()),
    ])
}

async fn add_group(connection: &mut AsyncPgConnection, project: i32, name: &str) -> Result<i32> {
    let Id { id } = diesel::sql_query("insert into groups (name, project_id) values ($1, $2) returning id")
        .bind::<Text, _>(name)
        .bind::<Integer, _>(project)
        .get_result(connection)
        .await?;
    Ok(id)
}

/// Extracted manifests, each with three items, a value that failed its check, and two pages of text of its own.
async fn add_manifests(connection: &mut AsyncPgConnection, group: i32, count: i32) -> Result<()> {
    diesel::sql_query(
        "insert into manifests (group_id, storage_key, filename, original_filename, file_size_bytes, file_type,
           content_type, content_sha256, status, extracted_data, confidence, purchase_order, invoice_date, department,
           human_verified, validation_results, ocr_result, ocr_processed_at, ocr_quality_score, text_cost_nano,
           llm_cost_nano, extraction_cost_nano, extraction_cost_currency, created_at)
         select $1, 'bench/' || $1 || '/' || i, gen_random_uuid() || '-invoice-' || i || '.pdf',
           'invoice-' || i || '.pdf', 1000 + i, 'pdf', 'application/pdf',
           md5('a' || $1 || '/' || i) || md5('b' || i), 'completed',
           jsonb_build_object('number', 'INV-' || i, 'date', '2026-03-14', 'total', 105 + i % 1000, 'vendor',
             jsonb_build_object('name', 'Harbour Supplies Ltd', 'city', 'Bremen', 'taxId', 'DE' || 100000000 + i),
             'items', (select jsonb_agg(jsonb_build_object('description', 'Rope ' || k * 10 || ' m', 'quantity', k,
               'price', 12.5, 'amount', 12.5 * k)) from generate_series(1, 3) k)),
           0.5 + (i % 50) / 100.0, 'PO-' || i, date '2026-01-01' + i % 365, 'Deck', i % 3 = 0,
           '{\"issues\": [{\"field\": \"total\", \"message\": \"The items make another sum\", \"severity\": \"warning\"}],
             \"errorCount\": 0, \"warningCount\": 1}',
           jsonb_build_object('pages', (select jsonb_agg(jsonb_build_object('pageNumber', p, 'markdown', (
             select string_agg(md5(i || '/' || p || '/' || w), ' ') from generate_series(1, 60) w)))
             from generate_series(1, 2) p)),
           now(), 60 + i % 40, 2000000, 8755000, 10755000, 'USD', now() - i * interval '1 minute'
         from generate_series(1, $2) i",
    )
    .bind::<Integer, _>(group)
    .bind::<Integer, _>(count)
    .execute(connection)
    .await?;
    Ok(())
}
