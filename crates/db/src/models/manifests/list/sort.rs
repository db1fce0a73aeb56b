//! In which order.

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Untyped};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::Window;
use super::filter::{ManifestFilter, Query, Scope, filtered, values};
use crate::error::Result;
use crate::explain::explain;
use crate::schema::{manifest_values, manifests};

/// What a list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortKey {
    /// A column.
    Column(SortColumn),
    /// A value in the extracted data: the names that lead to it, joined by dots, and what it reads as. What does not read
    /// so follows, by its text.
    Data(String, DataOrder),
}

/// What values in the extracted data are compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataOrder {
    /// Texts, by their first 200 characters.
    Text,
    /// Numbers.
    Number,
    /// Dates and times.
    Moment,
    /// False before true.
    Truth,
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

impl SortColumn {
    const fn is_nullable(self) -> bool {
        match self {
            Self::Confidence
            | Self::ExtractionCost
            | Self::OcrQualityScore
            | Self::OcrProcessedAt
            | Self::TextExtractorId => true,
            Self::Id
            | Self::Filename
            | Self::Status
            | Self::HumanVerified
            | Self::CreatedAt
            | Self::UpdatedAt
            | Self::FileSize
            | Self::FileType => false,
        }
    }
}

impl DataOrder {
    const fn column(self) -> Option<&'static str> {
        match self {
            Self::Text => None,
            Self::Number => Some("number"),
            Self::Moment => Some("moment"),
            Self::Truth => Some("truth"),
        }
    }
}

/// An order. Manifests that are alike follow their keys, those of the same status or signature their time, the newest first
/// when the order ascends; those without a value come last.
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

