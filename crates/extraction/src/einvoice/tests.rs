use super::*;
use crate::schema;
use serde_json::{Value, json};
use sluice_core::{Page, TextSource};

const CII: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- made for a test -->
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100" xmlns:ram="urn:ram:100" xmlns:udt="urn:udt:100">
 <rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:cen.eu:en16931:2017</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
 <rsm:ExchangedDocument><ram:ID> H-7 </ram:ID><ram:TypeCode>380</ram:TypeCode>
  <ram:IssueDateTime><udt:DateTimeString format="102">20260314</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
 <rsm:SupplyChainTradeTransaction>
  <ram:IncludedSupplyChainTradeLineItem>
   <ram:AssociatedDocumentLineDocument><ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument>
   <ram:SpecifiedTradeProduct><ram:SellerAssignedID>R20</ram:SellerAssignedID><ram:Name>Rope 20&#160;m &amp; hook</ram:Name></ram:SpecifiedTradeProduct>
   <ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>125.0000</ram:ChargeAmount><ram:BasisQuantity unitCode="C62">10</ram:BasisQuantity></ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>
   <ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">2.0000</ram:BilledQuantity></ram:SpecifiedLineTradeDelivery>
   <ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax><ram:RateApplicablePercent>19.00</ram:RateApplicablePercent></ram:ApplicableTradeTax>
    <ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>25.00</ram:LineTotalAmount></ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>
  </ram:IncludedSupplyChainTradeLineItem>
  <ram:IncludedSupplyChainTradeLineItem>
   <ram:AssociatedDocumentLineDocument><ram:LineID>2</ram:LineID><ram:IncludedNote><ram:Content>only a remark</ram:Content></ram:IncludedNote></ram:AssociatedDocumentLineDocument>
  </ram:IncludedSupplyChainTradeLineItem>
  <ram:ApplicableHeaderTradeAgreement>
   <ram:SellerTradeParty><ram:Name>Harbour Supplies Ltd</ram:Name>
    <ram:PostalTradeAddress><ram:PostcodeCode>20095</ram:PostcodeCode><ram:LineOne>Kai 1</ram:LineOne><ram:LineTwo>Haus B</ram:LineTwo><ram:CityName>Hamburg</ram:CityName><ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress>
    <ram:SpecifiedTaxRegistration><ram:ID schemeID="FC">22/123/45678</ram:ID></ram:SpecifiedTaxRegistration>
    <ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">DE123456788</ram:ID></ram:SpecifiedTaxRegistration></ram:SellerTradeParty>
   <ram:BuyerTradeParty><ram:ID>K-9</ram:ID><ram:Name>Jane's Boats</ram:Name></ram:BuyerTradeParty>
   <ram:BuyerOrderReferencedDocument><ram:IssuerAssignedID>PO 12</ram:IssuerAssignedID></ram:BuyerOrderReferencedDocument>
  </ram:ApplicableHeaderTradeAgreement>
  <ram:ApplicableHeaderTradeDelivery><ram:ActualDeliverySupplyChainEvent><ram:OccurrenceDateTime><udt:DateTimeString format="102">20260310</udt:DateTimeString></ram:OccurrenceDateTime></ram:ActualDeliverySupplyChainEvent></ram:ApplicableHeaderTradeDelivery>
  <ram:ApplicableHeaderTradeSettlement>
   <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
   <ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>58</ram:TypeCode></ram:SpecifiedTradeSettlementPaymentMeans>
   <ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>58</ram:TypeCode><ram:PayeePartyCreditorFinancialAccount><ram:IBANID>DE02 1203 0000 0000 2020 51</ram:IBANID></ram:PayeePartyCreditorFinancialAccount></ram:SpecifiedTradeSettlementPaymentMeans>
   <ram:ApplicableTradeTax><ram:CalculatedAmount>4.75</ram:CalculatedAmount><ram:BasisAmount>25.00</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>19.00</ram:RateApplicablePercent></ram:ApplicableTradeTax>
   <ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime><udt:DateTimeString format="102">20260413</udt:DateTimeString></ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms>
   <ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>25.00</ram:LineTotalAmount><ram:TaxBasisTotalAmount>25.00</ram:TaxBasisTotalAmount>
    <ram:TaxTotalAmount currencyID="USD">5.10</ram:TaxTotalAmount><ram:TaxTotalAmount currencyID="EUR">4.75</ram:TaxTotalAmount><ram:GrandTotalAmount>29.75</ram:GrandTotalAmount><ram:DuePayableAmount>29.75</ram:DuePayableAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation>
  </ram:ApplicableHeaderTradeSettlement>
 </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>"#;

