//! Which manifests.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use diesel::dsl::{exists, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use uuid::Uuid;

use crate::schema::{extractors, manifest_values, manifests};

/// Which manifests; what is `None` or empty does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ManifestFilter {
    /// The status.
    pub status: Option<String>,
    /// Statuses of which it must have one; empty allows all.
    pub statuses: Vec<&'static str>,
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
    /// The names that lead to it, joined by dots.
    pub path: String,
    /// What it must be.
    pub test: DataTest,
}

/// What a value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataTest {
    /// This number, as text that Postgres reads.
    Number(String),
    /// True or false, in any of their words.
    Truth(bool),
    /// A time on this day of UTC.
    Day(NaiveDate),
    /// This time.
    Moment(DateTime<Utc>),
    /// A text that matches a pattern of `ilike`.
    Matches(String),
}

/// Where a query looks, so that a filter of extracted data looks there alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::models::manifests) enum Scope {
    /// In one group: values come from its part of the indexes.
    Group(i32),
    /// Anywhere: values are looked up for each manifest that the rest of the query leaves.
    Any,
}

/// A query of manifests, to be ordered and selected from.
pub(in crate::models::manifests) type Query<'a> = manifests::BoxedQuery<'a, Pg>;

/// The manifests of a group that a filter keeps.
pub(super) fn filtered(group_id: i32, filter: &ManifestFilter) -> Query<'_> {
    let query = manifests::table.filter(manifests::group_id.eq(group_id)).into_boxed();
    let query = restrict(query, Scope::Group(group_id), filter);
    match filter.extraction {
        Some(state) => by_extraction(query, state),
        None => query,
    }
}

/// Applies all of a filter but how far the extraction came.
pub(in crate::models::manifests) fn restrict<'a>(
    mut query: Query<'a>,
    scope: Scope,
    filter: &'a ManifestFilter,
) -> Query<'a> {
    if !filter.statuses.is_empty() {
        query = query.filter(manifests::status.eq_any(&filter.statuses));
    }
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
    for data in &filter.data {
        query = by_data(query, scope, data);
    }
    by_quality(query, filter.ocr_quality)
}

type Values<'a> = manifest_values::BoxedQuery<'a, Pg>;

/// The values at a path.
pub(super) fn values(scope: Scope, path: &str) -> Values<'_> {
    let values = manifest_values::table.filter(manifest_values::path.eq(path)).into_boxed();
    match scope {
        Scope::Group(id) => values.filter(manifest_values::group_id.eq(id)),
        Scope::Any => values.filter(sql::<Bool>("manifest_values.manifest_id = manifests.id")),
    }
}

/// Keeps what has such a value.
fn by_data<'a>(query: Query<'a>, scope: Scope, DataFilter { path, test }: &'a DataFilter) -> Query<'a> {
    let values = values(scope, path);
    let values = match test {
        DataTest::Number(text) => {
            values.filter(sql::<Bool>("manifest_values.number = ").bind::<Text, _>(text).sql("::numeric"))
        }
        DataTest::Truth(truth) => values.filter(manifest_values::truth.eq(*truth)),
        DataTest::Moment(moment) => values.filter(manifest_values::moment.eq(*moment)),
        DataTest::Day(day) => {
            let begin = day.and_time(NaiveTime::MIN).and_utc();
            let values = values.filter(manifest_values::moment.ge(begin));
            match begin.checked_add_days(Days::new(1)) {
                Some(end) => values.filter(manifest_values::moment.lt(end)),
                None => values,
            }
        }
        DataTest::Matches(pattern) => return by_text(query, scope, path, pattern),
    };
    match scope {
        Scope::Group(_) => query.filter(manifests::id.eq_any(values.select(manifest_values::manifest_id))),
        Scope::Any => query.filter(exists(values.select(manifest_values::manifest_id))),
    }
}

/// Of a long text the index has the beginning only, so those few are looked at where they stand.
fn by_text<'a>(query: Query<'a>, scope: Scope, path: &'a str, pattern: &'a str) -> Query<'a> {
    let is_long_and_matches = manifest_values::is_cut.eq(true).and(
        sql::<Bool>(
            "(select whole.extracted_data #>> string_to_array(manifest_values.path, '.')
              from manifests whole where whole.id = manifest_values.manifest_id) ilike ",
        )
        .bind::<Text, _>(pattern),
    );
    let begins_so = manifest_values::text.ilike(pattern);
    let long = values(scope, path).filter(is_long_and_matches).select(manifest_values::manifest_id);
    let short = values(scope, path).filter(begins_so).select(manifest_values::manifest_id);
    match scope {
        // One query of both: Postgres has no good plan for two conditions of which either may hold.
        Scope::Group(_) => query.filter(manifests::id.eq_any(short.union_all(long))),
        Scope::Any => query.filter(exists(short).or(exists(long))),
    }
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
    match state {
        ExtractionState::NotExtracted => {
            query.filter(manifests::status.eq("pending").and(manifests::has_data.eq(false)))
        }
        ExtractionState::Extracting => query.filter(manifests::status.eq("processing")),
        ExtractionState::Failed => query.filter(manifests::status.eq("failed")),
        ExtractionState::Complete => query.filter(
            manifests::status.eq("completed").and(manifests::has_data.eq(true)).and(manifests::has_errors.eq(false)),
        ),
        // The status is ours: what the original stored as completed with errors, and what was stitched in part.
        ExtractionState::Partial => query.filter(manifests::status.eq("partial").or(
            manifests::status.eq("completed").and(manifests::has_data.eq(true)).and(manifests::has_errors.eq(true)),
        )),
    }
}
