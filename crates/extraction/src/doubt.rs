//! Values that no page shows: what a model has made up or calculated.

use serde_json::{Map, Value};
use sluice_core::Page;

use crate::field::FieldPath;
use crate::grounding::{self, MatchKind};

/// A value that no page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubt {
    /// Where it is in the data.
    pub field: FieldPath,
    /// The value.
    pub value: Value,
}

impl Doubt {
    /// What to tell the model.
    #[must_use]
    pub fn message(&self) -> String {
        format!("{} is not printed in the document: {}", self.field, self.value)
    }

    /// Whether it says no more than nothing: a zero that is not printed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.value.as_f64() == Some(0.0)
    }
}

/// Finds the numbers, dates and texts with digits that no page shows.
///
/// Rows of lists are not looked at, nor what the schema lets choose. Something like it will do where a picture was misread, which leaves
/// letters among the digits; a number that reads cleanly is another number.
#[must_use]
pub fn find(data: &Value, pages: &[Page], schema: &Value) -> Vec<Doubt> {
    let single = without_lists(data);
    let cited = grounding::ground(&single, pages, schema);
    let missing = cited.into_iter().filter(|citation| match citation.match_kind {
        MatchKind::NotFound => true,
        MatchKind::Fuzzy => citation.text.as_deref().is_some_and(|text| !text.chars().any(char::is_alphabetic)),
        MatchKind::Exact | MatchKind::Normalized | MatchKind::Derived => false,
    });
    missing
        .filter_map(|citation| {
            let field = FieldPath::parse(&citation.path)?;
            let value = field.find(&single)?.clone();
            has_digits(&value).then_some(Doubt { field, value })
        })
        .collect()
}

fn has_digits(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::String(text) => text.chars().any(|c| c.is_ascii_digit()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn without_lists(data: &Value) -> Value {
    match data {
        Value::Object(fields) => {
            let single = fields.iter().filter(|(_, value)| !value.is_array());
            Value::Object(single.map(|(name, value)| (name.clone(), without_lists(value))).collect::<Map<_, _>>())
        }
        _ => data.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sluice_core::{BoundingBox, TextSource, Word};

    fn page(text: &str) -> Page {
        let word = |(place, text): (u16, &str)| Word {
            text: text.to_owned(),
            bounds: BoundingBox { x: f32::from(place) * 100.0, y: 10.0, width: 80.0, height: 10.0 },
            confidence: 1.0,
            line: 0,
        };
        let mut page = Page::of_text(1, TextSource::TextLayer, text);
        page.words = (0..).zip(text.split(' ')).map(word).collect();
        page
    }

    #[test]
    fn what_no_page_shows_is_doubted() {
        let data = json!({"number": "4711", "date": "2026-03-03", "totals": {"net": 100, "gross": 128.94, "prepaid": 0},
                          "name": "nowhere", "items": [{"amount": 77}]});
        let doubts = find(&data, &[page("Invoice 4711 of 2026-03-14 net 100.00")], &json!({}));
        let told: Vec<String> = doubts.iter().map(Doubt::message).collect();
        assert_eq!(
            told,
            [
                "date is not printed in the document: \"2026-03-03\"",
                "totals.gross is not printed in the document: 128.94",
                "totals.prepaid is not printed in the document: 0"
            ]
        );
        assert_eq!(doubts.iter().map(Doubt::is_idle).collect::<Vec<_>>(), [false, false, true]);
    }
}