/// A run of an ordered list that one index has in order. An index read backwards begins with what has no value, so those are
/// a run of their own.
#[derive(Debug, Clone, Copy)]
enum Run<'a> {
    /// By a column, perhaps those alone that have a value, or have none.
    Column(SortColumn, Option<bool>),
    /// By a value that reads as what is compared.
    Value(&'a str, DataOrder),
    /// By the text of a value that does not.
    Unread(&'a str, &'static str),
    /// Without a value.
    NoValue(&'a str),
}

/// The keys of manifests, of either table.
enum Keys<'a> {
    Manifests(Query<'a>),
    Values(manifest_values::BoxedQuery<'a, Pg>),
}

/// A filtered and ordered list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ordered<'a> {
    pub(super) group_id: i32,
    pub(super) filter: &'a ManifestFilter,
    pub(super) sort: &'a Sort,
}

impl<'a> Ordered<'a> {
    fn runs(self) -> Vec<Run<'a>> {
        match &self.sort.key {
            SortKey::Column(column) if column.is_nullable() => {
                vec![Run::Column(*column, Some(true)), Run::Column(*column, Some(false))]
            }
            SortKey::Column(column) => vec![Run::Column(*column, None)],
            SortKey::Data(path, order) => {
                let mut runs = vec![Run::Value(path, *order)];
                runs.extend(order.column().map(|column| Run::Unread(path, column)));
                runs.push(Run::NoValue(path));
                runs
            }
        }
    }

    fn keys(self, run: Run<'a>) -> Keys<'a> {
        match run {
            Run::Column(_, None) => Keys::Manifests(filtered(self.group_id, self.filter)),
            Run::Column(column, Some(has_value)) => {
                let word = if has_value { "is not null" } else { "is null" };
                let condition = sql::<Bool>(&format!("manifests.{} {word}", column.column()));
                Keys::Manifests(filtered(self.group_id, self.filter).filter(condition))
            }
            Run::Value(path, order) => Keys::Values(match order.column() {
                Some(column) => self.values(path).filter(sql::<Bool>(&format!("manifest_values.{column} is not null"))),
                None => self.values(path),
            }),
            Run::Unread(path, column) => {
                Keys::Values(self.values(path).filter(sql::<Bool>(&format!("manifest_values.{column} is null"))))
            }
            Run::NoValue(path) => {
                let have_one = values(Scope::Group(self.group_id), path)
                    .filter(sql::<Bool>("manifest_values.manifest_id = manifests.id"))
                    .select(manifest_values::manifest_id);
                let query = filtered(self.group_id, self.filter);
                Keys::Manifests(query.filter(diesel::dsl::not(diesel::dsl::exists(have_one))))
            }
        }
    }

    fn values(self, path: &'a str) -> manifest_values::BoxedQuery<'a, Pg> {
        let values = values(Scope::Group(self.group_id), path);
        if *self.filter == ManifestFilter::default() {
            return values;
        }
        values.filter(manifest_values::manifest_id.eq_any(filtered(self.group_id, self.filter).select(manifests::id)))
    }

    fn order(self, run: Run<'_>) -> String {
        let (way, back) = if self.sort.descending { ("desc", "asc") } else { ("asc", "desc") };
        match run {
            Run::Column(column @ (SortColumn::Status | SortColumn::HumanVerified), _) => {
                let column = column.column();
                format!("manifests.{column} {way}, manifests.created_at {back}, manifests.id {back}")
            }
            Run::Column(SortColumn::Id, _) | Run::NoValue(_) => format!("manifests.id {way}"),
            Run::Column(column, _) => format!("manifests.{} {way}, manifests.id {way}", column.column()),
            Run::Value(_, order) => {
                let first =
                    order.column().map(|column| format!("manifest_values.{column} {way}, ")).unwrap_or_default();
                format!("{first}manifest_values.text {way}, manifest_values.manifest_id {way}")
            }
            Run::Unread(_, _) => format!("manifest_values.text {way}, manifest_values.manifest_id {way}"),
        }
    }

    /// The keys of one window of the list.
    pub(super) async fn load(self, connection: &mut AsyncPgConnection, window: Window) -> Result<Vec<i32>> {
        let mut found = Vec::new();
        let mut offset = window.offset;
        for run in self.runs() {
            let taken = i64::try_from(found.len()).unwrap_or(i64::MAX);
            let limit = window.limit.saturating_sub(taken);
            if limit <= 0 {
                break;
            }
            let keys = self.keys(run).load(connection, &self.order(run), Window { offset, limit }).await?;
            if keys.is_empty() && offset > 0 {
                offset = offset.saturating_sub(self.keys(run).count(connection).await?);
            } else {
                offset = 0;
            }
            found.extend(keys);
        }
        Ok(found)
    }

    /// How many there are.
    pub(super) async fn count(self, connection: &mut AsyncPgConnection) -> Result<i64> {
        Keys::Manifests(filtered(self.group_id, self.filter)).count(connection).await
    }

    /// How Postgres counts, and how it finds the keys, run by run.
    pub(super) async fn plans(self, connection: &mut AsyncPgConnection, window: Window) -> Result<Vec<Value>> {
        let count = filtered(self.group_id, self.filter).count();
        let mut plans = vec![explain(connection, count).await?];
        for run in self.runs() {
            plans.push(self.keys(run).explain(connection, &self.order(run), window).await?);
        }
        Ok(plans)
    }
}

impl<'a> Keys<'a> {
    async fn load(self, connection: &mut AsyncPgConnection, order: &str, window: Window) -> Result<Vec<i32>> {
        Ok(match self.window(order, window) {
            Windowed::Manifests(query) => query.load(connection).await?,
            Windowed::Values(query) => query.load(connection).await?,
        })
    }

    async fn explain(self, connection: &mut AsyncPgConnection, order: &str, window: Window) -> Result<Value> {
        match self.window(order, window) {
            Windowed::Manifests(query) => explain(connection, query).await,
            Windowed::Values(query) => explain(connection, query).await,
        }
    }

    async fn count(self, connection: &mut AsyncPgConnection) -> Result<i64> {
        Ok(match self {
            Self::Manifests(query) => query.count().get_result(connection).await?,
            Self::Values(query) => query.count().get_result(connection).await?,
        })
    }

    fn window(self, order: &str, window: Window) -> Windowed<'a> {
        let order = sql::<Untyped>(order);
        match self {
            Self::Manifests(query) => {
                Windowed::Manifests(query.order(order).offset(window.offset).limit(window.limit).select(manifests::id))
            }
            Self::Values(query) => Windowed::Values(
                query.order(order).offset(window.offset).limit(window.limit).select(manifest_values::manifest_id),
            ),
        }
    }
}

enum Windowed<'a> {
    Manifests(manifests::BoxedQuery<'a, Pg, Integer>),
    Values(manifest_values::BoxedQuery<'a, Pg, Integer>),
}
