//! Rows for tests.

use anyhow::Result;
use diesel::sql_types::{Integer, Jsonb, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(diesel::QueryableByName)]
struct Id {
    #[diesel(sql_type = Integer)]
    id: i32,
}

/// A user with a project that can extract: model, extractor, schema and one group.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The owner.
    pub user_id: i32,
    /// The owner's name.
    pub username: String,
    /// The model.
    pub model_id: Uuid,
    /// The extractor.
    pub extractor_id: Uuid,
    /// The project.
    pub project_id: i32,
    /// The schema.
    pub schema_id: i32,
    /// The group.
    pub group_id: i32,
}

/// The schema that workspaces have.
#[must_use]
pub fn invoice_schema() -> Value {
    json!({
        "type": "object", "title": "Invoice",
        "required": ["number", "total"],
        "properties": {
            "number": {"type": "string"},
            "date": {"type": "string", "format": "date"},
            "total": {"type": "number"},
            "items": {"type": "array", "items": {"type": "object", "properties": {
                "description": {"type": "string"}, "quantity": {"type": "number"}, "amount": {"type": "number"}}}}
        }
    })
}

/// An answer that [`invoice_schema`] accepts.
#[must_use]
pub fn good_answer() -> Value {
    json!({"number": "4711", "date": "2026-03-14", "total": 105.0, "items": [
        {"description": "Rope 20 m", "quantity": 2, "amount": 25.0}, {"description": "Anchor", "quantity": 1, "amount": 80.0}]})
}

/// Inserts a user; the password hash is none that any password has.
///
/// # Errors
/// When the database refuses.
pub async fn insert_user(connection: &mut AsyncPgConnection, username: &str, role: &str) -> Result<i32> {
    let Id { id } =
        diesel::sql_query("insert into users (username, password_hash, role) values ($1, 'none', $2) returning id")
            .bind::<Text, _>(username)
            .bind::<Text, _>(role)
            .get_result(connection)
            .await?;
    Ok(id)
}

/// Inserts a workspace whose model is at `base_url`.
///
/// # Errors
/// When the database refuses.
pub async fn insert_workspace(connection: &mut AsyncPgConnection, username: &str, base_url: &str) -> Result<Workspace> {
    let user_id = insert_user(connection, username, "user").await?;
    let model_id = sluice_core::id::fresh_uuid();
    let extractor_id = sluice_core::id::fresh_uuid();
    let parameters = json!({"baseUrl": base_url, "apiKey": "key", "modelName": "scripted", "temperature": 0,
                            "maxTokens": 2000, "supportsStructuredOutput": true});
    let pricing = json!({"llm": {"inputPrice": 2.5, "outputPrice": 10, "currency": "USD"}});
    diesel::sql_query(
        "insert into models (id, name, adapter_type, parameters, pricing) values ($1, 'Model', 'openai', $2, $3)",
    )
    .bind::<diesel::sql_types::Uuid, _>(model_id)
    .bind::<Jsonb, _>(parameters)
    .bind::<Jsonb, _>(pricing)
    .execute(connection)
    .await?;
    diesel::sql_query(
        "insert into extractors (id, name, extractor_type, config) values ($1, 'Extractor', 'local', $2)",
    )
    .bind::<diesel::sql_types::Uuid, _>(extractor_id)
    .bind::<Jsonb, _>(json!({"pricing": {"mode": "page", "currency": "USD", "pricePerPage": 0.001}}))
    .execute(connection)
    .await?;
    let Id { id: project_id } = diesel::sql_query(
        "insert into projects (name, user_id, llm_model_id, text_extractor_id) values ('Project', $1, $2, $3) returning id",
    )
    .bind::<Integer, _>(user_id)
    .bind::<diesel::sql_types::Uuid, _>(model_id)
    .bind::<diesel::sql_types::Uuid, _>(extractor_id)
    .get_result(connection)
    .await?;
    let Id { id: schema_id } = diesel::sql_query(
        "insert into schemas (name, project_id, json_schema, required_fields, schema_version)
         values ('Invoice', $1, $2, array['number', 'total'], 'v1') returning id",
    )
    .bind::<Integer, _>(project_id)
    .bind::<Jsonb, _>(invoice_schema())
    .get_result(connection)
    .await?;
    diesel::sql_query("update projects set default_schema_id = $1 where id = $2")
        .bind::<Integer, _>(schema_id)
        .bind::<Integer, _>(project_id)
        .execute(connection)
        .await?;
    let Id { id: group_id } =
        diesel::sql_query("insert into groups (name, project_id) values ('Group', $1) returning id")
            .bind::<Integer, _>(project_id)
            .get_result(connection)
            .await?;
    Ok(Workspace { user_id, username: username.to_owned(), model_id, extractor_id, project_id, schema_id, group_id })
}

/// Inserts the row of a manifest whose file, a PDF of this SHA-256, is stored under `storage_key`.
///
/// # Errors
/// When the database refuses, or the group has a manifest with this file.
pub async fn insert_manifest(
    connection: &mut AsyncPgConnection,
    group_id: i32,
    storage_key: &str,
    sha256: &str,
) -> Result<i32> {
    let Id { id } = diesel::sql_query(
        "insert into manifests (group_id, storage_key, filename, original_filename, file_size_bytes, file_type,
                                content_type, content_sha256)
         values ($1, $2, $3 || '-invoice.pdf', 'invoice.pdf', 1000, 'pdf', 'application/pdf', $4) returning id",
    )
    .bind::<Integer, _>(group_id)
    .bind::<Text, _>(storage_key)
    .bind::<Text, _>(sluice_core::id::fresh_uuid().to_string())
    .bind::<Text, _>(sha256)
    .get_result(connection)
    .await?;
    Ok(id)
}