const UBL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<CreditNote xmlns="urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2" xmlns:cac="urn:cac" xmlns:cbc="urn:cbc">
 <cbc:CustomizationID>urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0</cbc:CustomizationID>
 <cbc:ID>C-1</cbc:ID><cbc:IssueDate>2026-03-20</cbc:IssueDate><cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
 <cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>H-7</cbc:ID></cac:InvoiceDocumentReference></cac:BillingReference>
 <cac:AccountingSupplierParty><cac:Party><cac:PartyName><cbc:Name>Harbour</cbc:Name></cac:PartyName>
  <cac:PostalAddress><cbc:StreetName>Kai 1</cbc:StreetName><cbc:CityName>Hamburg</cbc:CityName><cbc:PostalZone>20095</cbc:PostalZone><cac:Country><cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country></cac:PostalAddress>
  <cac:PartyTaxScheme><cbc:CompanyID>22/123/45678</cbc:CompanyID><cac:TaxScheme><cbc:ID>FC</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
  <cac:PartyTaxScheme><cbc:CompanyID>DE123456788</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
  <cac:PartyLegalEntity><cbc:RegistrationName>Harbour Supplies Ltd</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party></cac:AccountingSupplierParty>
 <cac:AccountingCustomerParty><cac:Party><cac:PartyName><cbc:Name>Jane's Boats</cbc:Name></cac:PartyName></cac:Party></cac:AccountingCustomerParty>
 <cac:PaymentMeans><cbc:PaymentMeansCode>58</cbc:PaymentMeansCode><cac:PayeeFinancialAccount><cbc:ID>DE02120300000000202051</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>
 <cac:TaxTotal><cbc:TaxAmount currencyID="EUR">4.75</cbc:TaxAmount><cac:TaxSubtotal><cbc:TaxableAmount currencyID="EUR">25.00</cbc:TaxableAmount><cbc:TaxAmount currencyID="EUR">4.75</cbc:TaxAmount><cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>
 <cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">25.00</cbc:LineExtensionAmount><cbc:TaxExclusiveAmount currencyID="EUR">25.00</cbc:TaxExclusiveAmount><cbc:TaxInclusiveAmount currencyID="EUR">29.75</cbc:TaxInclusiveAmount><cbc:PayableAmount currencyID="EUR">29.75</cbc:PayableAmount></cac:LegalMonetaryTotal>
 <cac:CreditNoteLine><cbc:ID>1</cbc:ID><cbc:CreditedQuantity unitCode="XPP">2</cbc:CreditedQuantity><cbc:LineExtensionAmount currencyID="EUR">25.00</cbc:LineExtensionAmount>
  <cac:Item><cbc:Description>long text</cbc:Description><cbc:Name>Rope</cbc:Name><cac:SellersItemIdentification><cbc:ID>R20</cbc:ID></cac:SellersItemIdentification><cac:ClassifiedTaxCategory><cbc:Percent>19</cbc:Percent></cac:ClassifiedTaxCategory></cac:Item>
  <cac:Price><cbc:PriceAmount currencyID="EUR">1250</cbc:PriceAmount><cbc:BaseQuantity unitCode="XPP">100</cbc:BaseQuantity></cac:Price></cac:CreditNoteLine>
</CreditNote>"#;

