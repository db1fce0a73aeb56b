//! Fills a fresh database and a fresh bucket for `cargo xtask bench`, and prints where what is, one `NAME=value` a line.
//!
//! Its arguments are the URLs of Postgres and of the S3 server.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use diesel::sql_types::{Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sluice_access::Passwords;
use sluice_service::Env;
use sluice_storage::S3Store;
use sluice_test_support::{builders, eventually, postgres, s3};

const USERNAME: &str = "bench";
const PASSWORD: &str = "Correct-Horse1!";
const LISTED: i32 = 10_000;
const EXPORTED: i32 = 5_000;

#[derive(diesel::QueryableByName)]
struct Id {
    #[diesel(sql_type = Integer)]
    id: i32,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let postgres_url = arguments.next().context("no URL of Postgres")?;
    let s3_url = arguments.next().context("no URL of S3")?;
    let database = postgres::create_database(&postgres_url).await?;
    let bucket = format!("bench-{}", sluice_core::id::fresh_uuid().simple());
    make_bucket(&s3_url, &bucket).await?;

    let mut connection = database.pool.get().await?;
    let workspace = builders::insert_workspace(&mut connection, USERNAME, "http://model").await?;
    let hash = Passwords.hash(PASSWORD).await?;
    diesel::sql_query("update users set password_hash = $1 where id = $2")
        .bind::<Text, _>(hash)
        .bind::<Integer, _>(workspace.user_id)
        .execute(&mut connection)
        .await?;
    let exported = add_group(&mut connection, workspace.project_id, "Exported").await?;
    let uploaded = add_group(&mut connection, workspace.project_id, "Uploaded").await?;
    add_manifests(&mut connection, workspace.group_id, LISTED).await?;
    add_manifests(&mut connection, exported, EXPORTED).await?;
    let Id { id: manifest } = diesel::sql_query("select max(id) as id from manifests where group_id = $1")
        .bind::<Integer, _>(workspace.group_id)
        .get_result(&mut connection)
        .await?;
    // Commits are not synchronous here, and vacuum marks no page as visible whose commit is not yet written.
    diesel::sql_query("checkpoint").execute(&mut connection).await?;
    diesel::sql_query("vacuum analyze").execute(&mut connection).await?;

    let mut out = std::io::stdout().lock();
    writeln!(out, "SLUICE_DB_URL={}", database.url)?;
    writeln!(out, "SLUICE_S3_ENDPOINT={s3_url}")?;
    writeln!(out, "SLUICE_S3_BUCKET={bucket}")?;
    writeln!(out, "SLUICE_S3_ACCESS_KEY_ID={}", s3::ACCESS_KEY)?;
    writeln!(out, "SLUICE_S3_SECRET_ACCESS_KEY={}", s3::SECRET_KEY)?;
    writeln!(out, "USERNAME={USERNAME}")?;
    writeln!(out, "PASSWORD={PASSWORD}")?;
    writeln!(out, "LISTED_GROUP={}", workspace.group_id)?;
    writeln!(out, "EXPORTED_GROUP={exported}")?;
    writeln!(out, "UPLOADED_GROUP={uploaded}")?;
    writeln!(out, "MANIFEST={manifest}")?;
    Ok(())
}

async fn make_bucket(s3_url: &str, bucket: &str) -> Result<()> {
    let mut env = Env::from_pairs([
        ("SLUICE_S3_ENDPOINT", s3_url),
        ("SLUICE_S3_BUCKET", bucket),
        ("SLUICE_S3_ACCESS_KEY_ID", s3::ACCESS_KEY),
        ("SLUICE_S3_SECRET_ACCESS_KEY", s3::SECRET_KEY),
    ]);
    let config = sluice_storage::Config::read(&mut env);
    env.finish()?;
    let store = S3Store::new(&config);
    // Just started, it may not take a bucket yet.
    eventually(Duration::from_secs(60), || store.ensure_bucket(&[])).await?;
    Ok(())
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
