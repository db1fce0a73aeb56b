//! E-invoices: XML that says what the page shows.
//!
//! [`read`] takes the XML that a PDF carries or that was uploaded (CII of Factur-X, `ZUGFeRD` 1 and 2 and `XRechnung`; UBL) into
//! one [`Invoice`], whose parts are the terms (BT-n) of EN 16931. [`map`] puts it into a project's schema. [`differences`]
//! tells what the page does not show as the XML says.

mod cii;
mod compare;
mod convert;
mod map;
mod text;
mod ubl;
mod xml;

use chrono::NaiveDate;
use rust_decimal::Decimal;

pub use compare::differences;
pub use map::{Mapped, map};
pub use text::{lines, page};

/// The longest XML that is read.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;

/// Why some XML is no invoice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is longer than any invoice.
    #[error("the XML is longer than {} MiB", MAX_BYTES / 1024 / 1024)]
    TooLong,
    /// It is in no encoding that is read.
    #[error("the XML is in no known encoding")]
    Encoding,
    /// It is not well-formed, or has what no invoice needs: entities, a document type.
    #[error("the XML can't be read: {reason}")]
    Malformed {
        /// What the parser says.
        reason: String,
    },
    /// It is something else.
    #[error("the XML is no invoice that is known here: its root is {root}; CII and UBL invoices are read")]
    Dialect {
        /// Its root element.
        root: String,
    },
    /// It says nothing that an invoice must say.
    #[error("the XML has neither a number nor amounts")]
    Empty,
}

/// An invoice or credit note.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Invoice {
    /// The syntax and its version, such as `CII`.
    pub syntax: &'static str,
    /// What the document says it keeps to (BT-24).
    pub profile: Option<String>,
    /// BT-1.
    pub number: Option<String>,
    /// BT-2.
    pub issue_date: Option<NaiveDate>,
    /// A code of UNTDID 1001 (BT-3).
    pub type_code: Option<String>,
    /// BT-5.
    pub currency: Option<String>,
    /// BT-9.
    pub due_date: Option<NaiveDate>,
    /// BT-10.
    pub buyer_reference: Option<String>,
    /// BT-12.
    pub contract_number: Option<String>,
    /// BT-13.
    pub order_number: Option<String>,
    /// BT-16, or the delivery note of the extended profile.
    pub delivery_note_number: Option<String>,
    /// BT-22, all of them.
    pub note: Option<String>,
    /// BT-25.
    pub preceding_number: Option<String>,
    /// BT-72.
    pub delivery_date: Option<NaiveDate>,
    /// BT-73.
    pub period_start: Option<NaiveDate>,
    /// BT-74.
    pub period_end: Option<NaiveDate>,
    /// BG-4.
    pub seller: Party,
    /// BG-7.
    pub buyer: Party,
    /// BG-16.
    pub payment: Payment,
    /// BG-22.
    pub totals: Totals,
    /// BG-23.
    pub taxes: Vec<TaxRow>,
    /// BG-25.
    pub lines: Vec<Line>,
}

/// The seller or the buyer; the terms are the seller's.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Party {
    /// BT-27.
    pub name: Option<String>,
    /// BT-29.
    pub id: Option<String>,
    /// BT-30.
    pub registration: Option<String>,
    /// BT-31.
    pub vat_id: Option<String>,
    /// BT-32.
    pub tax_number: Option<String>,
    /// BT-35, BT-36 and BT-162.
    pub streets: Vec<String>,
    /// BT-37.
    pub city: Option<String>,
    /// BT-38.
    pub postcode: Option<String>,
    /// BT-40.
    pub country: Option<String>,
    /// BT-42.
    pub phone: Option<String>,
    /// BT-43.
    pub email: Option<String>,
}

/// How to pay.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Payment {
    /// BT-20.
    pub terms: Option<String>,
    /// A code of UNTDID 4461 (BT-81).
    pub means_code: Option<String>,
    /// BT-82.
    pub means: Option<String>,
    /// BT-83.
    pub reference: Option<String>,
    /// BT-84.
    pub iban: Option<String>,
    /// BT-85.
    pub holder: Option<String>,
    /// BT-86.
    pub bic: Option<String>,
    /// The bank's name, which only `ZUGFeRD` 1 knows.
    pub bank: Option<String>,
}