const ZUGFERD1: &str = r#"<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0" xmlns:ram="urn:ram:12" xmlns:udt="urn:udt:15">
 <rsm:SpecifiedExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:ferd:CrossIndustryDocument:invoice:1p0:comfort</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:SpecifiedExchangedDocumentContext>
 <rsm:HeaderExchangedDocument><ram:ID>Z1</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime><udt:DateTimeString format="102">20140303</udt:DateTimeString></ram:IssueDateTime></rsm:HeaderExchangedDocument>
 <rsm:SpecifiedSupplyChainTradeTransaction>
  <ram:ApplicableSupplyChainTradeAgreement><ram:SellerTradeParty><ram:Name>Alt GmbH</ram:Name></ram:SellerTradeParty></ram:ApplicableSupplyChainTradeAgreement>
  <ram:ApplicableSupplyChainTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
   <ram:ApplicableTradeTax><ram:CalculatedAmount currencyID="EUR">1.90</ram:CalculatedAmount><ram:ApplicablePercent>19.00</ram:ApplicablePercent></ram:ApplicableTradeTax>
   <ram:SpecifiedTradeSettlementMonetarySummation><ram:TaxBasisTotalAmount currencyID="EUR">10.00</ram:TaxBasisTotalAmount><ram:GrandTotalAmount currencyID="EUR">11.90</ram:GrandTotalAmount></ram:SpecifiedTradeSettlementMonetarySummation>
  </ram:ApplicableSupplyChainTradeSettlement>
  <ram:IncludedSupplyChainTradeLineItem><ram:SpecifiedSupplyChainTradeAgreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>5.00</ram:ChargeAmount></ram:NetPriceProductTradePrice></ram:SpecifiedSupplyChainTradeAgreement>
   <ram:SpecifiedSupplyChainTradeDelivery><ram:BilledQuantity unitCode="C62">2</ram:BilledQuantity></ram:SpecifiedSupplyChainTradeDelivery>
   <ram:SpecifiedSupplyChainTradeSettlement><ram:SpecifiedTradeSettlementMonetarySummation><ram:LineTotalAmount>10.00</ram:LineTotalAmount></ram:SpecifiedTradeSettlementMonetarySummation></ram:SpecifiedSupplyChainTradeSettlement>
   <ram:SpecifiedTradeProduct><ram:Name>Ware</ram:Name></ram:SpecifiedTradeProduct></ram:IncludedSupplyChainTradeLineItem>
 </rsm:SpecifiedSupplyChainTradeTransaction>
</rsm:CrossIndustryDocument>"#;

fn number() -> Value {
    json!({"type": ["number", "null"]})
}

fn text() -> Value {
    json!({"type": ["string", "null"]})
}

fn english() -> Value {
    json!({"type": "object", "required": ["doc_type"], "properties": {
        "doc_type": {"enum": ["invoice", "credit_note", "other"]}, "invoice_number": text(), "issue_date": text(),
        "seller": {"type": ["object", "null"], "properties": {"name": text(), "address": text(), "vat_id": text(), "tax_number": text()}},
        "payment": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"iban": text(), "bic": text()}}]},
        "totals": {"type": "object", "properties": {"net": number(), "tax": number(), "gross": number(), "prepaid": number()}},
        "taxes": {"type": "array", "items": {"type": "object", "properties": {"rate": number(), "amount": number()}}},
        "line_items": {"type": "array", "items": {"type": "object", "properties": {"description": text(), "quantity": number(), "unit": text(), "unit_price": number(), "amount": number()}}}
    }})
}

fn mapped(xml: &str, json_schema: &Value) -> Option<Mapped> {
    map(&read(xml.as_bytes()).unwrap(), json_schema, &schema::derive(json_schema).required_fields)
}

#[test]
fn a_cii_invoice_is_put_into_the_schema() {
    let expected = json!({
        "doc_type": "invoice", "invoice_number": "H-7", "issue_date": "2026-03-14",
        "seller": {"name": "Harbour Supplies Ltd", "address": "Kai 1, Haus B, 20095 Hamburg", "vat_id": "DE123456788", "tax_number": "22/123/45678"},
        "payment": {"iban": "DE02 1203 0000 0000 2020 51", "bic": null},
        "totals": {"net": 25, "tax": 4.75, "gross": 29.75, "prepaid": null},
        "taxes": [{"rate": 19, "amount": 4.75}],
        "line_items": [{"description": "Rope 20 m & hook", "quantity": 2, "unit": "C62", "unit_price": 12.5, "amount": 25}]
    });
    let mapped = mapped(CII, &english()).unwrap();
    assert_eq!(mapped.data, expected);
    assert_eq!(mapped.profile.as_deref(), Some("urn:cen.eu:en16931:2017"));
    assert_eq!(crate::validate::check(&mapped.data, &english(), &[]), Ok(Vec::new()));
}

#[test]
fn prices_are_of_one_unit_whatever_their_base_says() {
    let price = |price: i64, basis: Option<i64>, quantity: i64, amount: i64| {
        price_of_one(price.into(), basis.map(Into::into), Some(quantity.into()), Some(amount.into()))
    };
    assert_eq!(price(10, None, 15, 150), Some(10.into()));
    assert_eq!(price(100, Some(10), 15, 150), Some(10.into()));
    // The base is the line's own quantity, and the price is of one.
    assert_eq!(price(10, Some(15), 15, 150), Some(10.into()));
    assert_eq!(price(10, Some(5), 15, 7), Some(2.into()));
    assert_eq!(price(10, Some(0), 15, 7), Some(10.into()));
}

