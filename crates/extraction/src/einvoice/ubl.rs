//! Universal Business Language: Invoice and `CreditNote`, as `XRechnung` and Peppol use them.

use roxmltree::Node;

use super::xml::{all, content, date, first, number, read_number, sum, text, texts};
use super::{Invoice, Line, Party, Payment, TaxRow, Totals, price_of_one};

pub(super) fn read(root: Node<'_, '_>, syntax: &'static str) -> Invoice {
    let currency = text(root, "DocumentCurrencyCode");
    let is_credit = root.tag_name().name() == "CreditNote";
    let default_code = if is_credit { "381" } else { "380" };
    Invoice {
        syntax,
        profile: text(root, "CustomizationID"),
        number: text(root, "ID"),
        issue_date: date(root, "IssueDate"),
        type_code: text(root, "InvoiceTypeCode|CreditNoteTypeCode").or_else(|| Some(default_code.to_owned())),
        due_date: date(root, "DueDate").or_else(|| date(root, "PaymentMeans/PaymentDueDate")),
        buyer_reference: text(root, "BuyerReference"),
        contract_number: text(root, "ContractDocumentReference/ID"),
        order_number: text(root, "OrderReference/ID"),
        delivery_note_number: text(root, "DespatchDocumentReference/ID"),
        note: texts(root, "Note"),
        preceding_number: text(root, "BillingReference/InvoiceDocumentReference/ID"),
        delivery_date: date(root, "Delivery/ActualDeliveryDate"),
        period_start: date(root, "InvoicePeriod/StartDate"),
        period_end: date(root, "InvoicePeriod/EndDate"),
        seller: first(root, "AccountingSupplierParty/Party").map(party).unwrap_or_default(),
        buyer: first(root, "AccountingCustomerParty/Party").map(party).unwrap_or_default(),
        payment: payment(root),
        totals: totals(root, currency.as_deref()),
        taxes: all(root, "TaxTotal/TaxSubtotal").into_iter().map(tax).collect(),
        lines: all(root, "InvoiceLine|CreditNoteLine").into_iter().map(line).collect(),
        currency,
    }
}

fn totals(root: Node<'_, '_>, currency: Option<&str>) -> Totals {
    let taxes = all(root, "TaxTotal/TaxAmount");
    let own = taxes.iter().find(|tax| tax.attribute("currencyID").is_some_and(|code| Some(code) == currency));
    let sums = first(root, "LegalMonetaryTotal");
    let of = |name: &str| sums.and_then(|sums| number(sums, name));
    Totals {
        lines_net: of("LineExtensionAmount"),
        allowances: of("AllowanceTotalAmount"),
        charges: of("ChargeTotalAmount"),
        net: of("TaxExclusiveAmount"),
        tax: own.or(taxes.first()).and_then(|tax| content(*tax)).as_deref().and_then(read_number),
        gross: of("TaxInclusiveAmount"),
        prepaid: of("PrepaidAmount"),
        rounding: of("PayableRoundingAmount"),
        due: of("PayableAmount"),
    }
}

fn tax(node: Node<'_, '_>) -> TaxRow {
    TaxRow {
        basis: number(node, "TaxableAmount"),
        amount: number(node, "TaxAmount"),
        category: text(node, "TaxCategory/ID"),
        rate: number(node, "TaxCategory/Percent"),
    }
}

fn party(node: Node<'_, '_>) -> Party {
    let schemes = all(node, "PartyTaxScheme");
    let registered = |is_vat: bool| {
        let scheme = |one: &Node<'_, '_>| {
            text(*one, "TaxScheme/ID").is_none_or(|scheme| scheme.eq_ignore_ascii_case("VAT")) == is_vat
        };
        schemes.iter().find(|one| scheme(one)).and_then(|one| text(*one, "CompanyID"))
    };
    let address = |name: &str| text(node, &format!("PostalAddress/{name}"));
    Party {
        name: text(node, "PartyLegalEntity/RegistrationName").or_else(|| text(node, "PartyName/Name")),
        id: text(node, "PartyIdentification/ID"),
        registration: text(node, "PartyLegalEntity/CompanyID"),
        vat_id: registered(true),
        tax_number: registered(false),
        streets: ["StreetName", "AdditionalStreetName", "AddressLine/Line"].into_iter().filter_map(address).collect(),
        city: address("CityName"),
        postcode: address("PostalZone"),
        country: address("Country/IdentificationCode"),
        phone: text(node, "Contact/Telephone"),
        email: text(node, "Contact/ElectronicMail"),
    }
}

fn payment(root: Node<'_, '_>) -> Payment {
    let means = all(root, "PaymentMeans");
    let account = |node: &Node<'_, '_>| text(*node, "PayeeFinancialAccount/ID");
    let chosen = means.iter().find(|node| account(node).is_some()).or(means.first()).copied();
    let of = |path: &str| chosen.and_then(|node| text(node, path));
    Payment {
        terms: texts(root, "PaymentTerms/Note"),
        means_code: of("PaymentMeansCode"),
        means: chosen.and_then(|node| first(node, "PaymentMeansCode")?.attribute("name").map(str::to_owned)),
        reference: of("PaymentID"),
        iban: chosen.as_ref().and_then(account),
        holder: of("PayeeFinancialAccount/Name"),
        bic: of("PayeeFinancialAccount/FinancialInstitutionBranch/ID"),
        bank: of("PayeeFinancialAccount/FinancialInstitutionBranch/Name"),
    }
}

fn line(node: Node<'_, '_>) -> Line {
    let quantity = first(node, "InvoicedQuantity|CreditedQuantity");
    let quantity_value = quantity.and_then(content).as_deref().and_then(read_number);
    let amount = number(node, "LineExtensionAmount");
    let discounts = all(node, "AllowanceCharge")
        .into_iter()
        .filter(|one| text(*one, "ChargeIndicator").as_deref() == Some("false"))
        .filter_map(|one| number(one, "Amount"));
    Line {
        number: text(node, "ID"),
        quantity: quantity_value,
        unit: quantity.and_then(|quantity| quantity.attribute("unitCode")).map(str::to_owned),
        amount,
        discount: sum(discounts),
        unit_price: number(node, "Price/PriceAmount")
            .and_then(|price| price_of_one(price, number(node, "Price/BaseQuantity"), quantity_value, amount)),
        tax_rate: number(node, "Item/ClassifiedTaxCategory/Percent"),
        name: text(node, "Item/Name"),
        description: text(node, "Item/Description"),
        code: text(node, "Item/SellersItemIdentification/ID")
            .or_else(|| text(node, "Item/StandardItemIdentification/ID")),
    }
}
