//! Cross Industry Invoice: Factur-X, `ZUGFeRD` 2, `XRechnung`; and `ZUGFeRD` 1, whose elements have other names.

use roxmltree::Node;
use rust_decimal::Decimal;

use super::xml::{all, content, date, first, number, read_number, sum, text, texts};
use super::{Invoice, Line, Party, Payment, TaxRow, Totals, price_of_one};

const DATE: &str = "DateTimeString|DateTime|Date";

pub(super) fn read(root: Node<'_, '_>, syntax: &'static str) -> Invoice {
    let mut invoice = Invoice {
        syntax,
        profile: text(
            root,
            "ExchangedDocumentContext|SpecifiedExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID",
        ),
        ..Invoice::default()
    };
    if let Some(header) = first(root, "ExchangedDocument|HeaderExchangedDocument") {
        invoice.number = text(header, "ID");
        invoice.type_code = text(header, "TypeCode");
        invoice.issue_date = date(header, &format!("IssueDateTime/{DATE}"));
        invoice.note = texts(header, "IncludedNote/Content");
    }
    let Some(trade) = first(root, "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction") else {
        return invoice;
    };
    if let Some(agreement) = first(trade, "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement") {
        invoice.buyer_reference = text(agreement, "BuyerReference");
        invoice.order_number = text(agreement, "BuyerOrderReferencedDocument/IssuerAssignedID|ID");
        invoice.contract_number = text(agreement, "ContractReferencedDocument/IssuerAssignedID|ID");
        invoice.seller = first(agreement, "SellerTradeParty").map(party).unwrap_or_default();
        invoice.buyer = first(agreement, "BuyerTradeParty").map(party).unwrap_or_default();
    }
    if let Some(delivery) = first(trade, "ApplicableHeaderTradeDelivery|ApplicableSupplyChainTradeDelivery") {
        let event = format!("ActualDeliverySupplyChainEvent/OccurrenceDateTime/{DATE}");
        invoice.delivery_date = date(delivery, &event);
        invoice.delivery_note_number =
            text(delivery, "DeliveryNoteReferencedDocument|DespatchAdviceReferencedDocument/IssuerAssignedID|ID");
    }
    if let Some(settlement) = first(trade, "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement") {
        read_settlement(&mut invoice, settlement);
    }
    invoice.lines =
        all(trade, "IncludedSupplyChainTradeLineItem").into_iter().filter(|line| counts(*line)).map(line).collect();
    invoice
}

fn read_settlement(invoice: &mut Invoice, settlement: Node<'_, '_>) {
    invoice.currency = text(settlement, "InvoiceCurrencyCode");
    invoice.due_date = date(settlement, &format!("SpecifiedTradePaymentTerms/DueDateDateTime/{DATE}"));
    invoice.period_start = date(settlement, &format!("BillingSpecifiedPeriod/StartDateTime/{DATE}"));
    invoice.period_end = date(settlement, &format!("BillingSpecifiedPeriod/EndDateTime/{DATE}"));
    invoice.preceding_number = text(settlement, "InvoiceReferencedDocument/IssuerAssignedID|ID");
    invoice.payment = payment(settlement);
    invoice.taxes = all(settlement, "ApplicableTradeTax")
        .into_iter()
        .map(|tax| TaxRow {
            basis: number(tax, "BasisAmount"),
            amount: number(tax, "CalculatedAmount"),
            category: text(tax, "CategoryCode"),
            rate: number(tax, "RateApplicablePercent|ApplicablePercent"),
        })
        .collect();
    let summation = "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation";
    if let Some(sums) = first(settlement, summation) {
        invoice.totals = Totals {
            lines_net: number(sums, "LineTotalAmount"),
            allowances: number(sums, "AllowanceTotalAmount"),
            charges: number(sums, "ChargeTotalAmount"),
            net: number(sums, "TaxBasisTotalAmount"),
            tax: in_currency(sums, invoice.currency.as_deref()),
            gross: number(sums, "GrandTotalAmount"),
            prepaid: number(sums, "TotalPrepaidAmount"),
            rounding: number(sums, "RoundingAmount"),
            due: number(sums, "DuePayableAmount"),
        };
    }
}

/// The tax in the invoice's own currency: it may stand there in the accounting currency too.
fn in_currency(sums: Node<'_, '_>, currency: Option<&str>) -> Option<Decimal> {
    let totals = all(sums, "TaxTotalAmount");
    let own = totals.iter().find(|total| total.attribute("currencyID").is_some_and(|code| Some(code) == currency));
    own.or(totals.first()).and_then(|total| content(*total)).as_deref().and_then(read_number)
}

