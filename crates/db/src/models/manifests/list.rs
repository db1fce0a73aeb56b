//! Lists of manifests: filters, orders, pages.

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text, Untyped};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::Manifest;
use crate::error::Result;
use crate::schema::{extractors, jobs, manifests};

/// Which manifests of a group; what is `None` or empty does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ManifestFilter {
    /// The status.
    pub status: Option<String>,
    /// Whether a person has signed it off.
    pub human_verified: Option<bool>,
    /// The least confidence.
    pub confidence_min: Option<f64>,
    /// The greatest confidence.
    pub confidence_max: Option<f64>,
    /// The quality of the text.
    pub ocr_quality: OcrQuality,
    /// How far the extraction came.
    pub extraction: Option<ExtractionState>,
    /// The least cost in units of 1e-9, whatever its currency.
    pub cost_min_nano: Option<i64>,
    /// The greatest cost.
    pub cost_max_nano: Option<i64>,
    /// The extractor that read the text.
    pub text_extractor_id: Option<Uuid>,
    /// The type of that extractor.
    pub extractor_type: Option<String>,
    /// Values in the extracted data, all of which must match.
    pub data: Vec<DataFilter>,
}

/// The quality of the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OcrQuality {
    /// Any, or none.
    #[default]
    Any,
    /// The text has not been read.
    Unread,
    /// Between two scores, both included.
    Between(Option<i32>, Option<i32>),
}

/// How far the extraction came, in the words of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtractionState {
    /// No job has run.
    NotExtracted,
    /// A job is at it.
    Extracting,
    /// There is data without errors.
    Complete,
    /// There is data with errors.
    Partial,
    /// There is none.
    Failed,
}

/// A value in the extracted data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFilter {
    /// The names that lead to it.
    pub path: Vec<String>,
    /// A pattern of `ilike`.
    pub pattern: String,
}

/// What a list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortKey {
    /// A column.
    Column(SortColumn),
    /// A value in the extracted data, by its text.
    Data(Vec<String>),
}

macro_rules! sort_columns {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $column:literal;)*) => {
        /// A column that lists can be ordered by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum SortColumn { $($(#[$doc])* $variant,)* }

        impl SortColumn {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in the API.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            const fn column(self) -> &'static str {
                match self { $(Self::$variant => $column,)* }
            }
        }
    };
}

sort_columns! {
    /// The key.
    Id = "id", "id";
    /// The name that the user gave.
    Filename = "filename", "original_filename";
    /// The status.
    Status = "status", "status";
    /// The confidence.
    Confidence = "confidence", "confidence";
    /// Whether it is signed off.
    HumanVerified = "humanVerified", "human_verified";
    /// When it was made.
    CreatedAt = "createdAt", "created_at";
    /// When it was changed.
    UpdatedAt = "updatedAt", "updated_at";
    /// What the extraction cost.
    ExtractionCost = "extractionCost", "extraction_cost_nano";
    /// The quality of the text.
    OcrQualityScore = "ocrQualityScore", "ocr_quality_score";
    /// When the text was read.
    OcrProcessedAt = "ocrProcessedAt", "ocr_processed_at";
    /// The extractor.
    TextExtractorId = "textExtractorId", "text_extractor_id";
    /// The length of the file.
    FileSize = "fileSize", "file_size_bytes";
    /// PDF or image.
    FileType = "fileType", "file_type";
}

/// An order; manifests that are alike follow their keys, and those without a value come last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { key: SortKey::Column(SortColumn::CreatedAt), descending: true }
    }
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many to leave out.
    pub offset: i64,
    /// How many to take.
    pub limit: i64,
}

/// Lists manifests of a group; answers one page and how many match in all.
///
/// # Errors
/// When the query fails.
pub async fn list(
    connection: &mut AsyncPgConnection,
    group_id: i32,
    filter: &ManifestFilter,
    sort: &Sort,
    window: Window,
) -> Result<(Vec<Manifest>, i64)> {
    let total = filtered(group_id, filter).count().get_result(connection).await?;
    let query = filtered(group_id, filter).offset(window.offset).limit(window.limit);
    let direction = if sort.descending { "desc" } else { "asc" };
    let query = match &sort.key {
        SortKey::Column(column) => query.order(sql::<Untyped>(&format!(
            "manifests.{} {direction} nulls last, manifests.id {direction}",
            column.column()
        ))),
        SortKey::Data(path) => query.order(
            sql::<Untyped>("manifests.extracted_data #>> ")
                .bind::<Array<Text>, _>(path.clone())
                .sql(&format!(" {direction} nulls last, manifests.id {direction}")),
        ),
    };
    Ok((query.select(Manifest::as_select()).load(connection).await?, total))
}

