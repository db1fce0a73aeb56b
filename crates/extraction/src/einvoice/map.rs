//! An invoice in the form of a project's schema.

use serde_json::{Map, Value};

use super::convert::{Term, convert};
use super::{Invoice, Line, Party, TaxRow};
use crate::concepts::Concept::{self, *};
use crate::concepts::{Concepts, resolved};
use crate::schema::has_type;

/// An invoice in the form of a schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// The data.
    pub data: Value,
    /// The syntax of the XML, such as `CII`.
    pub syntax: &'static str,
    /// What the document says it keeps to.
    pub profile: Option<String>,
    /// What a page may show, with its path in the data.
    pub(super) shown: Vec<(String, Term)>,
}

/// Puts an invoice into a schema.
///
/// `None` when a model has to be asked: the schema wants other things than invoices have, it requires one that has no meaning
/// here, or it wants lines and the invoice's profile (MINIMUM, BASIC WL) has none.
#[must_use]
pub fn map(invoice: &Invoice, json_schema: &Value, required_fields: &[String]) -> Option<Mapped> {
    let concepts = Concepts::of(json_schema);
    let is_invoice = [Number, Gross, Net, Due].into_iter().any(|concept| concepts.has(concept));
    let is_known = concepts.known_count() * 2 >= concepts.leaf_count() && concepts.known_count() >= 3;
    let lacks_lines = concepts.has(Lines) && invoice.lines.is_empty();
    if !is_invoice || !is_known || lacks_lines || !required_fields.iter().all(|path| is_covered(&concepts, path)) {
        return None;
    }
    let mut mapper = Mapper { concepts: &concepts, shown: Vec::new() };
    let mut data = Map::new();
    for (concept, path) in concepts.found() {
        let value = match concept {
            Lines => Some(mapper.rows(&invoice.lines, path, of_line)),
            Taxes => Some(mapper.rows(&invoice.taxes, path, of_tax)),
            concept if concept.array().is_some() => None,
            concept => mapper.value(concept, of_document(invoice, concept, &concepts), path),
        };
        if let (Some(value), Some(steps)) = (value, concepts.steps(concept)) {
            put(&mut data, steps, value);
        }
    }
    let data = complete(json_schema, json_schema, data);
    Some(Mapped {
        data: Value::Object(data),
        syntax: invoice.syntax,
        profile: invoice.profile.clone(),
        shown: mapper.shown,
    })
}

/// Whether a required path is a field that is known here, or leads to one.
fn is_covered(concepts: &Concepts, required: &str) -> bool {
    concepts.found().any(|(_, path)| {
        path.strip_prefix(required)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]"))
    })
}

struct Mapper<'a> {
    concepts: &'a Concepts,
    shown: Vec<(String, Term)>,
}

impl Mapper<'_> {
    fn value(&mut self, concept: Concept, term: Option<Term>, path: &str) -> Option<Value> {
        let term = term?;
        let value = convert(&term, self.concepts.schema(concept)?)?;
        if is_shown(concept) {
            self.shown.push((path.to_owned(), term));
        }
        Some(value)
    }

    fn rows<T>(&mut self, rows: &[T], path: &str, term: fn(&T, Concept, &Concepts) -> Option<Term>) -> Value {
        let concepts = self.concepts;
        let prefix = format!("{path}[].");
        let columns: Vec<_> = concepts.found().filter(|(_, path)| path.starts_with(&prefix)).collect();
        let mut mapped = Vec::with_capacity(rows.len());
        for (number, row) in rows.iter().enumerate() {
            let mut fields = Map::new();
            for (concept, _) in &columns {
                let (Some(steps), Some(local)) = (concepts.steps(*concept), concepts.in_row(*concept)) else {
                    continue;
                };
                let place = format!("{path}.{number}.{local}");
                if let Some(value) = self.value(*concept, term(row, *concept, concepts), &place) {
                    put(&mut fields, steps, value);
                }
            }
            mapped.push(Value::Object(fields));
        }
        Value::Array(mapped)
    }
}

/// What an invoice prints; codes, rates and names are left out, which pages write in their own way.
const fn is_shown(concept: Concept) -> bool {
    matches!(
        concept,
        Number
            | IssueDate
            | DueDate
            | DeliveryDate
            | OrderNumber
            | SellerVatId
            | BuyerVatId
            | Iban
            | Bic
            | LinesNet
            | Allowances
            | Charges
            | Net
            | Tax
            | Gross
            | Prepaid
            | Due
            | TaxBasis
            | TaxAmount
            | LineUnitPrice
            | LineAmount
    )
}