#[test]
fn a_ubl_credit_note_and_zugferd_1_are_read() {
    let credit = mapped(UBL, &english()).unwrap().data;
    assert_eq!(credit["doc_type"], "credit_note");
    assert_eq!(credit["seller"]["name"], "Harbour Supplies Ltd");
    assert_eq!(credit["seller"]["vat_id"], "DE123456788");
    assert_eq!(
        credit["line_items"][0],
        json!({"description": "Rope", "quantity": 2, "unit": "XPP", "unit_price": 12.5, "amount": 25})
    );
    assert_eq!(read(UBL.as_bytes()).unwrap().preceding_number.as_deref(), Some("H-7"));
    let old = read(ZUGFERD1.as_bytes()).unwrap();
    assert_eq!((old.syntax, old.number.as_deref(), old.lines.len()), ("ZUGFeRD 1", Some("Z1"), 1));
    assert_eq!((old.totals.gross, old.taxes[0].rate), (Some(Decimal::new(1190, 2)), Some(Decimal::new(1900, 2))));
}

#[test]
fn other_words_and_types_are_filled_too() {
    let german = json!({"type": "object", "required": ["Rechnungsnummer", "positionen"], "properties": {
        "Rechnungsnummer": {"type": "string"}, "belegart": {"type": "string"},
        "rechnungsdatum": {"type": "string", "pattern": r"^\d{2}\.\d{2}\.\d{4}$"},
        "Fälligkeitsdatum": {"type": "string", "format": "date-time"},
        "lieferant": {"type": "object", "properties": {"strasse": {"type": "string"}, "plz": {"type": "string"}, "ort": {"type": "string"}, "steuernummer": {"type": "string"}}},
        "kundenName": {"type": "string"}, "nettobetrag": {"type": "string"}, "gesamtbetrag": {"type": "number"}, "anzahlung": {"type": "number"},
        "positionen": {"type": "array", "items": {"$ref": "#/$defs/position"}}
    }, "$defs": {"position": {"type": "object", "properties": {"name": {"type": "string"}, "beschreibung": text(), "menge": {"type": "integer"}, "einzelpreis": {"type": "string"}, "gesamtpreis": {"type": "number"}}}}});
    let data = mapped(CII, &german).unwrap().data;
    assert_eq!(
        data,
        json!({"Rechnungsnummer": "H-7", "belegart": "invoice", "rechnungsdatum": "14.03.2026", "Fälligkeitsdatum": "2026-04-13T00:00:00Z",
            "lieferant": {"strasse": "Kai 1, Haus B", "plz": "20095", "ort": "Hamburg", "steuernummer": "22/123/45678"},
            "kundenName": "Jane's Boats", "nettobetrag": "25.00", "gesamtbetrag": 29.75,
            "positionen": [{"name": "Rope 20 m & hook", "beschreibung": null, "menge": 2, "einzelpreis": "12.50", "gesamtpreis": 25}]})
    );
}

#[test]
fn what_an_invoice_does_not_say_is_asked_of_the_model() {
    let mut wants_more = english();
    wants_more["properties"]["department"] = text();
    assert!(mapped(CII, &wants_more).is_some());
    wants_more["required"] = json!(["department"]);
    assert_eq!(mapped(CII, &wants_more), None);
    let other = json!({"type": "object", "properties": {"invoice_number": text(), "colour": text(), "weight": text(), "mood": text()}});
    assert_eq!(mapped(CII, &other), None);
    // A profile without lines, and a schema that wants them.
    let (head, rest) = CII.split_once("<ram:IncludedSupplyChainTradeLineItem>").unwrap();
    let (_, tail) = rest.rsplit_once("</ram:IncludedSupplyChainTradeLineItem>").unwrap();
    let minimum = format!("{head}{tail}");
    assert_eq!(mapped(&minimum, &english()), None);
    let mut without_lines = english();
    without_lines["properties"].as_object_mut().unwrap().remove("line_items");
    assert_eq!(mapped(&minimum, &without_lines).unwrap().data["totals"]["gross"], 29.75);
}

fn page(text: &str) -> Page {
    Page::of_text(1, TextSource::TextLayer, text)
}

