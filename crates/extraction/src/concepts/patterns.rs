//! Which words mean which concept.

use super::Concept::{self, *};
use super::words::Words;

/// A concept, how plainly the words say it (3 = nothing else is meant, 1 = when nothing says it better), and the words;
/// ways of saying it are parted by `|`.
type Pattern = (Concept, u8, &'static str);

/// What a document has once.
const DOCUMENT: &[Pattern] = &[
    (DocumentType, 3, "invoice type|invoice type code"),
    (DocumentType, 2, "type|type code"),
    (Number, 3, "invoice number|invoice id"),
    (Number, 2, "number|invoice reference"),
    (Number, 1, "invoice|id"),
    (InvoiceCode, 3, "invoice code"),
    (PrecedingNumber, 3, "preceding invoice number|preceding invoice|preceding invoice reference|preceding invoice id"),
    (IssueDate, 3, "invoice date|issue date|invoice issue date"),
    (IssueDate, 2, "date"),
    (IssueTime, 3, "invoice time|issue time"),
    (IssueTime, 2, "time"),
    (DueDate, 3, "due date|payment due date|invoice due date"),
    (DueDate, 2, "payment due|payment date|due"),
    (DeliveryDate, 3, "delivery date"),
    (DeliveryDate, 2, "ship date|delivery"),
    (
        PeriodStart,
        3,
        "period start|delivery start|delivery period start|period start date|delivery start date|delivery period start date",
    ),
    (PeriodStart, 2, "start date"),
    (
        PeriodEnd,
        3,
        "period end|delivery end|delivery period end|period end date|delivery end date|delivery period end date",
    ),
    (PeriodEnd, 2, "end date"),
    (OrderNumber, 3, "order number|order id|order reference"),
    (OrderNumber, 2, "order"),
    (OrderDate, 3, "order date"),
    (ContractNumber, 3, "contract number|contract id|contract reference|contract"),
    (DeliveryNoteNumber, 3, "slip|slip number|slip id|delivery note number"),
    (Currency, 3, "currency|currency code|invoice currency|invoice currency code"),
    (Language, 3, "language|invoice language|language code"),
    (Note, 2, "note|invoice note"),
    (Iban, 3, "iban|iban number|bank iban|account iban|payment iban"),
    (Iban, 1, "account number|bank account|bank account number|account"),
    (Bic, 3, "bic|bank bic|bic code|payment bic|bank code bic"),
    (BankName, 3, "bank name|bank"),
    (AccountHolder, 3, "account holder|account name|account holder name|payee|payee name"),
    (PaymentTerms, 3, "payment terms|terms|payment terms description"),
    (PaymentMethod, 3, "payment method|method|payment type"),
    (PaymentReference, 3, "payment reference"),
    (
        LinesNet,
        3,
        "line net|line total|line total net|line amount|item net|item total|item amount|subtotal line|subtotal item|line net total amount",
    ),
    (Allowances, 3, "allowance|allowance total|allowance amount|allowance total amount"),
    (Charges, 3, "charge|charge total|charge amount|charge total amount|delivery charge|delivery amount"),
    (
        Net,
        3,
        "net|net total|net amount|net total amount|invoice net|invoice net amount|tax basis|tax basis total|net subtotal",
    ),
    (Net, 1, "subtotal|subtotal amount|invoice subtotal"),
    (
        Tax,
        3,
        "tax amount|tax total|tax total amount|vat amount|vat total|vat total amount|tax vat|tax vat amount|tax vat total",
    ),
    (Tax, 2, "tax|vat|invoice tax|invoice tax amount"),
    (
        Gross,
        3,
        "gross|gross total|gross amount|gross total amount|invoice gross|invoice gross amount|invoice total|invoice total amount",
    ),
    (Gross, 2, "total amount|invoice amount"),
    (Gross, 1, "total|amount"),
    (Prepaid, 3, "paid|paid amount|paid total|amount paid total"),
    (
        Due,
        3,
        "due amount|due balance|balance|balance amount|due total|due total amount|payment amount|payment due amount|due balance amount|due payment total",
    ),
    (Due, 2, "due"),
    (Tip, 3, "tip|tip amount"),
    (Rounding, 3, "rounding|rounding amount"),
    (DocumentTaxRate, 3, "tax rate|vat rate|tax vat rate"),
];

/// What the seller and the buyer have, given for the seller.
const PARTY: &[Pattern] = &[
    (SellerName, 3, "name|company name|company|"),
    (SellerAddress, 3, "address"),
    (SellerStreet, 3, "street|address street|street number"),
    (SellerCity, 3, "city|address city"),
    (SellerPostcode, 3, "postcode|address postcode|code postcode"),
    (SellerCountry, 3, "country|country code|address country|address country code|code country"),
    (SellerVatId, 3, "vat id|vat|vat number|tax vat id|tax vat number|vat registration number|tax vat"),
    (SellerTaxNumber, 3, "tax number|tax registration number"),
    (SellerTaxId, 3, "tax id"),
    (SellerTaxId, 2, "tax"),
    (SellerRegistration, 3, "registration|registration number|company number|registration id"),
    (SellerEmail, 3, "email|email address|contact email"),
    (SellerPhone, 3, "phone|phone number|contact phone"),
    (CustomerNumber, 3, "number|id|account number|code"),
    (BuyerReference, 3, "reference"),
];

/// What a line has.
const LINE: &[Pattern] = &[
    (LineNumber, 3, "line number|line|number line|line id"),
    (LineNumber, 2, "number"),
    (LineNumber, 1, "id"),
    (LineDescription, 3, "description|item description|line description|item description name"),
    (LineDescription, 2, "name|item name|item|line name"),
    (LineName, 1, "name|item name|item"),
    (LineCode, 3, "item number|item code|item id|sku|sku code|code|item sku"),
    (LineQuantity, 3, "quantity|item quantity|line quantity|delivery quantity"),
    (LineUnit, 3, "unit|unit code|quantity unit|quantity unit code"),
    (LineUnitPrice, 3, "unit price|unit price net|unit amount|item price"),
    (LineUnitPrice, 2, "price|price net"),
    (LineDiscount, 3, "allowance|allowance amount"),
    (LineTaxRate, 3, "tax rate|vat rate|tax vat rate"),
    (LineTaxRate, 2, "vat|rate"),
    (LineTaxRate, 1, "tax"),
    (LineTaxAmount, 3, "tax amount|vat amount|tax total|vat total"),
    (
        LineAmount,
        3,
        "amount|line amount|line total|total|total amount|net amount|net total|net|line net|line net amount|net total amount|price total|line total amount|subtotal",
    ),
    (LineGross, 3, "gross|gross amount|gross total|gross line|gross line amount|gross price total|amount gross line"),
];

/// What a rate of tax has.
const TAX: &[Pattern] = &[
    (TaxRate, 3, "rate|tax rate|vat rate"),
    (TaxBasis, 3, "basis|tax basis|basis amount|net|net amount|tax basis amount|vat basis|vat basis amount"),
    (TaxAmount, 3, "tax amount|vat amount"),
    (TaxAmount, 2, "amount|tax|vat|total"),
    (TaxCategory, 3, "category|category code|tax category|vat category|tax category code|code|tax code|vat code"),
    (TaxCategory, 2, "type|tax type|tax name|name"),
];

/// In what a field stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    Document,
    Seller,
    Buyer,
    Line,
    Tax,
}