/// The amounts of the whole document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// BT-106.
    pub lines_net: Option<Decimal>,
    /// BT-107.
    pub allowances: Option<Decimal>,
    /// BT-108.
    pub charges: Option<Decimal>,
    /// BT-109.
    pub net: Option<Decimal>,
    /// BT-110.
    pub tax: Option<Decimal>,
    /// BT-112.
    pub gross: Option<Decimal>,
    /// BT-113.
    pub prepaid: Option<Decimal>,
    /// BT-114.
    pub rounding: Option<Decimal>,
    /// BT-115.
    pub due: Option<Decimal>,
}

/// The tax of one rate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaxRow {
    /// BT-116.
    pub basis: Option<Decimal>,
    /// BT-117.
    pub amount: Option<Decimal>,
    /// BT-118.
    pub category: Option<String>,
    /// Per cent (BT-119).
    pub rate: Option<Decimal>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    /// BT-126.
    pub number: Option<String>,
    /// BT-129.
    pub quantity: Option<Decimal>,
    /// BT-130.
    pub unit: Option<String>,
    /// BT-131.
    pub amount: Option<Decimal>,
    /// The sum of BT-136.
    pub discount: Option<Decimal>,
    /// BT-146, for one unit: divided by BT-149.
    pub unit_price: Option<Decimal>,
    /// Per cent (BT-152).
    pub tax_rate: Option<Decimal>,
    /// BT-153.
    pub name: Option<String>,
    /// BT-154.
    pub description: Option<String>,
    /// BT-155, else BT-157.
    pub code: Option<String>,
}

/// Reads an invoice.
///
/// # Errors
/// When it is none, or not one that is known here.
pub fn read(bytes: &[u8]) -> Result<Invoice, Error> {
    let text = xml::decode(bytes)?;
    let document = xml::parse(&text)?;
    let root = document.root_element();
    let mut invoice = match xml::dialect(root) {
        Some(xml::Dialect::Cii) => cii::read(root, "CII"),
        Some(xml::Dialect::Zugferd1) => cii::read(root, "ZUGFeRD 1"),
        Some(xml::Dialect::UblInvoice) => ubl::read(root, "UBL invoice"),
        Some(xml::Dialect::UblCreditNote) => ubl::read(root, "UBL credit note"),
        None => return Err(Error::Dialect { root: root.tag_name().name().chars().take(80).collect() }),
    };
    if invoice.number.is_none() && invoice.totals == Totals::default() {
        return Err(Error::Empty);
    }
    // A line without amounts is a remark between lines, or a part of another; some programs write zeros for none.
    invoice.lines.retain(|line| {
        let is_zero = |value: Option<Decimal>| value.is_none_or(|value| value.is_zero());
        let is_remark = is_zero(line.quantity) && is_zero(line.amount);
        !is_remark && (line.amount.is_some() || (line.quantity.is_some() && line.unit_price.is_some()))
    });
    Ok(invoice)
}

/// The price of one unit (BT-146 by BT-149).
///
/// Some programs write the line's quantity as the base of a price that is for one already: the line's amount tells.
fn price_of_one(
    price: Decimal,
    basis: Option<Decimal>,
    quantity: Option<Decimal>,
    amount: Option<Decimal>,
) -> Option<Decimal> {
    let basis = basis.filter(|basis| !basis.is_zero()).unwrap_or(Decimal::ONE);
    let by_basis = price.checked_div(basis);
    let comes_to = |price: Decimal| {
        let (quantity, amount) = quantity.zip(amount)?;
        Some((quantity.checked_mul(price)? - amount).abs() <= Decimal::new(1, 2))
    };
    if by_basis.and_then(comes_to) != Some(true) && comes_to(price) == Some(true) { Some(price) } else { by_basis }
}

#[cfg(test)]
mod tests;
