//! What the fields of a schema mean in the language of invoices, receipts and orders.
//!
//! Schemas are written by users, in any language and form. A field is known by its name and the names that it stands in
//! (`seller.name`, `vendorName`, `lieferant: {name}`), by its title, or because its property says so:
//! `"x-concept": "gross"`. Where two fields could be meant with equal right, neither is taken.

mod patterns;
mod resolve;
mod walk;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use walk::resolved;

/// One meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the words of invoices and need no other words")]
pub enum Concept {
    DocumentType,
    Number,
    /// The code that older Chinese invoices print beside the number.
    InvoiceCode,
    /// The number of the invoice that a credit note corrects.
    PrecedingNumber,
    IssueDate,
    IssueTime,
    DueDate,
    DeliveryDate,
    PeriodStart,
    PeriodEnd,
    /// The buyer's order.
    OrderNumber,
    OrderDate,
    ContractNumber,
    DeliveryNoteNumber,
    /// What the seller calls the buyer.
    CustomerNumber,
    /// What the buyer asks to be quoted, such as a Leitweg-ID.
    BuyerReference,
    Currency,
    Language,
    Note,
    SellerName,
    /// The address in one text.
    SellerAddress,
    SellerStreet,
    SellerCity,
    SellerPostcode,
    SellerCountry,
    SellerVatId,
    SellerTaxNumber,
    /// Either of the two: the schema does not say which.
    SellerTaxId,
    SellerRegistration,
    SellerEmail,
    SellerPhone,
    BuyerName,
    BuyerAddress,
    BuyerStreet,
    BuyerCity,
    BuyerPostcode,
    BuyerCountry,
    BuyerVatId,
    BuyerTaxNumber,
    BuyerTaxId,
    BuyerRegistration,
    BuyerEmail,
    BuyerPhone,
    Iban,
    Bic,
    BankName,
    AccountHolder,
    PaymentTerms,
    PaymentMethod,
    PaymentReference,
    /// The sum of the amounts of the lines, before charges and allowances of the whole document.
    LinesNet,
    Allowances,
    Charges,
    Net,
    Tax,
    Gross,
    Prepaid,
    Due,
    Tip,
    Rounding,
    /// The one rate of a document whose schema has no list of taxes.
    DocumentTaxRate,
    /// The array of taxes by rate.
    Taxes,
    TaxRate,
    TaxBasis,
    TaxAmount,
    TaxCategory,
    /// The array of lines.
    Lines,
    LineNumber,
    /// The name of the item where it stands beside a description.
    LineName,
    LineDescription,
    LineCode,
    LineQuantity,
    LineUnit,
    LineUnitPrice,
    LineDiscount,
    LineTaxRate,
    LineTaxAmount,
    /// The amount of the line without tax, or as printed.
    LineAmount,
    /// The amount of the line with tax.
    LineGross,
}

impl Concept {
    /// The array whose rows have it; `None` for what a document has once.
    #[must_use]
    pub const fn array(self) -> Option<Self> {
        match self {
            Self::TaxRate | Self::TaxBasis | Self::TaxAmount | Self::TaxCategory => Some(Self::Taxes),
            Self::LineNumber
            | Self::LineName
            | Self::LineDescription
            | Self::LineCode
            | Self::LineQuantity
            | Self::LineUnit
            | Self::LineUnitPrice
            | Self::LineDiscount
            | Self::LineTaxRate
            | Self::LineTaxAmount
            | Self::LineAmount
            | Self::LineGross => Some(Self::Lines),
            _ => None,
        }
    }

    /// Whether it is an array of rows.
    #[must_use]
    pub const fn is_array(self) -> bool {
        matches!(self, Self::Lines | Self::Taxes)
    }
}

/// Where a concept is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// From the root of the data, or from the row for what a row has.
    steps: Vec<String>,
    /// From the root, arrays as `line_items[].amount`.
    path: String,
    /// The steps of `steps`, joined.
    local: String,
    /// What the schema says of it, references resolved.
    schema: Value,
}

/// The concepts of one schema.
#[derive(Debug, Clone, Default)]
pub struct Concepts {
    places: BTreeMap<Concept, Place>,
    leaf_count: usize,
}

impl Concepts {
    /// Finds the concepts of a schema.
    #[must_use]
    pub fn of(json_schema: &Value) -> Self {
        resolve::concepts(json_schema)
    }

    /// Whether the schema has a field for it.
    #[must_use]
    pub fn has(&self, concept: Concept) -> bool {
        self.places.contains_key(&concept)
    }

    /// Where it is: a dot path from the root, rows of arrays as `line_items[].amount`.
    #[must_use]
    pub fn path(&self, concept: Concept) -> Option<&str> {
        self.places.get(&concept).map(|place| place.path.as_str())
    }

    /// What the schema says of the field.
    #[must_use]
    pub fn schema(&self, concept: Concept) -> Option<&Value> {
        self.places.get(&concept).map(|place| &place.schema)
    }

    /// The value of what a document has once; `None` when it is not there or null.
    #[must_use]
    pub fn value<'a>(&self, data: &'a Value, concept: Concept) -> Option<&'a Value> {
        if concept.array().is_some() { None } else { self.find(data, concept) }
    }

    /// The rows of an array.
    #[must_use]
    pub fn rows<'a>(&self, data: &'a Value, concept: Concept) -> Option<&'a Vec<Value>> {
        if concept.is_array() { self.find(data, concept)?.as_array() } else { None }
    }

    /// The dot path inside a row of what a row has.
    #[must_use]
    pub fn in_row(&self, concept: Concept) -> Option<&str> {
        concept.array()?;
        self.places.get(&concept).map(|place| place.local.as_str())
    }

    /// The value inside one row; `None` when it is not there or null.
    #[must_use]
    pub fn row_value<'a>(&self, row: &'a Value, concept: Concept) -> Option<&'a Value> {
        concept.array()?;
        self.find(row, concept)
    }

    /// The names on the way to a concept, from the root or from the row.
    pub(crate) fn steps(&self, concept: Concept) -> Option<&[String]> {
        self.places.get(&concept).map(|place| place.steps.as_slice())
    }

    /// All that were found, arrays included.
    pub fn found(&self) -> impl Iterator<Item = (Concept, &str)> {
        self.places.iter().map(|(concept, place)| (*concept, place.path.as_str()))
    }

    /// How many fields with a single value the schema has, fields of rows included.
    #[must_use]
    pub const fn leaf_count(&self) -> usize {
        self.leaf_count
    }

    /// How many of those have a meaning here.
    #[must_use]
    pub fn known_count(&self) -> usize {
        self.places.keys().filter(|concept| !concept.is_array()).count()
    }

    fn find<'a>(&self, data: &'a Value, concept: Concept) -> Option<&'a Value> {
        let place = self.places.get(&concept)?;
        let value = place.steps.iter().try_fold(data, |value, name| value.get(name))?;
        (!value.is_null()).then_some(value)
    }
}

#[cfg(test)]
mod tests;
