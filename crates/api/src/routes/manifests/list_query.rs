//! The query of the list of manifests.

use sluice_core::{ManifestStatus, NanoAmount};
use sluice_db::models::manifests::list::{
    DataFilter, ExtractionState, ManifestFilter, OcrQuality, Sort, SortColumn, SortKey, Window,
};

use crate::error::Detail;

/// The longest path into extracted data.
const MAX_PATH: usize = 200;
const MAX_PAGE_SIZE: i64 = 200;

/// The query, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListQuery {
    pub(crate) page: i64,
    pub(crate) page_size: i64,
    pub(crate) filter: ManifestFilter,
    pub(crate) sort: Sort,
}

impl ListQuery {
    /// Reads a query string; all problems are told at once.
    pub(crate) fn parse(query: &str) -> Result<Self, Vec<Detail>> {
        let mut reader = Reader::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            reader.read(&name, value.trim());
        }
        reader.finish()
    }

    /// The part of the list that the page is.
    pub(crate) fn window(&self) -> Window {
        Window { offset: (self.page - 1).saturating_mul(self.page_size), limit: self.page_size }
    }
}

#[derive(Default)]
struct Reader {
    page: Option<i64>,
    page_size: Option<i64>,
    filter: ManifestFilter,
    ocr_min: Option<i32>,
    ocr_max: Option<i32>,
    sort_by: Option<SortKey>,
    descending: Option<bool>,
    broken: Vec<Detail>,
}

impl Reader {
    fn read(&mut self, name: &str, value: &str) {
        match name {
            "page" => self.page = self.integer(name, value, 1, i64::from(i32::MAX)),
            "pageSize" => self.page_size = self.integer(name, value, 1, MAX_PAGE_SIZE),
            "ocrQualityMin" => self.ocr_min = self.score(name, value),
            "ocrQualityMax" => self.ocr_max = self.score(name, value),
            "confidenceMin" => self.filter.confidence_min = self.number(name, value, Some(1.0)),
            "confidenceMax" => self.filter.confidence_max = self.number(name, value, Some(1.0)),
            "costMin" => self.filter.cost_min_nano = self.amount(name, value),
            "costMax" => self.filter.cost_max_nano = self.amount(name, value),
            "status" => self.status(name, value),
            "humanVerified" => {
                self.filter.human_verified = self.word(name, value, &[("true", true), ("false", false)]);
            }
            "extractionStatus" => self.filter.extraction = self.word(name, &value.to_lowercase(), EXTRACTION_STATES),
            "order" => {
                self.descending = self.word(name, &value.to_lowercase(), &[("asc", false), ("desc", true)]);
            }
            "textExtractorId" => match value.parse() {
                Ok(id) => self.filter.text_extractor_id = Some(id),
                Err(_) => self.fail(name, "isUuid"),
            },
            "extractorType" => self.filter.extractor_type = Some(value.to_owned()),
            "sortBy" => self.sort_by = self.sort_key(name, value),
            _ => match name.strip_prefix("filter[").and_then(|rest| rest.strip_suffix(']')) {
                Some(path) => self.data_filter(path, value),
                None => self.fail(name, "whitelistValidation"),
            },
        }
    }

    fn finish(mut self) -> Result<ListQuery, Vec<Detail>> {
        self.filter.ocr_quality = match (self.ocr_min, self.ocr_max) {
            (None, None) => OcrQuality::Any,
            (Some(0), Some(0)) => OcrQuality::Unread,
            (min, max) => OcrQuality::Between(min, max),
        };
        if !self.broken.is_empty() {
            return Err(self.broken);
        }
        let sort = self.sort_by.map_or_else(Sort::default, |key| Sort { key, descending: false });
        Ok(ListQuery {
            page: self.page.unwrap_or(1),
            page_size: self.page_size.unwrap_or(25),
            filter: self.filter,
            sort: Sort { descending: self.descending.unwrap_or(sort.descending), ..sort },
        })
    }

    fn fail(&mut self, name: &str, rule: &'static str) {
        self.broken.push(Detail { path: name.to_owned(), rule });
    }

    fn integer(&mut self, name: &str, value: &str, min: i64, max: i64) -> Option<i64> {
        let rule = match value.parse::<i64>() {
            Ok(number) if number < min => "min",
            Ok(number) if number > max => "max",
            Ok(number) => return Some(number),
            Err(_) => "isInt",
        };
        self.fail(name, rule);
        None
    }

    fn score(&mut self, name: &str, value: &str) -> Option<i32> {
        self.integer(name, value, 0, 100).and_then(|score| i32::try_from(score).ok())
    }

    fn number(&mut self, name: &str, value: &str, max: Option<f64>) -> Option<f64> {
        let rule = match value.parse::<f64>() {
            Ok(number) if !number.is_finite() => "isNumber",
            Ok(number) if number < 0.0 => "min",
            Ok(number) if max.is_some_and(|max| number > max) => "max",
            Ok(number) => return Some(number),
            Err(_) => "isNumber",
        };
        self.fail(name, rule);
        None
    }