/// The concepts that words may mean, with how plainly.
pub(super) fn meanings(words: &Words, context: Context) -> Vec<(Concept, u8)> {
    match context {
        Context::Document => matching(words, DOCUMENT).collect(),
        Context::Line => or_without(words, LINE, "line"),
        Context::Tax => matching(words, TAX).collect(),
        Context::Seller => {
            let own = matching(words, PARTY).filter(|(concept, _)| !matches!(concept, CustomerNumber | BuyerReference));
            let document = matching(words, DOCUMENT).filter(|(concept, level)| {
                *level == 3
                    && matches!(concept, Number | IssueDate | Iban | Bic | BankName | AccountHolder | PaymentReference)
            });
            own.chain(document).collect()
        }
        Context::Buyer => {
            let document = matching(words, DOCUMENT)
                .filter(|(concept, level)| *level == 3 && matches!(concept, OrderNumber | OrderDate | ContractNumber));
            matching(words, PARTY).map(|(concept, level)| (of_buyer(concept), level)).chain(document).collect()
        }
    }
}

/// What the number of a party means where nothing names the party: the seller's, when nothing says it better.
pub(super) fn of_nobody(words: &Words) -> Vec<(Concept, u8)> {
    matching(words, PARTY)
        .filter(|(concept, _)| matches!(concept, SellerVatId | SellerTaxNumber | SellerTaxId | SellerRegistration))
        .filter(|(_, level)| *level == 3 && !words.iter().all(|word| *word == "vat"))
        .map(|(concept, _)| (concept, 1))
        .collect()
}

fn or_without(words: &Words, patterns: &'static [Pattern], word: &str) -> Vec<(Concept, u8)> {
    let found: Vec<_> = matching(words, patterns).collect();
    if !found.is_empty() || words.len() < 2 {
        return found;
    }
    let rest: Words = words.iter().copied().filter(|one| *one != word).collect();
    matching(&rest, patterns).collect()
}

fn matching<'a>(words: &'a Words, patterns: &'static [Pattern]) -> impl Iterator<Item = (Concept, u8)> + 'a {
    let says = |ways: &str| {
        ways.split('|').any(|way| {
            let count = way.split_whitespace().count();
            count == words.len() && way.split_whitespace().all(|word| words.contains(word))
        })
    };
    patterns.iter().filter(move |(_, _, ways)| says(ways)).map(|(concept, level, _)| (*concept, *level))
}

const fn of_buyer(concept: Concept) -> Concept {
    match concept {
        SellerName => BuyerName,
        SellerAddress => BuyerAddress,
        SellerStreet => BuyerStreet,
        SellerCity => BuyerCity,
        SellerPostcode => BuyerPostcode,
        SellerCountry => BuyerCountry,
        SellerVatId => BuyerVatId,
        SellerTaxNumber => BuyerTaxNumber,
        SellerTaxId => BuyerTaxId,
        SellerRegistration => BuyerRegistration,
        SellerEmail => BuyerEmail,
        SellerPhone => BuyerPhone,
        other => other,
    }
}
