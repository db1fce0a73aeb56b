use super::Concept::*;
use super::*;
use serde_json::json;

fn paths(schema: &Value) -> Vec<(Concept, String)> {
    Concepts::of(schema).found().map(|(concept, path)| (concept, path.to_owned())).collect()
}

fn text() -> Value {
    json!({"type": ["string", "null"]})
}

fn amount() -> Value {
    json!({"type": ["number", "null"]})
}

fn object(names: &[(&str, Value)]) -> Value {
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({"type": "object", "properties": properties})
}

#[test]
fn groups_and_rows_are_found() {
    let party = object(&[
        ("name", text()),
        ("address", text()),
        ("vat_id", text()),
        ("tax_number", text()),
        ("country", text()),
    ]);
    let schema = object(&[
        ("doc_type", json!({"enum": ["invoice"]})),
        ("invoice_number", text()),
        ("issue_date", text()),
        ("due_date", text()),
        ("purchase_order", text()),
        ("currency", text()),
        ("seller", party.clone()),
        ("buyer", party),
        ("payment", object(&[("iban", text()), ("bic", text())])),
        (
            "totals",
            object(&[
                ("lines_net", amount()),
                ("charges", amount()),
                ("allowances", amount()),
                ("net", amount()),
                ("tax", amount()),
                ("gross", amount()),
                ("prepaid", amount()),
                ("due", amount()),
            ]),
        ),
        (
            "taxes",
            json!({"type": ["array", "null"], "items": object(&[("rate", amount()), ("basis", amount()), ("amount", amount()), ("category", text())])}),
        ),
        (
            "line_items",
            json!({"type": "array", "items": object(&[("description", text()), ("code", text()), ("quantity", amount()), ("unit", text()), ("unit_price", amount()), ("tax_rate", amount()), ("amount", amount())])}),
        ),
        ("_meta", object(&[("net", amount())])),
    ]);
    let concepts = Concepts::of(&schema);
    assert_eq!(concepts.known_count(), concepts.leaf_count());
    assert_eq!(concepts.leaf_count(), 37);
    for (concept, path) in [
        (DocumentType, "doc_type"),
        (SellerVatId, "seller.vat_id"),
        (BuyerTaxNumber, "buyer.tax_number"),
        (Iban, "payment.iban"),
        (LinesNet, "totals.lines_net"),
        (Tax, "totals.tax"),
        (Due, "totals.due"),
        (DueDate, "due_date"),
        (Taxes, "taxes"),
        (TaxAmount, "taxes[].amount"),
        (Lines, "line_items"),
        (LineAmount, "line_items[].amount"),
        (LineTaxRate, "line_items[].tax_rate"),
    ] {
        assert_eq!(concepts.path(concept), Some(path), "{concept:?}");
    }
    let data = json!({"totals": {"net": 1, "tax": null}, "line_items": [{"amount": 2}]});
    assert_eq!(concepts.value(&data, Net), Some(&json!(1)));
    assert_eq!(concepts.value(&data, Tax), None);
    assert_eq!(concepts.value(&data, LineAmount), None);
    let rows = concepts.rows(&data, Lines).unwrap();
    assert_eq!(
        (concepts.in_row(LineAmount), concepts.row_value(&rows[0], LineAmount)),
        (Some("amount"), Some(&json!(2)))
    );
    assert_eq!((concepts.rows(&data, Taxes), concepts.in_row(Net)), (None, None));
}

#[test]
fn other_languages_and_forms_are_found() {
    let german = object(&[
        ("Rechnungsnummer", text()),
        ("rechnungsdatum", text()),
        ("Fälligkeitsdatum", text()),
        ("lieferant", object(&[("name", text()), ("UStIdNr", text()), ("Steuernummer", text())])),
        ("kundenName", text()),
        ("Kundennummer", text()),
        ("nettobetrag", amount()),
        ("MwSt-Betrag", amount()),
        ("Gesamtbetrag", amount()),
        ("Zahlbetrag", amount()),
        (
            "positionen",
            json!({"type": "array", "items": object(&[("bezeichnung", text()), ("menge", amount()), ("einzelpreis", amount()), ("gesamtpreis", amount()), ("artikelnummer", text())])}),
        ),
    ]);
    let expected = [
        (Number, "Rechnungsnummer"),
        (IssueDate, "rechnungsdatum"),
        (DueDate, "Fälligkeitsdatum"),
        (CustomerNumber, "Kundennummer"),
        (SellerName, "lieferant.name"),
        (SellerVatId, "lieferant.UStIdNr"),
        (SellerTaxNumber, "lieferant.Steuernummer"),
        (BuyerName, "kundenName"),
        (Net, "nettobetrag"),
        (Tax, "MwSt-Betrag"),
        (Gross, "Gesamtbetrag"),
        (Due, "Zahlbetrag"),
        (Lines, "positionen"),
        (LineDescription, "positionen[].bezeichnung"),
        (LineCode, "positionen[].artikelnummer"),
        (LineQuantity, "positionen[].menge"),
        (LineUnitPrice, "positionen[].einzelpreis"),
        (LineAmount, "positionen[].gesamtpreis"),
    ];
    assert_eq!(paths(&german), expected.map(|(concept, path)| (concept, path.to_owned())));
}

