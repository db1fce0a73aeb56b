//! The query of the list of manifests: columns, and values of the extracted data.

use serde_json::Value;
use sluice_core::NanoAmount;
use sluice_db::models::manifests::list::{
    DataFilter, DataOrder, DataTest, ExtractionState, ManifestFilter, OcrQuality, Sort, SortColumn, SortKey, Window,
};
use sluice_extraction::data_filter::{DataPath, Test, ValueType};
use uuid::Uuid;

use crate::extract::{Fields, Input};

const MAX_PAGE_SIZE: i32 = 200;
const DEFAULT_PAGE_SIZE: i32 = 25;
const STATUSES: &[&str] = &["pending", "processing", "completed", "partial", "failed"];
const EXTRACTION_STATES: &[(&str, ExtractionState)] = &[
    ("not_extracted", ExtractionState::NotExtracted),
    ("extracting", ExtractionState::Extracting),
    ("complete", ExtractionState::Complete),
    ("partial", ExtractionState::Partial),
    ("failed", ExtractionState::Failed),
];

/// The query as it was sent. What it means of the extracted data, the project's schema decides.
#[derive(Debug, Clone)]
pub(crate) struct ListManifests {
    pub(crate) page: i64,
    pub(crate) page_size: i64,
    columns: ManifestFilter,
    data: Vec<(DataPath, String)>,
    sort_by: Option<SortBy>,
    descending: Option<bool>,
}

#[derive(Debug, Clone)]
enum SortBy {
    Column(SortColumn),
    Data(DataPath),
}

impl Input for ListManifests {
    fn read(fields: &mut Fields) -> Self {
        let sent = fields.bracketed("filter");
        Self::read_with(fields, sent)
    }
}

impl ListManifests {
    /// Reads the same as an object of a body, where `filter` is an object, too.
    pub(crate) fn read_object(fields: &mut Fields) -> Self {
        let sent = fields.object("filter").optional().unwrap_or_default().into_iter().collect();
        Self::read_with(fields, sent)
    }

    fn read_with(fields: &mut Fields, sent: Vec<(String, Value)>) -> Self {
        let mut columns = read_columns(fields);
        let data = read_data(fields, sent, &mut columns);
        let is_sort_key = |text: &String| sort_by(text).is_some();
        Self {
            page: fields.integer("page").within(1, i32::MAX).optional().unwrap_or(1).into(),
            page_size: fields
                .integer("pageSize")
                .within(1, MAX_PAGE_SIZE)
                .optional()
                .unwrap_or(DEFAULT_PAGE_SIZE)
                .into(),
            sort_by: fields.string("sortBy").rule("jsonPath", is_sort_key).optional().and_then(|text| sort_by(&text)),
            descending: fields
                .string("order")
                .one_of_any_case(&["asc", "desc"])
                .optional()
                .map(|order| order.eq_ignore_ascii_case("desc")),
            columns,
            data,
        }
    }

    /// Restricts the list to manifests in one of these statuses, unless it was asked for a status.
    pub(crate) fn or_in(mut self, statuses: Vec<&'static str>) -> Self {
        if self.columns.status.is_none() && self.columns.extraction.is_none() {
            self.columns.statuses = statuses;
        }
        self
    }

    /// Whether the schema matters.
    pub(crate) fn needs_schema(&self) -> bool {
        !self.data.is_empty() || matches!(self.sort_by, Some(SortBy::Data(_)))
    }

    /// Which manifests, by the types that a schema gives.
    pub(crate) fn filter(&self, schema: &Value) -> ManifestFilter {
        let data = self.data.iter().map(|(path, value)| DataFilter {
            path: path.as_str().to_owned(),
            test: test(Test::read(path.type_in(schema), value)),
        });
        ManifestFilter { data: data.collect(), ..self.columns.clone() }
    }

    /// In which order, by the types that a schema gives.
    pub(crate) fn sort(&self, schema: &Value) -> Sort {
        let (key, descending) = match &self.sort_by {
            None => (Sort::default().key, Sort::default().descending),
            Some(SortBy::Column(column)) => (SortKey::Column(*column), false),
            Some(SortBy::Data(path)) => {
                let order = match path.type_in(schema) {
                    ValueType::Number => DataOrder::Number,
                    ValueType::Boolean => DataOrder::Truth,
                    ValueType::Date | ValueType::DateTime => DataOrder::Moment,
                    ValueType::Text => DataOrder::Text,
                };
                (SortKey::Data(path.as_str().to_owned(), order), false)
            }
        };
        Sort { key, descending: self.descending.unwrap_or(descending) }
    }

