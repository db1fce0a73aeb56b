//! What makes two documents the same: seller and number. Whether there is another one, others must ask.

use serde_json::Value;

use crate::concepts::{Concept, Concepts};

/// The check of issues about a number that the same seller has used before.
pub const DUPLICATE_NUMBER: &str = "duplicate_number";

/// What a document is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Where its number is.
    pub number_path: &'a str,
    /// Its number, as it stands in the data.
    pub number: String,
    /// Where the seller's name is.
    pub name_path: Option<&'a str>,
    /// The seller's name.
    pub name: Option<String>,
    /// Where the seller's VAT number is.
    pub vat_id_path: Option<&'a str>,
    /// The seller's VAT number.
    pub vat_id: Option<String>,
}

impl<'a> Identity<'a> {
    /// Reads it from data; `None` when number or seller are not known.
    #[must_use]
    pub fn of(data: &Value, concepts: &'a Concepts) -> Option<Self> {
        let text = |concept| text_of(concepts.value(data, concept)?);
        let (name, vat_id) = (text(Concept::SellerName), text(Concept::SellerVatId));
        if name.is_none() && vat_id.is_none() {
            return None;
        }
        Some(Self {
            number_path: concepts.path(Concept::Number)?,
            number: text(Concept::Number)?,
            name_path: concepts.path(Concept::SellerName),
            name,
            vat_id_path: concepts.path(Concept::SellerVatId),
            vat_id,
        })
    }

    /// Whether a document with the same number is by the same seller.
    #[must_use]
    pub fn is_seller(&self, name: Option<&str>, vat_id: Option<&str>) -> bool {
        is_same_seller((self.name.as_deref(), self.vat_id.as_deref()), (name, vat_id))
    }
}

/// Whether two sellers, by name and VAT number, are one: by their VAT numbers where both have one, else by their names.
fn is_same_seller(left: (Option<&str>, Option<&str>), right: (Option<&str>, Option<&str>)) -> bool {
    let is_same = |left: &str, right: &str| {
        let (left, right) = (compact(left), compact(right));
        !left.is_empty() && left == right
    };
    match (left, right) {
        ((_, Some(left)), (_, Some(right))) => is_same(left, right),
        ((Some(left), _), (Some(right), _)) => is_same(left, right),
        _ => false,
    }
}

fn compact(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_is_known_by_number_and_seller() {
        let schema = json!({"properties": {"invoice_number": {"type": "string"}, "seller": {"type": "object", "properties": {
            "name": {"type": "string"}, "vat_id": {"type": "string"}}}}});
        let concepts = Concepts::of(&schema);
        let data = json!({"invoice_number": "R-1", "seller": {"name": "Seil GmbH"}});
        let identity = Identity::of(&data, &concepts).unwrap();
        assert_eq!(
            (identity.number_path, identity.number.as_str(), identity.name_path),
            ("invoice_number", "R-1", Some("seller.name"))
        );
        assert!(identity.is_seller(Some("SEIL  GmbH."), None) && !identity.is_seller(Some("Tau AG"), None));
        for data in [
            json!({"invoice_number": "R-1"}),
            json!({"seller": {"name": "Seil"}}),
            json!({"invoice_number": " ", "seller": {"name": "S"}}),
        ] {
            assert_eq!(Identity::of(&data, &concepts), None, "{data}");
        }
    }

    #[test]
    fn vat_numbers_decide_before_names() {
        assert!(is_same_seller((Some("A"), Some("DE 1")), (Some("B"), Some("DE1"))));
        assert!(!is_same_seller((Some("A"), Some("DE1")), (Some("A"), Some("DE2"))));
        assert!(is_same_seller((Some("A"), Some("DE1")), (Some("a"), None)));
        assert!(!is_same_seller((None, Some("DE1")), (Some("a"), None)));
        assert!(!is_same_seller((Some("--"), None), (Some(".."), None)));
    }
}