    fn amount(&mut self, name: &str, value: &str) -> Option<i64> {
        let number = self.number(name, value, None)?;
        let amount = NanoAmount::from_f64(number);
        if amount.is_none() {
            self.fail(name, "max");
        }
        amount.map(|amount| amount.0)
    }

    fn word<T: Copy>(&mut self, name: &str, value: &str, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning);
        if found.is_none() {
            self.fail(name, "isIn");
        }
        found
    }

    fn status(&mut self, name: &str, value: &str) {
        match value.parse::<ManifestStatus>() {
            Ok(status) => self.filter.status = Some(status.as_str().to_owned()),
            Err(_) => self.fail(name, "isEnum"),
        }
    }

    fn sort_key(&mut self, name: &str, value: &str) -> Option<SortKey> {
        if let Some(column) = SortColumn::ALL.iter().find(|column| column.word() == value) {
            return Some(SortKey::Column(*column));
        }
        let path = parse_path(value);
        if path.is_none() {
            self.fail(name, "jsonPath");
        }
        path.map(SortKey::Data)
    }

    fn data_filter(&mut self, path: &str, value: &str) {
        if path == "status" {
            if !value.is_empty() {
                self.status("filter.status", value);
            }
            return;
        }
        match parse_path(path) {
            None => self.fail("filter", "jsonPathMap"),
            Some(_) if value.is_empty() => {}
            Some(path) => {
                let pattern = if value.contains(['%', '_']) {
                    value.to_owned()
                } else {
                    format!("%{}%", value.replace('\\', "\\\\"))
                };
                self.filter.data.push(DataFilter { path, pattern });
            }
        }
    }
}

const EXTRACTION_STATES: &[(&str, ExtractionState)] = &[
    ("not_extracted", ExtractionState::NotExtracted),
    ("extracting", ExtractionState::Extracting),
    ("complete", ExtractionState::Complete),
    ("partial", ExtractionState::Partial),
    ("failed", ExtractionState::Failed),
];

/// Names joined by dots: `[A-Za-z_][A-Za-z0-9_]*`, at most 200 characters in all.
fn parse_path(text: &str) -> Option<Vec<String>> {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    (text.len() <= MAX_PATH && text.split('.').all(is_name)).then(|| text.split('.').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_parameters_are_all_named() {
        let broken = ListQuery::parse(
            "page=0&pageSize=201&sortBy=a..b&order=up&status=done&humanVerified=1&confidenceMax=2&costMin=-1&\
             ocrQualityMin=x&textExtractorId=7&filter[1a]=x&colour=red&extractionStatus=maybe",
        )
        .unwrap_err();
        let expected = [
            ("page", "min"),
            ("pageSize", "max"),
            ("sortBy", "jsonPath"),
            ("order", "isIn"),
            ("status", "isEnum"),
            ("humanVerified", "isIn"),
            ("confidenceMax", "max"),
            ("costMin", "min"),
            ("ocrQualityMin", "isInt"),
            ("textExtractorId", "isUuid"),
            ("filter", "jsonPathMap"),
            ("colour", "whitelistValidation"),
            ("extractionStatus", "isIn"),
        ];
        assert_eq!(broken, expected.map(|(name, rule)| Detail { path: name.to_owned(), rule }));
    }

    #[test]
    fn the_newest_come_first_unless_an_order_is_given() {
        let sort = |query| ListQuery::parse(query).unwrap().sort;
        let by = |column, descending| Sort { key: SortKey::Column(column), descending };
        assert_eq!(sort(""), by(SortColumn::CreatedAt, true));
        assert_eq!(sort("order=asc"), by(SortColumn::CreatedAt, false));
        assert_eq!(sort("sortBy=filename"), by(SortColumn::Filename, false));
        assert_eq!(sort("sortBy=filename&order=DESC"), by(SortColumn::Filename, true));
        assert_eq!(sort("sortBy=invoice.total").key, SortKey::Data(vec!["invoice".to_owned(), "total".to_owned()]));
    }

    #[test]
    fn two_zeros_mean_not_read() {
        let quality = |query| ListQuery::parse(query).unwrap().filter.ocr_quality;
        assert_eq!(quality("ocrQualityMin=0&ocrQualityMax=0"), OcrQuality::Unread);
        assert_eq!(quality("ocrQualityMin=0"), OcrQuality::Between(Some(0), None));
        assert_eq!(quality("ocrQualityMin=70&ocrQualityMax=89"), OcrQuality::Between(Some(70), Some(89)));
    }

    #[test]
    fn filters_of_data_come_with_brackets_encoded_or_not() {
        let data = |query| ListQuery::parse(query).unwrap().filter.data;
        let expected = |pattern: &str| {
            vec![DataFilter { path: vec!["invoice".to_owned(), "po_no".to_owned()], pattern: pattern.to_owned() }]
        };
        assert_eq!(data("filter[invoice.po_no]=PO-1"), expected("%PO-1%"));
        assert_eq!(data("filter%5Binvoice.po_no%5D=+PO-1+"), expected("%PO-1%"));
        assert_eq!(data("filter[invoice.po_no]=PO%25"), expected("PO%"));
        assert_eq!(data("filter[invoice.po_no]="), vec![]);
    }
}