    /// The part of the list that the page is.
    pub(crate) fn window(&self) -> Window {
        Window { offset: (self.page - 1).saturating_mul(self.page_size), limit: self.page_size }
    }
}

/// Reads the filters alone; values of the data are looked for as parts of texts, whatever type the schema gives them.
pub(crate) fn read_text_filter(fields: &mut Fields) -> ManifestFilter {
    let mut columns = read_columns(fields);
    let sent = fields.bracketed("filter");
    let data = read_data(fields, sent, &mut columns);
    let data = data
        .into_iter()
        .map(|(path, value)| DataFilter { path: path.as_str().to_owned(), test: test(Test::containing(&value)) });
    ManifestFilter { data: data.collect(), ..columns }
}

fn read_columns(fields: &mut Fields) -> ManifestFilter {
    let amount = |number: f64| NanoAmount::from_f64(number).map(|amount| amount.0);
    let mut cost = |name| {
        let field = fields.number(name).min(0.0).rule("max", move |number| amount(*number).is_some());
        field.optional().and_then(amount)
    };
    let (cost_min_nano, cost_max_nano) = (cost("costMin"), cost("costMax"));
    let mut confidence = |name| fields.number(name).min(0.0).max(1.0).optional();
    let (confidence_min, confidence_max) = (confidence("confidenceMin"), confidence("confidenceMax"));
    let mut score = |name| fields.integer(name).within(0, 100).optional();
    let ocr_quality = match (score("ocrQualityMin"), score("ocrQualityMax")) {
        (None, None) => OcrQuality::Any,
        (Some(0), Some(0)) => OcrQuality::Unread,
        (min, max) => OcrQuality::Between(min, max),
    };
    let state = fields
        .string("extractionStatus")
        .one_of_any_case(&["not_extracted", "extracting", "complete", "partial", "failed"])
        .optional();
    let is_uuid = |text: &str| text.parse::<Uuid>().is_ok();
    ManifestFilter {
        status: fields.string("status").enumeration(STATUSES).optional(),
        statuses: Vec::new(),
        human_verified: fields.flag("humanVerified").optional(),
        confidence_min,
        confidence_max,
        ocr_quality,
        extraction: state.and_then(|word| extraction_state(&word)),
        cost_min_nano,
        cost_max_nano,
        text_extractor_id: fields
            .string("textExtractorId")
            .format("isUuid", "uuid", is_uuid)
            .optional()
            .and_then(|text| text.parse().ok()),
        extractor_type: fields.string("extractorType").optional(),
        data: Vec::new(),
    }
}

/// Reads filters by path; the path `status` stands for the column.
fn read_data(fields: &mut Fields, sent: Vec<(String, Value)>, columns: &mut ManifestFilter) -> Vec<(DataPath, String)> {
    let mut data = Vec::new();
    for (path, value) in sent {
        let value = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => {
                fields.fail("filter", "jsonPathMap");
                continue;
            }
        };
        match DataPath::parse(&path) {
            None => fields.fail("filter", "jsonPathMap"),
            Some(_) if value.is_empty() => {}
            Some(path) if path.as_str() != "status" => data.push((path, value)),
            Some(_) if STATUSES.contains(&value.as_str()) => columns.status = Some(value),
            Some(_) => fields.fail("filter.status", "isEnum"),
        }
    }
    data
}

fn sort_by(text: &str) -> Option<SortBy> {
    match SortColumn::ALL.iter().find(|column| column.word() == text) {
        Some(column) => Some(SortBy::Column(*column)),
        None => DataPath::parse(text).map(SortBy::Data),
    }
}

fn extraction_state(word: &str) -> Option<ExtractionState> {
    EXTRACTION_STATES.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, state)| *state)
}