/// The errors that the latest failed jobs of manifests ended with: pairs of manifest and message.
///
/// # Errors
/// When the query fails.
pub async fn last_errors(connection: &mut AsyncPgConnection, manifest_ids: &[i32]) -> Result<Vec<(i32, String)>> {
    if manifest_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(jobs::table
        .distinct_on(jobs::manifest_id)
        .filter(jobs::manifest_id.eq_any(manifest_ids).and(jobs::error_message.is_not_null()))
        .order((jobs::manifest_id, jobs::created_at.desc(), jobs::id.desc()))
        .select((jobs::manifest_id, jobs::error_message.assume_not_null()))
        .load(connection)
        .await?)
}

type Query<'a> = manifests::BoxedQuery<'a, Pg>;

fn filtered(group_id: i32, filter: &ManifestFilter) -> Query<'_> {
    let query = manifests::table.filter(manifests::group_id.eq(group_id)).into_boxed();
    let query = restrict(query, filter);
    match filter.extraction {
        Some(state) => by_extraction(query, state),
        None => query,
    }
}

/// Applies all of a filter but how far the extraction came.
pub(super) fn restrict<'a>(mut query: Query<'a>, filter: &'a ManifestFilter) -> Query<'a> {
    if let Some(status) = &filter.status {
        query = query.filter(manifests::status.eq(status));
    }
    if let Some(verified) = filter.human_verified {
        query = query.filter(manifests::human_verified.eq(verified));
    }
    if let Some(min) = filter.confidence_min {
        query = query.filter(manifests::confidence.ge(min));
    }
    if let Some(max) = filter.confidence_max {
        query = query.filter(manifests::confidence.le(max));
    }
    if let Some(min) = filter.cost_min_nano {
        query = query.filter(manifests::extraction_cost_nano.ge(min));
    }
    if let Some(max) = filter.cost_max_nano {
        query = query.filter(manifests::extraction_cost_nano.le(max));
    }
    if let Some(id) = filter.text_extractor_id {
        query = query.filter(manifests::text_extractor_id.eq(id));
    }
    if let Some(kind) = &filter.extractor_type {
        let of_type = extractors::table.filter(extractors::extractor_type.eq(kind)).select(extractors::id.nullable());
        query = query.filter(manifests::text_extractor_id.eq_any(of_type));
    }
    for DataFilter { path, pattern } in &filter.data {
        query = query.filter(
            sql::<Bool>("manifests.extracted_data #>> ")
                .bind::<Array<Text>, _>(path)
                .sql(" ilike ")
                .bind::<Text, _>(pattern),
        );
    }
    by_quality(query, filter.ocr_quality)
}

fn by_quality(mut query: Query<'_>, quality: OcrQuality) -> Query<'_> {
    match quality {
        OcrQuality::Any => query,
        OcrQuality::Unread => query.filter(manifests::ocr_quality_score.is_null()),
        OcrQuality::Between(min, max) => {
            if let Some(min) = min {
                query = query.filter(manifests::ocr_quality_score.ge(min));
            }
            if let Some(max) = max {
                query = query.filter(manifests::ocr_quality_score.le(max));
            }
            query
        }
    }
}

fn by_extraction(query: Query<'_>, state: ExtractionState) -> Query<'_> {
    let has_errors = || sql::<Bool>("coalesce((manifests.validation_results ->> 'errorCount')::numeric, 0) > 0");
    let has_data = || manifests::extracted_data.is_not_null();
    match state {
        ExtractionState::NotExtracted => {
            query.filter(manifests::status.eq("pending").and(manifests::extracted_data.is_null()))
        }
        ExtractionState::Extracting => query.filter(manifests::status.eq("processing")),
        ExtractionState::Failed => query.filter(manifests::status.eq("failed")),
        ExtractionState::Complete => {
            query.filter(manifests::status.eq("completed").and(has_data()).and(diesel::dsl::not(has_errors())))
        }
        // The status is ours: what the original stored as completed with errors, and what was stitched in part.
        ExtractionState::Partial => query.filter(
            manifests::status.eq("partial").or(manifests::status.eq("completed").and(has_data()).and(has_errors())),
        ),
    }
}