fn put(data: &mut Map<String, Value>, steps: &[String], value: Value) {
    let Some((first, rest)) = steps.split_first() else { return };
    if rest.is_empty() {
        data.insert(first.clone(), value);
    } else if let Some(inner) = data.entry(first.clone()).or_insert_with(|| Value::Object(Map::new())).as_object_mut() {
        put(inner, rest, value);
    }
}

/// The data in the order of the schema, with a null where nothing is known and the schema knows null.
fn complete(root: &Value, schema: &Value, mut data: Map<String, Value>) -> Map<String, Value> {
    let schema = resolved(root, schema);
    let mut ordered = Map::new();
    for (name, told) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let property = resolved(root, told);
        let value = match data.shift_remove(name) {
            Some(Value::Object(fields)) => Some(Value::Object(complete(root, told, fields))),
            Some(Value::Array(rows)) => {
                let items = property.get("items").unwrap_or(&Value::Null);
                let rows = rows.into_iter().map(|row| match row {
                    Value::Object(fields) => Value::Object(complete(root, items, fields)),
                    other => other,
                });
                Some(Value::Array(rows.collect()))
            }
            Some(value) => Some(value),
            None => (knows_null(told) || knows_null(&property)).then_some(Value::Null),
        };
        if let Some(value) = value {
            ordered.insert(name.clone(), value);
        }
    }
    ordered
}

fn knows_null(schema: &Value) -> bool {
    let among = |word: &str| {
        let some = schema.get(word).and_then(Value::as_array).into_iter().flatten();
        some.into_iter().any(|one| one.is_null() || has_type(one, "null"))
    };
    has_type(schema, "null") || among("anyOf") || among("oneOf") || (schema.get("type").is_none() && among("enum"))
}

fn of_document(invoice: &Invoice, concept: Concept, concepts: &Concepts) -> Option<Term> {
    let text = |text: &Option<String>| text.clone().map(Term::Text);
    let amount = |amount: Option<rust_decimal::Decimal>| amount.map(Term::Amount);
    let (payment, totals) = (&invoice.payment, &invoice.totals);
    match concept {
        DocumentType => Some(Term::Words(type_words(invoice.type_code.as_deref().unwrap_or("380")))),
        Number => text(&invoice.number),
        PrecedingNumber => text(&invoice.preceding_number),
        IssueDate => invoice.issue_date.map(Term::Date),
        DueDate => invoice.due_date.map(Term::Date),
        DeliveryDate => invoice.delivery_date.map(Term::Date),
        PeriodStart => invoice.period_start.map(Term::Date),
        PeriodEnd => invoice.period_end.map(Term::Date),
        OrderNumber => text(&invoice.order_number),
        ContractNumber => text(&invoice.contract_number),
        DeliveryNoteNumber => text(&invoice.delivery_note_number),
        CustomerNumber => text(&invoice.buyer.id),
        BuyerReference => text(&invoice.buyer_reference),
        Currency => text(&invoice.currency),
        Note => text(&invoice.note),
        Iban => text(&payment.iban),
        Bic => text(&payment.bic),
        BankName => text(&payment.bank),
        AccountHolder => text(&payment.holder),
        PaymentTerms => text(&payment.terms),
        PaymentReference => text(&payment.reference),
        PaymentMethod => text(&payment.means).or_else(|| means_words(payment.means_code.as_deref()?).map(Term::Words)),
        LinesNet => amount(totals.lines_net),
        Allowances => amount(totals.allowances),
        Charges => amount(totals.charges),
        Net => amount(totals.net),
        Tax => amount(totals.tax),
        Gross => amount(totals.gross),
        Prepaid => amount(totals.prepaid),
        Rounding => amount(totals.rounding),
        Due => amount(totals.due),
        DocumentTaxRate => match invoice.taxes.as_slice() {
            [only] => only.rate.map(Term::Measure),
            _ => None,
        },
        concept => of_party(&invoice.seller, SELLER, concept, concepts)
            .or_else(|| of_party(&invoice.buyer, BUYER, concept, concepts)),
    }
}

/// The concepts of one party, in the order of `of_party`.
type PartyConcepts = [Concept; 11];

const SELLER: PartyConcepts = [
    SellerName,
    SellerAddress,
    SellerStreet,
    SellerCity,
    SellerPostcode,
    SellerCountry,
    SellerVatId,
    SellerTaxNumber,
    SellerTaxId,
    SellerRegistration,
    SellerEmail,
];
const BUYER: PartyConcepts = [
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
];