fn party(node: Node<'_, '_>) -> Party {
    let registration = |scheme: &str| {
        all(node, "SpecifiedTaxRegistration/ID")
            .into_iter()
            .find(|id| id.attribute("schemeID").is_some_and(|told| told.eq_ignore_ascii_case(scheme)))
            .and_then(content)
    };
    let address = |name: &str| text(node, &format!("PostalTradeAddress/{name}"));
    Party {
        name: text(node, "Name").or_else(|| text(node, "SpecifiedLegalOrganization/TradingBusinessName")),
        id: text(node, "ID").or_else(|| text(node, "GlobalID")),
        registration: text(node, "SpecifiedLegalOrganization/ID"),
        vat_id: registration("VA"),
        tax_number: registration("FC"),
        streets: ["LineOne", "LineTwo", "LineThree"].into_iter().filter_map(address).collect(),
        city: address("CityName"),
        postcode: address("PostcodeCode"),
        country: address("CountryID"),
        phone: text(node, "DefinedTradeContact/TelephoneUniversalCommunication/CompleteNumber"),
        email: text(node, "DefinedTradeContact/EmailURIUniversalCommunication/URIID|CompleteNumber"),
    }
}

fn payment(settlement: Node<'_, '_>) -> Payment {
    let means = all(settlement, "SpecifiedTradeSettlementPaymentMeans");
    let account = |node: &Node<'_, '_>| text(*node, "PayeePartyCreditorFinancialAccount/IBANID|ProprietaryID");
    let chosen = means.iter().find(|node| account(node).is_some()).or(means.first()).copied();
    let of = |path: &str| chosen.and_then(|node| text(node, path));
    Payment {
        terms: texts(settlement, "SpecifiedTradePaymentTerms/Description"),
        means_code: of("TypeCode"),
        means: of("Information"),
        reference: text(settlement, "PaymentReference"),
        iban: chosen.as_ref().and_then(account),
        holder: of("PayeePartyCreditorFinancialAccount/AccountName"),
        bic: of("PayeeSpecifiedCreditorFinancialInstitution/BICID"),
        bank: of("PayeeSpecifiedCreditorFinancialInstitution/Name"),
    }
}

/// Whether a line has an amount of its own: in the extended profile groups and remarks are lines too.
fn counts(line: Node<'_, '_>) -> bool {
    let reason = text(line, "AssociatedDocumentLineDocument/LineStatusReasonCode");
    !matches!(reason.as_deref(), Some("GROUP" | "INFORMATION"))
}

fn line(node: Node<'_, '_>) -> Line {
    let agreement = first(node, "SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement");
    let settlement = first(node, "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement");
    let quantity = first(node, "SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery/BilledQuantity");
    let price = agreement.and_then(|node| {
        first(node, "NetPriceProductTradePrice")
            .filter(|price| number(*price, "ChargeAmount").is_some())
            .or_else(|| first(node, "GrossPriceProductTradePrice"))
    });
    let allowances = settlement.into_iter().flat_map(|node| all(node, "SpecifiedTradeAllowanceCharge"));
    let discounts = allowances
        .filter(|one| text(*one, "ChargeIndicator/Indicator").as_deref() == Some("false"))
        .filter_map(|one| number(one, "ActualAmount"));
    let quantity_value = quantity.and_then(content).as_deref().and_then(read_number);
    let amount = settlement.and_then(|node| {
        number(
            node,
            "SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation/LineTotalAmount",
        )
    });
    Line {
        number: text(node, "AssociatedDocumentLineDocument/LineID"),
        quantity: quantity_value,
        unit: quantity.and_then(|quantity| quantity.attribute("unitCode")).map(str::to_owned),
        amount,
        discount: sum(discounts),
        unit_price: price.and_then(|price| {
            price_of_one(number(price, "ChargeAmount")?, number(price, "BasisQuantity"), quantity_value, amount)
        }),
        tax_rate: settlement
            .and_then(|node| number(node, "ApplicableTradeTax/RateApplicablePercent|ApplicablePercent")),
        name: text(node, "SpecifiedTradeProduct/Name"),
        description: text(node, "SpecifiedTradeProduct/Description"),
        code: text(node, "SpecifiedTradeProduct/SellerAssignedID")
            .or_else(|| text(node, "SpecifiedTradeProduct/GlobalID")),
    }
}
