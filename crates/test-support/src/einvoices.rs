//! Small e-invoices: the values of `documents::invoice_pdf`, as XML and in a PDF.

/// A Cross Industry Invoice of two lines with a total.
#[must_use]
pub fn cii(number: &str, total: &str) -> String {
    let lines = [("Rope 20 m", "2", "12.50", "25.00"), ("Anchor", "1", "80.00", "80.00")].map(|(name, quantity, price, amount)| {
        format!(
            "<ram:IncludedSupplyChainTradeLineItem><ram:SpecifiedTradeProduct><ram:Name>{name}</ram:Name></ram:SpecifiedTradeProduct>\
             <ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>{price}</ram:ChargeAmount></ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>\
             <ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode=\"C62\">{quantity}</ram:BilledQuantity></ram:SpecifiedLineTradeDelivery>\
             <ram:SpecifiedLineTradeSettlement><ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>{amount}</ram:LineTotalAmount></ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>\
             </ram:IncludedSupplyChainTradeLineItem>\n"
        )
    });
    cii_with_lines(number, total, &lines.concat())
}

/// The same of a profile that has no lines.
#[must_use]
pub fn cii_without_lines(number: &str, total: &str) -> String {
    cii_with_lines(number, total, "")
}

fn cii_with_lines(number: &str, total: &str, lines: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <rsm:CrossIndustryInvoice xmlns:rsm=\"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100\" xmlns:ram=\"urn:test:ram\" xmlns:udt=\"urn:test:udt\">\n\
         <rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:cen.eu:en16931:2017</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>\n\
         <rsm:ExchangedDocument><ram:ID>{number}</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime><udt:DateTimeString format=\"102\">20260314</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>\n\
         <rsm:SupplyChainTradeTransaction>\n{lines}\
         <ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty><ram:Name>Harbour Supplies Ltd</ram:Name></ram:SellerTradeParty></ram:ApplicableHeaderTradeAgreement>\n\
         <ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>\
         <ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:TaxBasisTotalAmount>{total}</ram:TaxBasisTotalAmount><ram:GrandTotalAmount>{total}</ram:GrandTotalAmount><ram:DuePayableAmount>{total}</ram:DuePayableAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation>\
         </ram:ApplicableHeaderTradeSettlement>\n\
         </rsm:SupplyChainTradeTransaction>\n</rsm:CrossIndustryInvoice>\n"
    )
}

/// A UBL invoice of one line with a total.
#[must_use]
pub fn ubl(number: &str, total: &str) -> String {
    format!(
        "<Invoice xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\" xmlns:cac=\"urn:test:cac\" xmlns:cbc=\"urn:test:cbc\">\n\
         <cbc:ID>{number}</cbc:ID><cbc:IssueDate>2026-03-14</cbc:IssueDate><cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>\n\
         <cac:LegalMonetaryTotal><cbc:TaxInclusiveAmount currencyID=\"EUR\">{total}</cbc:TaxInclusiveAmount><cbc:PayableAmount currencyID=\"EUR\">{total}</cbc:PayableAmount></cac:LegalMonetaryTotal>\n\
         <cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode=\"C62\">1</cbc:InvoicedQuantity><cbc:LineExtensionAmount currencyID=\"EUR\">{total}</cbc:LineExtensionAmount><cac:Item><cbc:Name>Mooring</cbc:Name></cac:Item></cac:InvoiceLine>\n\
         </Invoice>\n"
    )
}

/// A PDF of `documents` that carries a file too: an update appended to it, as the format allows (ISO 32000-1, 7.5.6).
#[must_use]
pub fn attach(pdf: &[u8], name: &str, file: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(pdf);
    let number_after = |word: &str| {
        let digits = text.rsplit(word).next().unwrap_or_default().trim_start();
        digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>().unwrap_or_default()
    };
    let (size, previous) = (number_after("/Size"), number_after("startxref"));
    let (specification, stream) = (size, size + 1);
    let catalog = format!(
        "<< /Type /Catalog /Pages 2 0 R /AF [{specification} 0 R] /Names << /EmbeddedFiles << /Names [({name}) {specification} 0 R] >> >> >>"
    );
    let description = format!(
        "<< /Type /Filespec /F ({name}) /UF ({name}) /AFRelationship /Alternative /EF << /F {stream} 0 R /UF {stream} 0 R >> >>"
    );
    let mut bytes = pdf.to_vec();
    let mut table = String::from("xref\n");
    for (number, object) in [(1, catalog), (specification, description)] {
        table.push_str(&format!("{number} 1\n{:010} 00000 n \n", bytes.len()));
        bytes.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    table.push_str(&format!("{stream} 1\n{:010} 00000 n \n", bytes.len()));
    let head =
        format!("{stream} 0 obj\n<< /Type /EmbeddedFile /Subtype /text#2Fxml /Length {} >>\nstream\n", file.len());
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(file);
    bytes.extend_from_slice(b"\nendstream\nendobj\n");
    let start = bytes.len();
    let end =
        format!("{table}trailer\n<< /Size {} /Root 1 0 R /Prev {previous} >>\nstartxref\n{start}\n%%EOF\n", size + 2);
    bytes.extend_from_slice(end.as_bytes());
    bytes
}