fn of_party(party: &Party, all: PartyConcepts, concept: Concept, concepts: &Concepts) -> Option<Term> {
    let [name, address, street, city, postcode, country, vat_id, tax_number, tax_id, registration, email] = all;
    let text = if concept == name {
        party.name.clone()
    } else if concept == address {
        one_line(party)
    } else if concept == street {
        (!party.streets.is_empty()).then(|| party.streets.join(", "))
    } else if concept == city {
        party.city.clone()
    } else if concept == postcode {
        party.postcode.clone()
    } else if concept == country {
        party.country.clone()
    } else if concept == vat_id {
        party.vat_id.clone()
    } else if concept == tax_number {
        // Where a schema has one field for either, its name says which only by chance.
        let is_only = !concepts.has(vat_id) && !concepts.has(tax_id);
        party.tax_number.clone().or_else(|| party.vat_id.clone().filter(|_| is_only))
    } else if concept == tax_id {
        let number = || party.tax_number.clone();
        if concepts.has(vat_id) { number() } else { party.vat_id.clone().or_else(number) }
    } else if concept == registration {
        party.registration.clone()
    } else if concept == email {
        party.email.clone()
    } else if (all == SELLER && concept == SellerPhone) || (all == BUYER && concept == BuyerPhone) {
        party.phone.clone()
    } else {
        None
    };
    text.map(Term::Text)
}

/// The address as it stands in one line; the country is a code that no page prints.
fn one_line(party: &Party) -> Option<String> {
    let town: Vec<&str> = [&party.postcode, &party.city].into_iter().flatten().map(String::as_str).collect();
    let mut parts = party.streets.clone();
    parts.push(town.join(" "));
    parts.retain(|part| !part.is_empty());
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn of_tax(tax: &TaxRow, concept: Concept, _concepts: &Concepts) -> Option<Term> {
    match concept {
        TaxRate => tax.rate.map(Term::Measure),
        TaxBasis => tax.basis.map(Term::Amount),
        TaxAmount => tax.amount.map(Term::Amount),
        TaxCategory => tax.category.clone().map(Term::Text),
        _ => None,
    }
}

fn of_line(line: &Line, concept: Concept, concepts: &Concepts) -> Option<Term> {
    let text = |text: &Option<String>| text.clone().map(Term::Text);
    match concept {
        LineNumber => text(&line.number),
        LineName => text(&line.name),
        LineDescription if concepts.has(LineName) => text(&line.description),
        LineDescription => text(&line.name).or_else(|| text(&line.description)),
        LineCode => text(&line.code),
        LineQuantity => line.quantity.map(Term::Measure),
        LineUnit => text(&line.unit),
        LineUnitPrice => line.unit_price.map(Term::Amount),
        LineDiscount => line.discount.map(Term::Amount),
        LineTaxRate => line.tax_rate.map(Term::Measure),
        LineAmount => line.amount.map(Term::Amount),
        _ => None,
    }
}

/// Words for a code of UNTDID 1001.
fn type_words(code: &str) -> Vec<&'static str> {
    let own: &[&str] = match code {
        "381" | "83" | "261" | "308" | "396" | "420" | "458" | "532" => {
            &["credit_note", "credit", "credit_memo", "gutschrift", "avoir", "nota_credito", "nota_de_credito", "381"]
        }
        "384" => &["corrected_invoice", "correction", "corrective_invoice", "rechnungskorrektur", "384"],
        "386" => &["prepayment_invoice", "deposit_invoice", "anzahlungsrechnung", "386"],
        "389" => &["self_billed_invoice", "self_billing", "389"],
        "326" => &["partial_invoice", "teilrechnung", "326"],
        "383" => &["debit_note", "383"],
        _ => &[],
    };
    let is_credit = own.first() == Some(&"credit_note");
    let invoice: &[&str] =
        if is_credit { &[] } else { &["invoice", "commercial_invoice", "rechnung", "facture", "factura", "380"] };
    [own, invoice, &["other"]].concat()
}

/// Words for a code of UNTDID 4461.
fn means_words(code: &str) -> Option<Vec<&'static str>> {
    Some(match code {
        "10" => vec!["cash", "bar", "10"],
        "20" => vec!["cheque", "check", "20"],
        "30" | "42" => vec!["credit transfer", "bank transfer", "transfer", "überweisung", "30"],
        "48" | "54" | "55" => vec!["card", "credit card", "bank card", "48"],
        "49" => vec!["direct debit", "lastschrift", "49"],
        "57" => vec!["standing agreement", "57"],
        "58" => vec!["SEPA credit transfer", "credit transfer", "bank transfer", "transfer", "überweisung", "58"],
        "59" => vec!["SEPA direct debit", "direct debit", "lastschrift", "59"],
        "68" => vec!["online payment", "68"],
        _ => return None,
    })
}