#[test]
fn camel_case_and_references_are_found() {
    let camel = object(&[
        ("invoiceNo", text()),
        ("vendorName", text()),
        ("vendorVatNumber", text()),
        (
            "billTo",
            object(&[
                ("companyName", text()),
                ("address", object(&[("street", text()), ("zip", text()), ("city", text())])),
            ]),
        ),
        ("subTotal", amount()),
        ("salesTax", amount()),
        ("totalAmount", amount()),
        ("amountDue", amount()),
        ("lineItems", json!({"type": "array", "items": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/item"}]}})),
    ]);
    let mut camel = camel;
    camel["$defs"] = json!({"item": object(&[("itemName", text()), ("qty", amount()), ("price", amount()), ("lineTotal", amount())])});
    let concepts = Concepts::of(&camel);
    for (concept, path) in [
        (Number, "invoiceNo"),
        (SellerName, "vendorName"),
        (SellerVatId, "vendorVatNumber"),
        (BuyerName, "billTo.companyName"),
        (BuyerStreet, "billTo.address.street"),
        (BuyerPostcode, "billTo.address.zip"),
        (Net, "subTotal"),
        (Tax, "salesTax"),
        (Gross, "totalAmount"),
        (Due, "amountDue"),
        (LineDescription, "lineItems[].itemName"),
        (LineUnitPrice, "lineItems[].price"),
        (LineAmount, "lineItems[].lineTotal"),
    ] {
        assert_eq!(concepts.path(concept), Some(path), "{concept:?}");
    }
}

#[test]
fn chinese_and_french_are_found() {
    let chinese = object(&[
        ("发票代码", text()),
        ("发票号码", text()),
        ("开票日期", text()),
        ("购买方名称", text()),
        ("销售方", object(&[("名称", text()), ("纳税人识别号", text())])),
        ("价税合计", amount()),
    ]);
    let found = Concepts::of(&chinese);
    assert_eq!(found.known_count(), 7);
    assert_eq!(found.path(SellerTaxNumber), Some("销售方.纳税人识别号"));
    let french = object(&[
        ("numero_facture", text()),
        ("date_facture", text()),
        ("fournisseur", text()),
        ("total_ht", amount()),
        ("total_ttc", amount()),
        ("montant_tva", amount()),
    ]);
    assert_eq!(
        paths(&french).into_iter().map(|(concept, _)| concept).collect::<Vec<_>>(),
        [Number, IssueDate, SellerName, Net, Tax, Gross]
    );
}

#[test]
fn equal_claims_are_not_guessed() {
    let schema = object(&[
        ("invoice_number", text()),
        ("invoiceNo", text()),
        ("vendor", text()),
        ("supplier", text()),
        ("total", amount()),
    ]);
    assert_eq!(paths(&schema), [(Gross, "total".to_owned())]);
    let schema =
        object(&[("total", amount()), ("grand_total_gross", amount()), ("subtotal", amount()), ("net", amount())]);
    assert_eq!(
        paths(&schema),
        [(LinesNet, "subtotal".to_owned()), (Net, "net".to_owned()), (Gross, "grand_total_gross".to_owned())]
    );
    let schema = object(&[("subtotal", amount()), ("discount", amount())]);
    assert_eq!(paths(&schema), [(LinesNet, "subtotal".to_owned()), (Allowances, "discount".to_owned())]);
}

#[test]
fn what_is_due_may_be_a_date_or_an_amount() {
    let either = json!({"type": ["number", "string", "null"]});
    for due in [&either, &amount(), &text()] {
        let schema = object(&[("due_date", text()), ("totals", object(&[("due", due.clone())]))]);
        assert_eq!(paths(&schema), [(DueDate, "due_date".to_owned()), (Due, "totals.due".to_owned())], "{due}");
    }
    assert_eq!(paths(&object(&[("due", text())])), [(DueDate, "due".to_owned())]);
    assert_eq!(paths(&object(&[("due", amount())])), [(Due, "due".to_owned())]);
}

#[test]
fn what_a_property_says_of_itself_wins() {
    let schema = object(&[
        ("a", json!({"type": "number", "x-concept": "gross"})),
        ("gross", amount()),
        ("net", json!({"type": "number", "x-concept": "something of ours"})),
        (
            "b",
            json!({"type": "array", "x-concept": "lines", "items": object(&[("c", json!({"x-concept": "line_amount"})), ("d", json!({"x-concept": "gross"}))])}),
        ),
        ("e", json!({"type": "string", "title": "Invoice number"})),
    ]);
    let expected = [(Number, "e"), (Gross, "a"), (Lines, "b"), (LineAmount, "b[].c")];
    assert_eq!(paths(&schema), expected.map(|(concept, path)| (concept, path.to_owned())));
}

#[test]
fn other_documents_have_few_of_them() {
    let schema = object(&[
        ("patient", object(&[("name", text()), ("birth_date", text())])),
        ("diagnosis", text()),
        ("shipTo", object(&[("name", text()), ("address", text())])),
        ("tax", object(&[("amount", amount()), ("rate", amount())])),
        ("is_paid", json!({"type": "boolean"})),
    ]);
    assert_eq!(paths(&schema), [(Tax, "tax.amount".to_owned()), (DocumentTaxRate, "tax.rate".to_owned())]);
}

#[test]
fn schemas_without_an_end_or_a_form_are_survived() {
    let turning = json!({"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#/properties/b"}, "c": {"anyOf": [{"$ref": "#/nowhere"}]}}});
    assert!(Concepts::of(&turning).known_count() == 0);
    for schema in
        [json!(null), json!([]), json!({"properties": 3}), json!({"properties": {"": {}, "invoice_number": true}})]
    {
        assert!(Concepts::of(&schema).known_count() <= 1, "{schema}");
    }
}