#[test]
fn what_the_page_shows_otherwise_is_told() {
    let mapped = mapped(CII, &english()).unwrap();
    let right = "Rechnung H-7 vom 14. März 2026\nUSt-Id DE 123 456 788\nIBAN DE02 1203 0000 0000 2020 51\nRope 2 x 12,50 25,00\nMwSt 4,75\nSumme 29,75 EUR";
    assert_eq!(differences(&mapped, &[page(right)]), Vec::new());
    assert_eq!(differences(&mapped, &[]), Vec::new());
    let in_two_rows = right.replace("0000 2020 51", "0000   Giro 12\n2020 51");
    assert_eq!(differences(&mapped, &[page(&in_two_rows)]), Vec::new());
    let wrong = right.replace("29,75", "29,76").replace("H-7", "H-8").replace("12,50", "17,50");
    let told: Vec<(String, String)> =
        differences(&mapped, &[page(&wrong)]).into_iter().map(|issue| (issue.field, issue.message)).collect();
    let expected = [
        ("invoice_number", "the e-invoice says H-7, which no page shows"),
        ("totals.gross", "the e-invoice says 29.75, the page shows 29.76"),
        ("line_items.0.unit_price", "the e-invoice says 12.5000, which no page shows"),
    ];
    assert_eq!(told, expected.map(|(field, message)| (field.to_owned(), message.to_owned())));
}

#[test]
fn encodings_are_known() {
    let latin: Vec<u8> = CII
        .replace("UTF-8", "ISO-8859-1")
        .replace("Kai 1", "Königskai 1")
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).unwrap())
        .collect();
    assert_eq!(read(&latin).unwrap().seller.streets[0], "Königskai 1");
    let wide: Vec<u8> = [0xfe, 0xff].into_iter().chain(CII.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    assert_eq!(read(&wide).unwrap().number.as_deref(), Some("H-7"));
    assert_eq!(read(b"<a>\xff</a>"), Err(Error::Encoding));
}

#[test]
fn hostile_xml_costs_an_error() {
    let bomb = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>{}",
        CII.split_once("?>").unwrap().1.replace("H-7", "&b;")
    );
    assert!(matches!(read(bomb.as_bytes()), Err(Error::Malformed { .. })));
    let outside = bomb.replace("\"aaaaaaaaaa\"", "SYSTEM \"file:///etc/passwd\"");
    assert!(matches!(read(outside.as_bytes()), Err(Error::Malformed { .. })));
    assert!(matches!(read(&CII.as_bytes()[..CII.len() / 2]), Err(Error::Malformed { .. })));
    assert!(matches!(read("<a>".repeat(200_000).as_bytes()), Err(Error::Malformed { .. })));
    let deep = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
    assert!(matches!(read(deep.as_bytes()), Err(Error::Malformed { .. } | Error::Dialect { .. })));
    assert_eq!(read(&vec![b' '; MAX_BYTES + 1]), Err(Error::TooLong));
    assert_eq!(read(b"<order/>"), Err(Error::Dialect { root: "order".to_owned() }));
    assert_eq!(read(b"<CrossIndustryInvoice/>"), Err(Error::Empty));
    let odd = CII.replace("29.75", "1e400").replace("25.00", "a lot").replace("20260314", "20269999");
    let odd = read(odd.as_bytes()).unwrap();
    assert_eq!((odd.totals.gross, odd.totals.net, odd.issue_date), (None, None, None));
}

#[test]
fn ten_thousand_lines_stay_in_order() {
    let (head, rest) = CII.split_once("<ram:IncludedSupplyChainTradeLineItem>").unwrap();
    let (line, _) = rest.split_once("</ram:IncludedSupplyChainTradeLineItem>").unwrap();
    let (_, tail) = rest.rsplit_once("</ram:IncludedSupplyChainTradeLineItem>").unwrap();
    let many: String = (0..10_000)
        .map(|number| {
            format!(
                "<ram:IncludedSupplyChainTradeLineItem>{}</ram:IncludedSupplyChainTradeLineItem>",
                line.replace("Rope", &format!("Rope{number}"))
            )
        })
        .collect();
    let data = mapped(&format!("{head}{many}{tail}"), &english()).unwrap().data;
    let rows = data["line_items"].as_array().unwrap();
    assert_eq!(rows.len(), 10_000);
    assert!(
        rows.iter()
            .enumerate()
            .all(|(number, row)| row["description"].as_str().unwrap().starts_with(&format!("Rope{number} ")))
    );
}

#[test]
fn the_text_lists_the_values() {
    let shown = super::page(&read(CII.as_bytes()).unwrap());
    assert!(shown.words.iter().any(|word| word.text == "29.75" && word.bounds.x + word.bounds.width < shown.width));
    assert_eq!(differences(&mapped(CII, &english()).unwrap(), &[shown]), Vec::new());
    let text = lines(&read(CII.as_bytes()).unwrap());
    for line in ["Number: H-7", "Gross: 29.75", "| 1 | R20 | Rope 20 m & hook | 2 | C62 | 12.5 | 19 | 25.00 |"] {
        assert!(text.iter().any(|told| told == line), "{line} in {text:#?}");
    }
}