fn test(test: Test) -> DataTest {
    match test {
        Test::Number(text) => DataTest::Number(text),
        Test::Truth(truth) => DataTest::Truth(truth),
        Test::Day(day) => DataTest::Day(day),
        Test::Moment(moment) => DataTest::Moment(moment),
        Test::Matches(pattern) => DataTest::Matches(pattern),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(query: &str) -> Result<ListManifests, Value> {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let mut fields = Fields::new(pairs.map(|(name, value)| (name.into_owned(), json!(value))).collect());
        let read = ListManifests::read(&mut fields);
        fields.finish().map(|()| read).map_err(|error| error.to_fields()["details"].clone())
    }

    fn schema() -> Value {
        json!({"properties": {
            "total": {"type": ["number", "null"]}, "paid": {"type": "boolean"}, "due": {"type": "string", "format": "date"},
            "invoice": {"properties": {"po_no": {"type": "string"}}}}})
    }

    #[test]
    fn broken_parameters_are_all_named() {
        let broken = read(
            "page=0&pageSize=201&sortBy=a..b&order=up&status=done&humanVerified=1&confidenceMax=2&costMin=-1&\
             ocrQualityMin=x&textExtractorId=7&filter[1a]=x&colour=red&extractionStatus=maybe&filter[status]=odd",
        )
        .unwrap_err();
        let mut found: Vec<(&str, &str)> = broken
            .as_array()
            .unwrap()
            .iter()
            .map(|detail| (detail["path"].as_str().unwrap(), detail["rule"].as_str().unwrap()))
            .collect();
        found.sort_unstable();
        let expected = [
            ("colour", "whitelistValidation"),
            ("confidenceMax", "max"),
            ("costMin", "min"),
            ("extractionStatus", "isIn"),
            ("filter", "jsonPathMap"),
            ("filter.status", "isEnum"),
            ("humanVerified", "isIn"),
            ("ocrQualityMin", "isInt"),
            ("ocrQualityMin", "max"),
            ("ocrQualityMin", "min"),
            ("order", "isIn"),
            ("page", "min"),
            ("pageSize", "max"),
            ("sortBy", "jsonPath"),
            ("status", "isEnum"),
            ("textExtractorId", "isUuid"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_newest_come_first_unless_an_order_is_given() {
        let sort = |query: &str| read(query).unwrap().sort(&schema());
        let by = |column, descending| Sort { key: SortKey::Column(column), descending };
        assert_eq!(sort(""), by(SortColumn::CreatedAt, true));
        assert_eq!(sort("order=asc"), by(SortColumn::CreatedAt, false));
        assert_eq!(sort("sortBy=filename"), by(SortColumn::Filename, false));
        assert_eq!(sort("sortBy=filename&order=DESC"), by(SortColumn::Filename, true));
        for (path, order) in [
            ("total", DataOrder::Number),
            ("paid", DataOrder::Truth),
            ("due", DataOrder::Moment),
            ("invoice.po_no", DataOrder::Text),
            ("unknown", DataOrder::Text),
        ] {
            assert_eq!(sort(&format!("sortBy={path}")).key, SortKey::Data(path.to_owned(), order));
        }
    }

    #[test]
    fn two_zeros_mean_not_read() {
        let quality = |query| read(query).unwrap().filter(&Value::Null).ocr_quality;
        assert_eq!(quality("ocrQualityMin=0&ocrQualityMax=0"), OcrQuality::Unread);
        assert_eq!(quality("ocrQualityMin=0"), OcrQuality::Between(Some(0), None));
        assert_eq!(quality("ocrQualityMin=70&ocrQualityMax=89"), OcrQuality::Between(Some(70), Some(89)));
    }

    #[test]
    fn filters_of_data_are_typed_and_come_with_brackets_encoded_or_not() {
        let data = |query| read(query).unwrap().filter(&schema()).data;
        let expected = |path: &str, test| vec![DataFilter { path: path.to_owned(), test }];
        let matches = |pattern: &str| DataTest::Matches(pattern.to_owned());
        assert_eq!(data("filter[invoice.po_no]=PO-1"), expected("invoice.po_no", matches("%PO-1%")));
        assert_eq!(data("filter%5Binvoice.po_no%5D=+PO-1+"), expected("invoice.po_no", matches("%PO-1%")));
        assert_eq!(data("filter[invoice.po_no]=PO%25"), expected("invoice.po_no", matches("PO%")));
        assert_eq!(data("filter[total]=12.50"), expected("total", DataTest::Number("12.50".to_owned())));
        assert_eq!(data("filter[total]=12,5"), expected("total", matches("%12,5%")));
        assert_eq!(data("filter[paid]=Yes"), expected("paid", DataTest::Truth(true)));
        assert_eq!(data("filter[invoice.po_no]="), vec![]);
        let by_status = read("filter[status]=failed").unwrap();
        assert_eq!((by_status.filter(&schema()).status.as_deref(), by_status.needs_schema()), (Some("failed"), false));
    }
}
